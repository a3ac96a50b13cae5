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
SPOKEN_IN_PART: frozenset[FieldType] = frozenset({
    "digits", "phone", "postal_code", "email", "name", "date",
})  # fmt: skip
"""The types of which a part is said aloud though a field is personal; of the others nothing is
(`turnkeeper.values.table` has the masks)."""
ConfirmPolicy = Literal["never", "always", "auto"]
StalePolicy = Literal["resume", "ask", "restart"]
AgainPolicy = Literal["new", "show"]
ResumeThen = Literal["hang_up", "hand_off"]


class Frozen(BaseModel):
    """An immutable model; fields from a newer release are ignored when it is read back."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Choice(Frozen):
    """One of a choice field's values, with the other words that callers use for it."""

    value: str
    """The answer that is recorded."""
    synonyms: tuple[str, ...] = ()
    """Other words that callers use for it."""


class Field(Frozen):
    """One question and what counts as an answer to it."""

    name: str
    """The key of the answer: lower-case letters, digits and `_`."""
    type: FieldType = "text"
    """What kind of value it is, and so how it is heard and read back."""
    label: str = ""
    """What the field is called aloud, and by callers; the name, spaced, when empty."""
    prompt: tuple[str, ...]
    """Tapered: the first prompt asks, the n-th is heard after n-1 failures; the last one stays."""
    help: str | None = None
    """What a caller who asks for help hears, before the prompt again."""
    required: bool = True
    """Whether it must be answered; a caller may skip it otherwise."""
    when: str | None = None
    """A condition on earlier answers (`turnkeeper.forms.condition`); asked only while it holds."""
    default: Scalar | None = None
    """The answer that a caller who skips an optional field gets."""
    choices: tuple[Choice, ...] = ()
    """The values of a choice, each with the other words that callers use for it."""
    min: Scalar | None = None
    """Lowest number; earliest date or time (ISO 8601, or `today`); fewest characters of a text."""
    max: Scalar | None = None
    """Highest number; latest date or time; most characters of a text."""
    whole: bool = False
    """Of a number: only whole ones, as of guests or nights."""
    length: int | tuple[int, int] | None = None
    """Digits or characters: exactly n, or from n to m."""
    pattern: str | None = None
    """A regular expression that the whole normal form matches."""
    confirm: ConfirmPolicy = "auto"
    """`auto` reads a value back when the recogniser gave it a low confidence."""
    personal: bool = False
    """About a person: wherever it is said aloud, only the mask of its type is."""
    secret: bool = False
    """Never spoken and never shown: kept as a value only, for delivery."""

    @property
    def spoken_name(self) -> str:
        return self.label or self.name.replace("_", " ")


class Stale(Frozen):
    """What a caller who comes back after `after` without a turn is offered."""

    after: timedelta | None = None
    """Time without a turn after which a form counts as stale; never, when it is not given."""
    policy: StalePolicy = "ask"
    """`resume` goes on as usual, `ask` asks whether to go on, `restart` begins again."""


class Resume(Frozen):
    """What a caller who comes back gives again before anything that they answered is said."""

    verify: tuple[str, ...]
    """The fields whose answers the caller gives again, in this order; one name or a list."""
    attempts: int = 3
    """How often the answers may be wrong, over all calls, before the form stays shut."""
    again_after: timedelta = timedelta(hours=24)
    """How long after the last wrong answers all attempts are there again."""
    then: ResumeThen = "hang_up"
    """What follows when no attempt is left: the call ends, or it goes to the form's `hand_off`."""


class Deliver(Frozen):
    """Where a confirmed form is sent: an HTTP POST with an Idempotency-Key."""

    url: str
    """An http or https URL."""
    authorization: str | None = None
    """`env:NAME`: the worker's environment variable whose value is the Authorization header."""
    give_up_after: timedelta = timedelta(days=7)
    """Time for which a delivery that fails is tried again."""


class Form(Frozen):
    """A form, its fields in the order in which they are asked."""

    form: str
    """The id: lower-case letters, digits, `_` and `-`; part of the workflow id."""
    version: str = "1"
    """The author's own mark of which edition this is."""
    title: str = ""
    """What the form is called aloud; the id, spaced, when empty."""
    language: str = "en"
    """A language code, such as `en` or `en-GB`: how values are read back."""
    region: str | None = None
    """ISO 3166-1 alpha-2: how national phone numbers and postal codes are read."""
    timezone: str | None = None
    """IANA name: what `today` is for the caller."""
    greeting: str | None = None
    """What a caller hears first; a template, which may name the title only."""
    welcome_back: str | None = None
    """What a caller who comes back hears first; a template."""
    goodbye: str | None = None
    """What a caller hears when all is confirmed; a template."""
    fields: tuple[Field, ...] = ()
    """The questions, in the order in which they are asked."""
    confirm: bool = True
    """Whether everything is read back and confirmed at the end."""
    deliver: Deliver | None = None
    """Where the confirmed form is sent; a URL, or a mapping."""
    stale: Stale = Stale()
    """What a caller who comes back late is offered; a duration, or a mapping."""
    resume: Resume | None = None
    """What lets a caller back in: the fields that they answer again, or a mapping."""
    hand_off: str | None = None
    """Where a caller who asks for a person is transferred: a phone number, a SIP address, the name
    of a queue. Without it nobody is."""
    abandon_after: timedelta = timedelta(days=7)
    """Time without a turn after which an unfinished session closes as `abandoned`."""
    expire_after: timedelta = timedelta(days=30)
    """Time since the session began after which it closes as `expired`, turns or not."""
    keep_for: timedelta | None = None
    """Time after its end when a session is erased; `again: show` shows it for as long. When it is
    not given, it is shown for 30 days, and kept for as long as Temporal keeps it."""
    again: AgainPolicy = "new"
    """What the same caller gets after completion: a `new` session, or the finished one (`show`)."""
    migrates_from: tuple[str, ...] = ()
    """The versions whose waiting sessions may be moved to this one (`sessions migrate`)."""

    @property
    def spoken_title(self) -> str:
        return self.title or self.form.replace("_", " ").replace("-", " ")

    def field(self, name: str) -> Field | None:
        """The field of that name, or None."""
        return next((field for field in self.fields if field.name == name), None)
