"""The messages of `/v1/stream`: JSON objects in text frames, told apart by `type`.

Fields that are not known are ignored, ours in a client and a client's here: both sides may be
newer. The classes are the reference, and docs/asyncapi.yaml is made from them.
"""

import json
from typing import Annotated, Literal, TypeAlias, TypeGuard

from pydantic import ConfigDict, Field, ValidationError

from turnkeeper.contract import (
    MAX_TRANSPORT_ID,
    Alternative,
    Progress,
    Reply,
    SessionState,
    Status,
    TurnEvent,
)
from turnkeeper.errors import InvalidInput
from turnkeeper.forms.model import Form, Frozen, Scalar
from turnkeeper.gateway.access.principal import Scope
from turnkeeper.gateway.http.models import MAX_REASON, SESSION_ID
from turnkeeper.gateway.problems import Problem
from turnkeeper.sending import MAX_ID

MAX_TOKEN = 8192
"""Characters; a JWT with many claims has two thousand."""

Id: TypeAlias = Annotated[str, Field(min_length=1, max_length=MAX_ID)]


class Message(Frozen):
    """What the messages have in common."""

    model_config = ConfigDict(use_attribute_docstrings=True)


# --- from the client ------------------------------------------------------------------------------


class Hello(Message):
    """Who speaks here: the first message, unless the token came as a subprotocol. Answered by
    `welcome`; before it nothing else is taken."""

    type: Literal["hello"] = "hello"
    token: Annotated[str, Field(min_length=1, max_length=MAX_TOKEN)]
    """An API key, a JWT, or a one-use ticket."""


class Open(Message):
    """Restore the caller's form, or begin it: a new leg. Answered by `opened`."""

    type: Literal["open"] = "open"
    form: str
    caller: str | None = None
    """Who it is: a phone number in any spelling, or an id that stays the same. An end user's token
    says it already."""
    transport_id: Annotated[str, Field(max_length=MAX_TRANSPORT_ID)] = ""
    """The transport's own name for this call; nothing personal, it is indexed in clear."""
    channel: Annotated[str, Field(max_length=64)] = "websocket"
    connect_id: Id | None = None
    """The same again is the same leg: for an `open` whose answer was lost. Random by default."""


class Resume(Message):
    """Go on with a leg after its socket was lost, on any gateway; its three names are those of
    `opened`. Answered by `opened`, whose reply is the one that still stands."""

    type: Literal["resume"] = "resume"
    session_id: Annotated[str, Field(pattern=SESSION_ID)]
    leg: Annotated[int, Field(ge=1)]
    epoch: Annotated[str, Field(min_length=1, max_length=64)]


class SendTurn(Message):
    """What the caller said, keyed or did not say. Answered by `reply`; while that is on its way,
    more may be sent, and are answered in order."""

    type: Literal["turn"] = "turn"
    utterance_id: Id
    """Names the utterance within this leg: the same again is the same turn."""
    text: str | None = None
    """The final transcript."""
    alternatives: tuple[Alternative, ...] = ()
    """The recogniser's n-best list, best first."""
    confidence: float | None = None
    """The recogniser's, 0 to 1, for the text."""
    dtmf: str | None = None
    """Keys; `#` is the terminator."""
    answers: dict[str, Scalar | None] | None = None
    """Values that the agent's own model extracted, by field; checked all the same."""
    event: TurnEvent | None = None
    said: str | None = None
    """Up to where the caller heard the last reply, when they barged in."""


class HangUp(Message):
    """The leg is over; the session waits for the next. The socket is closed with 1000."""

    type: Literal["hangup"] = "hangup"
    reason: Annotated[str, Field(max_length=MAX_ID)] = "hang_up"


class CancelSession(Message):
    """End the session without submitting it. Answered by `reply`, with no utterance id."""

    type: Literal["cancel"] = "cancel"
    reason: Annotated[str, Field(max_length=MAX_REASON)] = ""


class HandOffCaller(Message):
    """Leave the caller to a person. Answered by `reply`, with no utterance id."""

    type: Literal["hand_off"] = "hand_off"
    reason: Annotated[str, Field(max_length=MAX_REASON)] = ""


class AskState(Message):
    """What the session holds, after the turns that were sent before. Answered by `state`."""

    type: Literal["state"] = "state"


class Ping(Message):
    """Answered by `pong` at once, whatever is on its way."""

    type: Literal["ping"] = "ping"
    id: Annotated[str, Field(max_length=MAX_ID)] = ""
    """Comes back in the `pong`."""


ClientMessage: TypeAlias = (
    Hello | Open | Resume | SendTurn | HangUp | CancelSession | HandOffCaller | AskState | Ping
)
CLIENT: dict[str, type[ClientMessage]] = {
    "hello": Hello,
    "open": Open,
    "resume": Resume,
    "turn": SendTurn,
    "hangup": HangUp,
    "cancel": CancelSession,
    "hand_off": HandOffCaller,
    "state": AskState,
    "ping": Ping,
}
"""What a client may send, by `type`."""

SCOPES: dict[str, Scope] = {
    "open": "talk",
    "resume": "talk",
    "turn": "talk",
    "hangup": "talk",
    "cancel": "operate",
    "hand_off": "operate",
    "state": "read",
}
"""What the token must be good for, by `type`; `hello` and `ping` need nothing."""


# --- to the client --------------------------------------------------------------------------------


class Welcome(Message):
    """The gateway knows who speaks here."""

    type: Literal["welcome"] = "welcome"
    scopes: tuple[Scope, ...]
    """What the token is good for."""
    expires_in: int | None
    """Seconds until the socket is closed, since its token ends; null: it has no end."""


class Opened(Message):
    """The socket speaks for this leg. Keep the three names: they are what `resume` needs."""

    type: Literal["opened"] = "opened"
    session_id: str
    leg: int
    epoch: str
    restored: bool
    """Whether answers were already there."""
    resumed: bool
    """Whether the leg goes on: then the caller knows the reply, and `say` is a reprompt."""
    reply: Reply


class Replied(Message):
    """What a turn led to. It is in the session's history."""

    type: Literal["reply"] = "reply"
    utterance_id: str
    reply: Reply


class StateView(SessionState):
    """The session, without its form's definition."""

    definition: Form | None = Field(default=None, exclude=True)


class Current(Message):
    """What the session holds."""

    type: Literal["state"] = "state"
    state: StateView


class Happened(Message):
    """Somebody else changed the session: an operator, a timer, the delivery, another line."""

    type: Literal["event"] = "event"
    event: Literal["changed", "ended", "superseded"]
    """`ended`: it takes no more turns. `superseded`: the caller is on a newer leg."""
    status: Status
    field: str | None
    progress: Progress
    leg: int
    """The session's newest."""
    version: int


class Failed(Message):
    """A message was refused. The socket stays open unless a close follows."""

    type: Literal["error"] = "error"
    in_reply_to: str | None
    """The type of the message; None where it cannot be told."""
    utterance_id: str | None
    """Of a turn."""
    retryable: bool
    """Send the same again: the store could not be reached, and nothing is known."""
    problem: Problem


class Pong(Message):
    """The line is alive, and the gateway is."""

    type: Literal["pong"] = "pong"
    id: str = ""


ServerMessage: TypeAlias = Welcome | Opened | Replied | Current | Happened | Failed | Pong
SERVER: dict[str, type[ServerMessage]] = {
    "welcome": Welcome,
    "opened": Opened,
    "reply": Replied,
    "state": Current,
    "event": Happened,
    "error": Failed,
    "pong": Pong,
}
"""What a client may get, by `type`."""


# --- reading --------------------------------------------------------------------------------------


class BadMessage(InvalidInput):
    """A frame that is no message. `final`: not even its type can be read."""

    def __init__(self, sentence: str, *, of: str | None = None, utterance: object = None) -> None:
        super().__init__(sentence)
        self.type = of
        self.utterance_id = utterance if _can_be_said_back(utterance) else None

    @property
    def final(self) -> bool:
        return self.type is None


def read(text: str) -> ClientMessage:
    """The message of a text frame. Raises BadMessage, which quotes nothing but names of fields."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise BadMessage("the frame is not JSON; send one JSON object in each text frame") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise BadMessage('the frame has no type; send a JSON object such as {"type": "ping"}')
    kind, utterance = message["type"], message.get("utterance_id")
    if kind not in CLIENT:
        raise BadMessage(
            f"there is no message of this type; use one of {', '.join(CLIENT)}",
            of="unknown",
            utterance=utterance,
        )
    try:
        return CLIENT[kind].model_validate(message)
    except ValidationError as error:
        raise BadMessage(_wrong(kind, error), of=kind, utterance=utterance) from None


def _can_be_said_back(utterance: object) -> TypeGuard[str]:
    """Half of a character, for one, cannot be sent."""
    return isinstance(utterance, str) and len(utterance) <= MAX_ID and utterance.isprintable()


def _wrong(kind: str, error: ValidationError) -> str:
    """What pydantic said, without the values and without keys that a client chose."""
    known = CLIENT[kind].model_fields
    places = {str(row["loc"][0]): row["msg"] for row in error.errors() if row["loc"][0] in known}
    return f"the {kind} is not right: " + "; ".join(f"{at}: {msg}" for at, msg in places.items())
