"""Where a form stands: the state that events fold into."""

from datetime import datetime
from typing import Literal

from turnkeeper.contract import LastTurn, Migration, Status
from turnkeeper.forms.model import Frozen, Scalar

Source = Literal["text", "dtmf", "answers", "default"]
QuestionKind = Literal["value", "final", "change", "start_over", "cancel", "stale"]


class Answer(Frozen):
    """A field's value and where it came from."""

    value: Scalar
    heard: str = ""
    """The caller's words or keys; empty when a program or a default gave the value."""
    source: Source = "text"
    turn: int = 0


class Question(Frozen):
    """Something other than a field's prompt that waits for a yes or no.

    value       a field's new value, read back before it is taken; the old one stands meanwhile
    final       the whole form, read back before it is submitted
    change      "what should I change?" after a no to the final read-back
    start_over  whether to throw every answer away
    cancel      whether to end without submitting
    stale       whether to go on with what was begun long ago
    """

    kind: QuestionKind
    field: str | None = None
    answer: Answer | None = None
    then: tuple["Question", ...] = ()
    """Read-backs of other values that wait until this question is settled, in order."""


class Door(Frozen):
    """Somebody has called back and not yet shown who they are: nothing is said to them, and nothing
    taken from them, but the answers that let them in (`turnkeeper.dialogue.verify`)."""

    dialogue: "DialogueState"
    """How far they are with these: a dialogue of its own, over a form of the named fields."""
    since: datetime | None = None
    """When the form itself was last worked on."""
    asking: bool = False
    """Whether it takes turns though the form itself is in a person's hands."""


class DialogueState(Frozen):
    """Everything the form interpretation algorithm knows, and nothing about legs or ids."""

    status: Status = "collecting"
    answers: dict[str, Answer] = {}
    shelved: dict[str, Answer] = {}
    """Answers whose field's condition no longer holds; they come back if it holds again."""
    skipped: tuple[str, ...] = ()
    field: str | None = None
    """The field that was asked last."""
    revisit: str | None = None
    """A filled field that is asked again; its answer stands until the new one is valid."""
    question: Question | None = None
    misses: dict[str, int] = {}
    """Failures since the field (or, under the key `?kind`, the question) was first asked: which
    of the tapered prompts comes next."""
    denied: dict[str, tuple[Scalar, ...]] = {}
    """By field, the newest values that the caller said no to: not offered again while there is
    another way to hear what was said."""
    noinputs: int = 0
    nomatches: int = 0
    trail: tuple[str, ...] = ()
    """The fields asked or answered so far, oldest first, each once: the way back."""
    last_filled: str | None = None
    said: str = ""
    """The last reply, for repeat."""
    turns: int = 0
    last_turn: LastTurn | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    ended_at: datetime | None = None
    """When the session moved to a closed status by itself."""
    discarded: tuple[dict[str, Scalar], ...] = ()
    """What restarts threw away, oldest first."""
    put_aside: dict[str, Answer] = {}
    """Answers that the session's version of the form has no place for; they come back under one
    that has (`turnkeeper.dialogue.migrate`)."""
    migrations: tuple[Migration, ...] = ()
    """The newest moves to other versions, oldest first."""
    begun: str = ""
    """The words of the last turn, if they may be the beginning of a secret; shown to nobody."""
    door: Door | None = None
    """None: the caller is the one who answered, or there is nothing to guard."""
    failures: int = 0
    """How often a caller was not let in since one was, or since the time for this was over."""
    failed_at: datetime | None = None
    begun_anew: datetime | None = None
    """When the form began again for a caller who had nothing to show who they are by."""
    version: int = 0
    """The number of events folded in."""

    def values(self) -> dict[str, Scalar]:
        """The answers' values by field: what conditions and templates see."""
        return {name: answer.value for name, answer in self.answers.items()}
