"""Who calls, and on which call: where each platform puts it. Literal tables.

The header goes before everything. Platforms that can set no header fill in a template in the
system prompt: a line there that begins with the header's name is as good. Then come the ids that
somebody chose, and last the number that the platform saw.

- Vapi sends `call`, `customer` and the assistant's `metadata` (model.metadataSendMode `variable`).
- ElevenLabs sends `user_id` and `elevenlabs_extra_body` (custom_llm_extra_body), and fills in
  `{{system__caller_id}}` and `{{system__conversation_id}}` in the prompt.
- `user`, its successor `safety_identifier` and `metadata` are OpenAI's own.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from turnkeeper.errors import InvalidCaller, InvalidInput
from turnkeeper.security.identity import subject_of

SUBJECT_HEADER = "X-Turnkeeper-Subject"
CALL_HEADER = "X-Turnkeeper-Call"

Place = tuple[str, ...]
"""Keys from the top of the request's body."""

SUBJECT_PLACES: tuple[Place, ...] = (
    ("elevenlabs_extra_body", "subject"),
    ("metadata", "subject"),
    ("user",),
    ("user_id",),
    ("safety_identifier",),
)
NUMBER_PLACES: tuple[Place, ...] = (
    ("call", "customer", "number"),
    ("customer", "number"),
)
CALL_PLACES: tuple[Place, ...] = (
    ("call", "id"),
    ("elevenlabs_extra_body", "call"),
    ("metadata", "call"),
)

_NOBODY = frozenset({"", "none", "null", "undefined"})
"""What a template or a program writes where it has no value: never an id, or all such callers
would share one session."""
_HOW = (
    f"set the header {SUBJECT_HEADER}, a line '{SUBJECT_HEADER}: ...' in the system prompt, or the"
    " field 'user' to the caller's phone number or to an id that stays the same when they come back"
)


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller, and the platform's name for the call; None where it says none."""

    caller: str
    call: str | None


def identify(
    headers: Mapping[str, str], prompt: str, body: Mapping[str, object], region: str
) -> Identity:
    """Who a request is from. `prompt` is its system messages' text, `region` the setting.

    Raises:
        InvalidInput: nobody is named, or a template was not filled in.
    """
    call = _named(CALL_HEADER, headers, prompt) or _first(body, CALL_PLACES)
    chosen = _named(SUBJECT_HEADER, headers, prompt) or _first(body, SUBJECT_PLACES)
    caller = chosen or _number(_first(body, NUMBER_PLACES), call, region)
    if caller is None:
        raise InvalidInput(f"the request does not say who calls: {_HOW}")
    return Identity(caller, call)


def _number(number: str | None, call: str | None, region: str) -> str | None:
    """The caller by number; one who withholds it has a session for this call alone."""
    if number is None or call is None:
        return number
    try:
        subject_of(number, region)
    except InvalidCaller:
        return f"call-{call}"
    return number


def _named(header: str, headers: Mapping[str, str], prompt: str) -> str | None:
    line = re.search(rf"(?im)^[ \t]*{re.escape(header)}:(.*)$", prompt)
    return _value(headers.get(header)) or _value(line[1] if line else None)


def _first(body: Mapping[str, object], places: tuple[Place, ...]) -> str | None:
    return next((value for place in places if (value := _value(_at(body, place)))), None)


def _at(body: object, place: Place) -> object:
    for key in place:
        body = body.get(key) if isinstance(body, Mapping) else None
    return body


def _value(value: object) -> str | None:
    """A text or a number as an id; None where it is none."""
    text = str(value).strip() if isinstance(value, str | int) else ""
    if "{{" in text:
        raise InvalidInput(f"a template of the caller's identity was not filled in: {_HOW}")
    return None if text.casefold() in _NOBODY else text
