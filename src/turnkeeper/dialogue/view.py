"""What a reader of the state wants to know that the state only implies."""

from turnkeeper.contract import Confirming, Progress
from turnkeeper.dialogue.state import DialogueState
from turnkeeper.forms.condition import parse_condition
from turnkeeper.forms.model import Field, Form, Scalar

SECRET = "***"
"""What stands for a secret value wherever it is not delivered."""


def blank_progress(form: Form) -> Progress:
    """The progress of a form that nobody has begun."""
    return progress(form, DialogueState())


def progress(form: Form, state: DialogueState) -> Progress:
    """Fields answered or skipped, of those whose condition holds."""
    values = state.values()
    asked = [field for field in form.fields if applies(field, values)]
    done = sum(field.name in state.answers or field.name in state.skipped for field in asked)
    return Progress(done=done, total=len(asked))


def applies(field: Field, values: dict[str, Scalar]) -> bool:
    """Whether a field's condition holds for these values."""
    return field.when is None or parse_condition(field.when).holds(values)


def confirming(form: Form, state: DialogueState) -> Confirming | None:
    """The read-back that waits for a yes or no, if one does."""
    question = state.question
    if question is None or question.kind not in ("value", "final"):
        return None
    value = question.answer.value if question.answer else None
    if question.field is not None and value is not None:
        value = shown(form, question.field, value)
    return Confirming(field=question.field, value=value)


def shown_answers(form: Form, state: DialogueState) -> dict[str, Scalar]:
    """The answers for readers: a secret one is there, but not its value."""
    return {name: shown(form, name, value) for name, value in state.values().items()}


def shown(form: Form, name: str, value: Scalar) -> Scalar:
    """A value for readers of the session."""
    field = form.field(name)
    return SECRET if field is not None and field.secret else value
