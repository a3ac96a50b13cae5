"""What a reader makes of a caller's words: the four kinds of reading, and their surroundings.

Reading is pure: the clock, the region and the language come in as a `Context`, so the same words
with the same context give the same reading on any machine.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from turnkeeper.forms.model import Field, Scalar


@dataclass(frozen=True, slots=True)
class Context:
    """Where and when something was said. `now` is aware, in the caller's time zone."""

    now: datetime
    region: str = "US"
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a value was not taken: a code for programs, a sentence for the caller."""

    code: str
    """Such as `not_understood`, `incomplete`, `ambiguous`, `too_early`, `too_short`."""
    say: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What words mean to a field.

    value       one value in normal form, within the field's bounds
    candidates  several values fit ("at five"): ask which
    partial     the beginning of a value ("four one five"): ask for the rest
    refused     a value, but not one that the field takes: `refusal` says why
    none        nothing of this type in the words
    """

    kind: Literal["value", "candidates", "partial", "refused", "none"]
    value: Scalar | None = None
    candidates: tuple[Scalar, ...] = ()
    refusal: Refusal | None = None
    heard: str = ""
    """The words that the value came from."""
    rest: str = ""
    """The words that were left over, for other fields."""


NOTHING = Reading("none")


@dataclass(frozen=True, slots=True)
class ValueType:
    """A row of the table of types: how one kind of value is read, accepted and spoken.

    read    from a transcript
    dtmf    from keys; the terminator `#` is already gone
    accept  from a program: any JSON value that an agent's language model extracted
    speak   the value as it is read back aloud, in a language
    """

    name: str
    read: Callable[[Field, str, Context], Reading]
    dtmf: Callable[[Field, str, Context], Reading]
    accept: Callable[[Field, object, Context], Reading]
    speak: Callable[[Field, Scalar, str], str]
    strict: bool = True
    """False for types that take almost any words (text, name): they must not swallow commands
    or another field's value."""
