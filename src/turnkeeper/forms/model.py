"""The form: what is asked of a caller, as frozen data.

A YAML file (`turnkeeper.forms.load`) and a pydantic model (`turnkeeper.forms.from_model`) both
compile to a `Form`. A session records the form that it began with, so a `Form` must survive a
round trip through JSON, and a field added here needs a default that means what its absence meant.

The words are VoiceXML's: a form has fields, a field has a prompt (tapered: the n-th failure hears
the n-th prompt, VoiceXML 2.1 section 4.1.6), a guard condition (`when`) and a value.
"""

from datetime import timedelta
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

Scalar: TypeAlias = str | int | float | bool
"""A value in normal form: dates and times ISO 8601, phone numbers E.164, digits as a string."""

FieldType = Literal[
    "text", "boolean", "choice", "number", "digits", "date", "time",
    "phone", "email", "name", "postal_code",
]  # fmt: skip
ConfirmPolicy = Literal["never", "always", "auto"]
StalePolicy = Literal["resume", "ask", "restart"]
AgainPolicy = Literal["new", "show"]


class Frozen(BaseModel):
    """An immutable model; fields from a newer release are ignored when it is read back."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Choice(Frozen):
    """One of a choice field's values, with the other words that callers use for it."""

    value: str
    synonyms: tuple[str, ...] = ()


class Field(Frozen):
    """One question and what counts as an answer to it."""

    name: str
    type: FieldType = "text"
    label: str = ""
    """What the field is called aloud and what a caller may name it; the name, spaced, when empty."""
    prompt: tuple[str, ...]
    """Tapered: the first prompt asks, the n-th is heard after n-1 failures; the last one stays."""
    help: str | None = None
    required: bool = True
    when: str | None = None
    """A condition on earlier answers (`turnkeeper.forms.condition`); asked only while it holds."""
    default: Scalar | None = None
    """The answer that a caller who skips an optional field gets."""
    choices: tuple[Choice, ...] = ()
    min: Scalar | None = None
    """Lowest number; earliest date or time (ISO 8601, or `today`); fewest characters of a text."""
    max: Scalar | None = None
    length: int | tuple[int, int] | None = None
    """Digits or characters: exactly n, or from n to m."""
    pattern: str | None = None
    """A regular expression that the whole normal form matches."""
    confirm: ConfirmPolicy = "auto"
    """`auto` reads a value back when the recogniser gave it a low confidence."""
    personal: bool = False
    secret: bool = False

    @property
    def spoken_name(self) -> str:
        return self.label or self.name.replace("_", " ")


class Stale(Frozen):
    """What a caller who comes back after `after` without a turn is offered."""

    after: timedelta | None = None
    policy: StalePolicy = "ask"


class Deliver(Frozen):
    """Where a confirmed form is sent: an HTTP POST with an Idempotency-Key."""

    url: str
    authorization: str | None = None
    """`env:NAME`: the worker's environment variable whose value is the Authorization header."""
    give_up_after: timedelta = timedelta(days=7)


class Form(Frozen):
    """A form, its fields in the order in which they are asked."""

    form: str
    """The id: lower-case letters, digits, `_` and `-`; part of the workflow id."""
    version: str = "1"
    title: str = ""
    language: str = "en"
    region: str | None = None
    """ISO 3166-1 alpha-2: how national phone numbers and postal codes are read."""
    timezone: str | None = None
    """IANA name: what `today` is for the caller."""
    greeting: str | None = None
    welcome_back: str | None = None
    goodbye: str | None = None
    fields: tuple[Field, ...] = ()
    confirm: bool = True
    """Whether everything is read back and confirmed at the end."""
    deliver: Deliver | None = None
    stale: Stale = Stale()
    abandon_after: timedelta = timedelta(days=7)
    """Time without a turn after which an unfinished session closes as `abandoned`."""
    expire_after: timedelta = timedelta(days=30)
    """Time since the session began after which it closes as `expired`, turns or not."""
    keep_for: timedelta = timedelta(days=30)
    """How long a finished session answers `again: show`."""
    again: AgainPolicy = "new"

    @property
    def spoken_title(self) -> str:
        return self.title or self.form.replace("_", " ").replace("-", " ")

    def field(self, name: str) -> Field | None:
        """The field of that name, or None."""
        return next((field for field in self.fields if field.name == name), None)
