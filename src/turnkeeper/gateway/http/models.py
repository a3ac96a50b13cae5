"""What goes over HTTP beside the messages of `turnkeeper.contract`: requests, and what wraps
replies. A request refuses a key that it does not know: a misspelt one would be an answer lost.
"""

from typing import Annotated, Self
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from turnkeeper.backend import SessionSummary
from turnkeeper.client import VoiceSession
from turnkeeper.contract import MAX_TRANSPORT_ID, Alternative, Reply, TurnEvent
from turnkeeper.forms.model import Form, Scalar
from turnkeeper.security.identity import MAX_CALLER
from turnkeeper.sending import MAX_ID

_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
FORM_ID = rf"^{_PART}$"
SESSION_ID = rf"^[A-Za-z0-9][A-Za-z0-9._:-]{{0,63}}:{_PART}:{_PART}:[a-z2-7]{{26}}$"
"""`{prefix}:{tenant}:{form}:{subject}`; see `turnkeeper.security.identity`."""
MAX_LEG = 2**31 - 1
"""For clients whose integers have 32 bits."""
MAX_REASON = 200

FormId = Annotated[str, Field(pattern=FORM_ID)]
Id = Annotated[str, Field(min_length=1, max_length=MAX_ID)]
Confidence = Annotated[float, Field(ge=0, le=1)]


def path_of(session_id: str) -> str:
    """Where a session is, under the gateway's root."""
    return f"/v1/sessions/{quote(session_id, safe='')}"


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class OpenSession(_Request):
    """A call comes in, a socket opens."""

    form: FormId
    """The form's id."""
    caller: Annotated[str, Field(min_length=1, max_length=MAX_CALLER)]
    """The person: a phone number in any spelling, or an id that stays the same when they come
    back. A withheld number is nobody and is refused. With a token of one caller it is theirs."""
    transport_id: Annotated[str, Field(max_length=MAX_TRANSPORT_ID)] = ""
    """The transport's own name for this call: sessions are found by it."""
    channel: Annotated[str, Field(max_length=64)] = "http"
    """What kind of leg it is; kept and shown, nothing depends on it."""
    connect_id: Id | None = None
    """The same again is the same leg: it makes a retry safe. Random by default."""


class _OfLeg(_Request):
    leg: Annotated[int, Field(ge=1, le=MAX_LEG)]
    """The leg that speaks, as opening it gave it."""
    epoch: Annotated[str, Field(min_length=1, max_length=64)]
    """The session's, as opening it gave it: tells it from the caller's next one."""


class SendTurn(_OfLeg):
    """What a caller said, keyed or did not say, in one go: any of the contents, or several."""

    utterance_id: Id
    """Names the utterance within its leg. The same again with the same content gets the same
    reply; with other content it amends what was understood, while no newer turn has come."""
    text: str | None = None
    """The final transcript."""
    alternatives: tuple[Alternative, ...] = ()
    """The recogniser's n-best list, best first."""
    confidence: Confidence | None = None
    """The recogniser's, for the text."""
    dtmf: str | None = None
    """Keys; `#` ends them."""
    answers: dict[str, Scalar | None] = {}
    """Values that the agent's own model extracted, by field; checked all the same. Null takes an
    optional field's answer back."""
    event: TurnEvent | None = None
    """What happened in place of words, or a command."""
    said: str | None = None
    """Up to where the caller heard the last reply before barging in."""


class HangUp(_OfLeg):
    """The leg is over; the session waits for the next one."""

    reason: Annotated[str, Field(max_length=MAX_REASON)] = "hang_up"
    """Why; shown to operators, so nothing personal."""


class Because(_Request):
    """Why an operator, or the agent, ends a session or hands it off."""

    reason: Annotated[str, Field(max_length=MAX_REASON)] = ""
    """Shown to operators, so nothing personal."""


NO_REASON = Because()


class MakeTicket(_Request):
    """For whom a ticket is."""

    caller: Annotated[str, Field(min_length=1, max_length=MAX_CALLER)] | None = None
    """The one caller whose sessions it reaches; without, all that the token does."""


NO_TICKET = MakeTicket()


class _Response(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Opened(_Response):
    """A new leg of a session."""

    session_id: str
    """The session: the same for this caller and form, whatever the leg."""
    created: bool
    """Whether the session began with this leg."""
    restored: bool
    """Whether answers were already there."""
    leg: int
    """This leg's number: every turn carries it."""
    epoch: str
    """Every turn carries it."""
    reply: Reply
    """The greeting, or the welcome back: speak `say`."""

    @classmethod
    def of(cls, session: VoiceSession) -> Self:
        return cls(
            session_id=session.id,
            created=session.leg == 1,
            restored=session.restored,
            leg=session.leg,
            epoch=session.epoch,
            reply=session.reply,
        )


class SessionList(_Response):
    """Sessions: running ones, then finished ones, of each the newest first."""

    sessions: tuple[SessionSummary, ...]


class FormSummary(_Response):
    """One form."""

    form: str
    """Its id."""
    title: str
    """What it is called aloud."""
    version: str
    """The author's own mark of which edition this is."""
    language: str
    fields: int
    """How many fields it has."""

    @classmethod
    def of(cls, form: Form) -> Self:
        return cls(
            form=form.form,
            title=form.spoken_title,
            version=form.version,
            language=form.language,
            fields=len(form.fields),
        )


class FormList(_Response):
    """The forms that this gateway tells of; workers may have others."""

    forms: tuple[FormSummary, ...]
