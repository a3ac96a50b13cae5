"""What a line means that somebody types in `turnkeeper talk`: a caller's words, or a `:command`."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from turnkeeper.errors import InvalidInput
from turnkeeper.forms.model import Scalar

if TYPE_CHECKING:
    from turnkeeper.client import TurnContent

Action = Literal["turn", "drop", "state", "help", "quit", "nothing"]


@dataclass(frozen=True, slots=True)
class Typed:
    """What to do; of a turn, its text or its other content."""

    action: Action
    text: str | None = None
    content: "TurnContent | None" = None


@dataclass(frozen=True, slots=True)
class Command:
    """A `:command`: what follows it, what it is for, and its meaning given what follows."""

    takes: str
    about: str
    means: Callable[[str], Typed]


def meaning_of(line: str) -> Typed:
    """What to do about a line.

    Raises:
        InvalidInput: a command that there is not, or something else after it than it takes.
    """
    words = line.strip()
    if not words.startswith(":"):
        return Typed("turn", text=words) if words else Typed("nothing")
    name, _, rest = words[1:].partition(" ")
    command = COMMANDS.get(name)
    if command is None:
        raise InvalidInput(f"there is no command :{name}; :help shows them")
    if rest and not command.takes:
        raise InvalidInput(f":{name} stands alone")
    return command.means(rest.strip())


_KEYS = re.compile(r"[0-9*#]+")


def _dtmf(keys: str) -> Typed:
    pressed = keys.replace(" ", "")
    if not _KEYS.fullmatch(pressed):
        raise InvalidInput("after :dtmf come keys: 0 to 9, * and #, as in `:dtmf 123#`")
    return Typed("turn", content={"dtmf": pressed})


def _answers(document: str) -> Typed:
    wanted = 'after :answers comes a JSON object of fields, as in `:answers {"guests": 4}`'
    try:
        answers = json.loads(document)
        # What Python reads, but no JSON text can hold: NaN, half of a surrogate pair.
        json.dumps(answers, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise InvalidInput(wanted) from None
    if not isinstance(answers, dict) or not answers:
        raise InvalidInput(wanted)
    for field, value in answers.items():
        if not isinstance(value, Scalar | None):
            raise InvalidInput(f"{field} is a list or an object: an answer is one value, or null")
    return Typed("turn", content={"answers": answers})


COMMANDS: Mapping[str, Command] = {
    "noinput": Command(
        "", "nothing was heard", lambda _: Typed("turn", content={"event": "noinput"})
    ),
    "nomatch": Command(
        "", "nothing was understood", lambda _: Typed("turn", content={"event": "nomatch"})
    ),
    "dtmf": Command("KEYS", "keys were pressed: 0 to 9, * and #", _dtmf),
    "answers": Command("JSON", "values from an agent's own model, as JSON by field", _answers),
    "drop": Command("", "the line breaks, and the caller rings again", lambda _: Typed("drop")),
    "state": Command("", "what the session holds", lambda _: Typed("state")),
    "help": Command("", "this list", lambda _: Typed("help")),
    "quit": Command("", "hang up, as the end of input does", lambda _: Typed("quit")),
}

HELP = "\n".join(
    f"  {f':{name} {command.takes}':<16}{command.about}" for name, command in COMMANDS.items()
)
