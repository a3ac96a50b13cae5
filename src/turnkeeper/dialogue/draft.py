"""A decision in the making: each event is folded in at once, so the next step sees its effect."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from turnkeeper.contract import Rejection
from turnkeeper.dialogue.events import Event, Filled, Missed, Shelved, Unshelved
from turnkeeper.dialogue.evolve import evolve
from turnkeeper.dialogue.phrases import PhraseName, phrases
from turnkeeper.dialogue.state import DialogueState
from turnkeeper.dialogue.view import applies
from turnkeeper.forms.model import Field, Form, Scalar
from turnkeeper.values import Context

MAX_REJECTIONS = 20
"""Rejections that one reply names; a program that offers more wrong values sees the first ones."""


@dataclass(slots=True)
class Draft:
    """What is known while one input is decided."""

    form: Form
    state: DialogueState
    context: Context
    events: list[Event] = field(default_factory=list)
    says: list[str] = field(default_factory=list)
    """What comes before the prompt: reasons, acknowledgements."""
    rejected: list[Rejection] = field(default_factory=list)
    repeat: bool = False
    """Whether the last reply is said again instead of a new prompt."""
    before: DialogueState = field(init=False)

    def __post_init__(self) -> None:
        self.before = self.state

    @property
    def at(self) -> datetime:
        """When the input came, in UTC."""
        return self.context.now.astimezone(UTC)

    def add(self, event: Event) -> None:
        """Record an event and fold it in."""
        self.state = evolve(self.state, event)
        self.events.append(event)

    def say(self, name: PhraseName, **slots: str) -> None:
        """Say a standard phrase before the prompt."""
        self.says.append(phrases(self.form.language)[name].format(**slots))

    def reject(self, name: str, code: str, say: str) -> None:
        """Report a value that was offered and not taken."""
        if len(self.rejected) < MAX_REJECTIONS:
            self.rejected.append(Rejection(field=name, code=code, say=say))

    def miss(self, how: Literal["noinput", "nomatch"]) -> None:
        """Count a failure of what is asked; the standard apology is for prompts that run out."""
        about, prompts = self._about()
        if about is None:
            return
        self.add(Missed(about=about, how=how))
        if self.state.misses[about] >= prompts:
            self.say(how)

    def _about(self) -> tuple[str | None, int]:
        question, asked = self.state.question, self.asked()
        if question is not None:
            return f"?{question.kind}", 1
        return (asked.name, len(asked.prompt)) if asked else (None, 0)

    def applies(self, asked: Field) -> bool:
        """Whether a field's condition holds as things stand."""
        return applies(asked, self.state.values())

    def settled(self, asked: Field) -> bool:
        """Whether a field is answered or left out: asking it again is a revisit."""
        return asked.name in self.state.answers or asked.name in self.state.skipped

    def missing(self) -> list[Field]:
        """The fields still to be asked, in the form's order."""
        return [
            asked for asked in self.form.fields if not self.settled(asked) and self.applies(asked)
        ]

    def asked(self) -> Field | None:
        """The field that was asked last, if it is a field of this form."""
        return self.form.field(self.state.field) if self.state.field else None

    def changed(self) -> bool:
        """Whether any answer is another than before this input."""
        return self.before.values() != self.state.values()

    def recorded(self) -> dict[str, Scalar]:
        """The values that this input stored or brought back, as they stand now."""
        names = [e.field for e in self.events if isinstance(e, Filled | Unshelved)]
        answers = self.state.answers
        return {name: answers[name].value for name in names if name in answers}

    def removed(self) -> tuple[str, ...]:
        """The fields whose answer was there before this input and is gone."""
        return tuple(name for name in self.before.answers if name not in self.state.answers)


def settle(draft: Draft) -> None:
    """Put away answers whose condition no longer holds, and bring back those whose does again.

    A condition looks at earlier fields, so one pass in order is enough for a checked form; the
    bound makes any form end.
    """
    for _ in draft.form.fields:
        before = draft.state.version
        for asked in draft.form.fields:
            _settle_field(draft, asked)
        if draft.state.version == before:
            return


def _settle_field(draft: Draft, asked: Field) -> None:
    holds = draft.applies(asked)
    if asked.name in draft.state.answers and not holds:
        draft.add(Shelved(field=asked.name))
    elif asked.name in draft.state.shelved and holds:
        draft.add(Unshelved(field=asked.name))
