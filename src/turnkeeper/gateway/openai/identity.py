"""Who calls, and on which call: where each platform puts it. Literal tables.

A place that the settings name goes before everything, then the header. Platforms that can set no
header fill in a template in the system prompt: a line there that begins with the header's name is
as good. Then come the ids that somebody chose, and last the number that the platform saw.

- Vapi sends `call`, `customer` and the assistant's `metadata` (model.metadataSendMode `variable`).
- ElevenLabs sends `user_id` and `elevenlabs_extra_body` (custom_llm_extra_body), and fills in
  `{{system__caller_id}}` and `{{system__conversation_id}}` in the prompt.
- `user`, its successor `safety_identifier` and `metadata` are OpenAI's own.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from turnkeeper.errors import InvalidCaller, InvalidInput
from turnkeeper.security.identity import normal_caller
from turnkeeper.settings import Settings

SUBJECT_HEADER = "X-Turnkeeper-Subject"
CALL_HEADER = "X-Turnkeeper-Call"

Place = tuple[str, ...]
"""Keys from the top of the request's body."""
HEADER = "header:"
"""How a place of the settings begins that is a header's name, and not keys with dots between."""

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


@dataclass(frozen=True, slots=True)
class Places:
    """Where a gateway looks first: `TURNKEEPER_OPENAI_SUBJECT`, `TURNKEEPER_OPENAI_CALL`."""

    subject: tuple[str, ...] = ()
    call: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: Settings) -> "Places":
        return cls(_listed(settings.openai_subject), _listed(settings.openai_call))


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a request may say who it is from; `prompt` is its system messages' text."""

    headers: Mapping[str, str]
    prompt: str
    body: Mapping[str, object]

    def at(self, places: Iterable[str]) -> str | None:
        """The first value at places that are written as the settings write them."""
        return next((value for place in places if (value := self._at(place))), None)

    def _at(self, place: str) -> str | None:
        if place.startswith(HEADER):
            return _value(self.headers.get(place.removeprefix(HEADER)))
        return _first(self.body, (tuple(place.split(".")),))


def identify(asked: Asked, region: str, places: Places) -> Identity:
    """Who a request is from. `region` is the setting.

    Raises:
        InvalidInput: nobody is named, or a template was not filled in.
    """
    headers, prompt, body = asked.headers, asked.prompt, asked.body
    call = (
        asked.at(places.call) or _named(CALL_HEADER, headers, prompt) or _first(body, CALL_PLACES)
    )
    caller = (
        _number(asked.at(places.subject), call, region)
        or _named(SUBJECT_HEADER, headers, prompt)
        or _first(body, SUBJECT_PLACES)
        or _number(_first(body, NUMBER_PLACES), call, region)
    )
    if caller is None:
        raise InvalidInput(f"the request does not say who calls: {_HOW}")
    return Identity(caller, call)


def _listed(setting: str | None) -> tuple[str, ...]:
    return tuple(place.strip() for place in (setting or "").split(",") if place.strip())


def _number(number: str | None, call: str | None, region: str) -> str | None:
    """The caller by number; one who withholds it has a session for this call alone."""
    if number is None or call is None:
        return number
    try:
        normal_caller(number, region)
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
