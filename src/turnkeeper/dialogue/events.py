"""What can happen to a form. Events are history: a kind once written keeps its meaning for ever.

To change what a decision does, write other events, or a new kind; never change `evolve` for a kind
that has been released. A stored history would replay into another form.
"""

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import Field as Discriminated

from turnkeeper.contract import Migration, Reply, Status
from turnkeeper.dialogue.state import Answer, Door, Question
from turnkeeper.forms.model import Frozen


class Connected(Frozen):
    """A leg began."""

    kind: Literal["connected"] = "connected"
    at: datetime


class TurnTaken(Frozen):
    """A turn was heard; what follows is what it meant."""

    kind: Literal["turn_taken"] = "turn_taken"
    leg: int
    utterance_id: str
    heard: str = ""
    at: datetime


class Filled(Frozen):
    """A field has a (new) answer."""

    kind: Literal["filled"] = "filled"
    field: str
    answer: Answer


class Removed(Frozen):
    """A field's answer was taken back, and what a migration put aside of it with it."""

    kind: Literal["removed"] = "removed"
    field: str


class Shelved(Frozen):
    """A field's condition no longer holds: its answer is put away."""

    kind: Literal["shelved"] = "shelved"
    field: str


class Unshelved(Frozen):
    """A field's condition holds again: its answer is back."""

    kind: Literal["unshelved"] = "unshelved"
    field: str


class Skipped(Frozen):
    """An optional field was left out."""

    kind: Literal["skipped"] = "skipped"
    field: str


class Refused(Frozen):
    """A value was offered for a field and not taken; why, as a code."""

    kind: Literal["refused"] = "refused"
    field: str
    code: str


class Missed(Frozen):
    """Nothing was heard (`noinput`) or nothing understood (`nomatch`) while `about` was asked:
    a field's name, or `?kind` of a question."""

    kind: Literal["missed"] = "missed"
    about: str
    how: Literal["noinput", "nomatch"]


class Questioned(Frozen):
    """A yes-or-no question is open."""

    kind: Literal["questioned"] = "questioned"
    question: Question


class Answered(Frozen):
    """The open question was answered, or dropped."""

    kind: Literal["answered"] = "answered"
    yes: bool | None = None


class Asked(Frozen):
    """A field is asked; `revisit` when it is already filled."""

    kind: Literal["asked"] = "asked"
    field: str | None
    revisit: bool = False


class StartedOver(Frozen):
    """Every answer was thrown away, into `discarded`, those that a migration put aside first."""

    kind: Literal["started_over"] = "started_over"


class Moved(Frozen):
    """The session has another status (`turnkeeper.dialogue.status` has the legal moves)."""

    kind: Literal["moved"] = "moved"
    status: Status
    at: datetime | None = None
    """When, if that is not the time of the turn."""


class Said(Frozen):
    """What the caller is told."""

    kind: Literal["said"] = "said"
    text: str


class Guarded(Frozen):
    """Whoever is on the line has to show who they are; this is how far they are with it."""

    kind: Literal["guarded"] = "guarded"
    door: Door


class Unguarded(Frozen):
    """They gave the answers that were recorded, or nothing is left to guard."""

    kind: Literal["unguarded"] = "unguarded"


class NotVerified(Frozen):
    """They gave others; the `failures`-th time since somebody was let in."""

    kind: Literal["not_verified"] = "not_verified"
    failures: int
    at: datetime


class Forgiven(Frozen):
    """An operator knows who it is: the wrong answers so far do not count."""

    kind: Literal["forgiven"] = "forgiven"


class BegunAnew(Frozen):
    """The form begins again for whoever is on the line: what was before is none of theirs."""

    kind: Literal["begun_anew"] = "begun_anew"
    at: datetime


class Begun(Frozen):
    """Words that may be the beginning of a secret: the next turn may have its end."""

    kind: Literal["begun"] = "begun"
    words: str


class Migrated(Frozen):
    """The session goes by another version of its form: nothing is asked for now."""

    kind: Literal["migrated"] = "migrated"
    migration: Migration
    removed: tuple[str, ...] = ()
    """Fields whose answer has no place there: it is put aside."""
    restored: tuple[str, ...] = ()
    """Fields whose answer was put aside and has a place again."""
    skipped: tuple[str, ...] = ()
    """The fields that are left out from now on."""


Event: TypeAlias = Annotated[
    Connected
    | TurnTaken
    | Filled
    | Removed
    | Shelved
    | Unshelved
    | Skipped
    | Refused
    | Missed
    | Questioned
    | Answered
    | Asked
    | StartedOver
    | Moved
    | Said
    | Guarded
    | Unguarded
    | NotVerified
    | Forgiven
    | BegunAnew
    | Begun
    | Migrated,
    Discriminated(discriminator="kind"),
]


class Decision(Frozen):
    """What an input leads to: the events to fold in, and the reply to give."""

    at: datetime
    """When, in UTC; the same as in the event that begins `events`."""
    events: tuple[Event, ...] = ()
    reply: Reply
