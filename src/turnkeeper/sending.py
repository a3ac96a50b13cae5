"""What a client sends: made, checked and measured before it goes, so that nothing leaves that the
other side would choke on."""

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import TypedDict, TypeVar, get_args

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from turnkeeper.contract import MAX_TURN_BYTES, Alternative, Turn, TurnEvent
from turnkeeper.errors import InvalidInput, TurnTooLarge
from turnkeeper.forms.model import Frozen, Scalar

M = TypeVar("M", bound=Frozen)

MAX_ID = 200
"""Characters of an id that an agent chooses: it becomes part of an update's id."""


_KEYS = re.compile(r"[0-9*#A-D]*")
"""Of a keypad (ITU-T Q.23)."""
_TEXT = "must be text"
_CONFIDENCE = "must be a number from 0 to 1"
_MUST: Mapping[str, str] = {
    "text": _TEXT,
    "said": _TEXT,
    "utterance_id": _TEXT,
    "dtmf": "must be keys: 0 to 9, *, # and A to D",
    "event": f"must be one of {', '.join(get_args(TurnEvent))}",
    "confidence": _CONFIDENCE,
    "alternatives": "must be texts or Alternative(text, confidence)",
    "answers": "must be values by field: each text, a number, True, False or None",
}
"""What each part of a turn takes."""


class TurnContent(TypedDict, total=False):
    """What a turn may carry beside its text."""

    dtmf: str | None
    """Keys; `#` is the terminator."""
    answers: Mapping[str, Scalar | None] | None
    """Values that the agent's own model extracted, by field; checked all the same."""
    event: TurnEvent | None
    """`noinput`, `nomatch`, or a command such as `repeat` or `skip`."""
    alternatives: Sequence[Alternative | str]
    """The recogniser's n-best list, best first."""
    confidence: float | None
    """The recogniser's, 0 to 1, for the text."""
    said: str | None
    """Up to where the caller heard the last reply, when they barged in."""
    utterance_id: str | None
    """Names the utterance within this leg; random by default."""


def token() -> str:
    """A new id, for whatever is sent without one."""
    return secrets.token_hex(8)


def turn_of(text: str | None, content: TurnContent, *, epoch: str, leg: int) -> Turn:
    """A turn of a leg, as it can be sent.

    Raises:
        TurnTooLarge, InvalidInput: it cannot be; its values, which may be answers, are not named.
    """
    alternatives = [
        Alternative(text=one) if isinstance(one, str) else one
        for one in content.get("alternatives", ())
    ]
    said = {name: value for name, value in content.items() if value is not None}
    said |= {"text": text, "alternatives": alternatives, "epoch": epoch, "leg": leg}
    said.setdefault("utterance_id", token())
    try:
        turn = Turn.model_validate(said)
    except ValidationError as error:
        raise _refused(*(str(row["loc"][0]) for row in error.errors() if row["loc"])) from None
    _require_bounds(turn)
    if len(turn.utterance_id) > MAX_ID:
        raise InvalidInput(f"an utterance id is at most {MAX_ID} characters")
    return sendable(turn)


def sendable(message: M, limit: int = MAX_TURN_BYTES) -> M:
    """The message, if it can be sent.

    Raises:
        TurnTooLarge: it is over the limit.
        InvalidInput: it holds what JSON can't: half of a surrogate pair, an infinite number.
    """
    try:
        size = len(json.dumps(message.model_dump(mode="json"), allow_nan=False).encode())
        message.model_dump_json()
        _names(message).encode()  # Of a name pydantic makes another one, and says nothing.
    except (ValueError, PydanticSerializationError):
        raise InvalidInput(
            "the message holds something that cannot be sent: a number that is infinite or none, "
            "or text that is not Unicode"
        ) from None
    if size > limit:
        raise TurnTooLarge(
            f"the message is {size:,} bytes, over the limit of {limit:,}: "
            "send what was said in one breath, not a document"
        )
    return message


def _names(message: Frozen) -> str:
    """Those of the fields that a message has answers for, which are a client's too."""
    answers = (value for value in vars(message).values() if isinstance(value, dict))
    return "".join(name for named in answers for name in named)


def _require_bounds(turn: Turn) -> None:
    """What is checked here and not by the model, which reads what is in old histories as well."""
    scores = (turn.confidence, *(one.confidence for one in turn.alternatives))
    if any(score is not None and not 0 <= score <= 1 for score in scores):
        raise _refused("confidence")
    if turn.dtmf is not None and not _KEYS.fullmatch(turn.dtmf):
        raise _refused("dtmf")


def _refused(*parts: str) -> InvalidInput:
    """Says what the parts of a turn must be, and not what they are: that may be an answer."""
    rules = "; ".join(f"{part} {_MUST.get(part, 'is wrong')}" for part in dict.fromkeys(parts))
    return InvalidInput(f"the turn cannot be sent: {rules}")
