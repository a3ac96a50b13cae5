"""The frames of ConversationRelay, as Twilio sends and takes them and Telnyx does after it.

Sources: Twilio, "Getting and sending WebSocket messages" and "TwiML Voice: ConversationRelay";
Telnyx, "ConversationRelay WebSocket channel". `info` frames come because our TwiML asks for
`events="speaker-events"`; where a platform sends none, nothing but a better guess is missing.
"""

from typing import Annotated, Literal, TypeAlias

from babel.core import get_global
from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel


class _Frame(BaseModel):
    """A frame; fields that a platform adds are ignored."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )


# --- in -------------------------------------------------------------------------------------------


class Setup(_Frame):
    """The first frame of a socket: which call it is."""

    type: Literal["setup"]
    call_sid: str
    """The same on every socket of a call."""
    caller: str | None = Field(None, alias="from")
    to: str | None = None
    direction: str | None = None
    call_control_id: str | None = None
    """Telnyx only."""
    custom_parameters: dict[str, str] | None = None
    """The `<Parameter>`s of our TwiML."""

    @property
    def channel(self) -> str:
        return "telnyx" if self.call_control_id else "twilio"


class Prompt(_Frame):
    """A transcript; only with `last` is it final."""

    type: Literal["prompt"]
    voice_prompt: str
    last: bool = True


class Dtmf(_Frame):
    """One key."""

    type: Literal["dtmf"]
    digit: str


class Interrupt(_Frame):
    """The caller broke in on what was being said, which stopped."""

    type: Literal["interrupt"]
    utterance_until_interrupt: str | None = None


class Info(_Frame):
    """`agentSpeaking` and `clientSpeaking` are `on` and `off`; other names are of no use here."""

    type: Literal["info"]
    name: str = ""
    value: JsonValue = None


class Error(_Frame):
    """The platform could not take a frame of ours. Its description quotes the frame."""

    type: Literal["error"]


Inbound: TypeAlias = Setup | Prompt | Dtmf | Interrupt | Info | Error

_INBOUND: TypeAdapter[Inbound] = TypeAdapter(Annotated[Inbound, Field(discriminator="type")])


def parse(text: str) -> Inbound | None:
    """The frame; None where it is none that we know, which no later platform shall fail for."""
    try:
        return _INBOUND.validate_json(text)
    except ValidationError:
        return None


# --- out ------------------------------------------------------------------------------------------


class Text(_Frame):
    """Words to speak. We send a reply whole: it is stored before its first word is heard."""

    type: Literal["text"] = "text"
    token: str
    last: bool = True
    interruptible: bool = True
    preemptible: bool = True
    """A newer reply takes the place of this one: the caller hears the question that is open."""


class Language(_Frame):
    """What is spoken and heard from now on, as tags with a region."""

    type: Literal["language"] = "language"
    tts_language: str
    transcription_language: str


class End(_Frame):
    """Ends the session at once, also in mid-word; the call goes on at `<Connect action>`."""

    type: Literal["end"] = "end"
    handoff_data: str


Outbound: TypeAlias = Text | Language | End


def written(frame: Outbound) -> str:
    """A frame as it goes over the wire."""
    return frame.model_dump_json(by_alias=True)


DEFAULT_LANGUAGE = "en-US"
"""The platforms' own, where the TwiML names none."""


def relay_language(language: str) -> str:
    """A form's language as the platforms name it, with a region: `de` is `de-DE`, by Unicode's
    likely subtags; a tag that has a region keeps it."""
    base, _, rest = language.replace("_", "-").partition("-")
    if rest:
        return f"{base}-{rest}"
    likely = str(get_global("likely_subtags").get(base.lower(), ""))
    region = likely.rpartition("_")[2]
    return f"{base}-{region}" if region else base
