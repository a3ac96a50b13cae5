"""What the tools give back: models, from which each tool's output schema is made.

The docstring under an attribute is its description in the schema: an agent reads it.
"""

from collections.abc import Mapping
from typing import Self
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict

from turnkeeper.contract import (
    Confirming,
    Delivery,
    Expects,
    LastTurn,
    Next,
    Progress,
    Rejection,
    Reply,
    SessionState,
    Status,
    Transcript,
)
from turnkeeper.forms.model import Field, FieldType, Form, Scalar
from turnkeeper.mcp_server.handle import Handle

STATE_URI = "turnkeeper://sessions/{session_id}/state"
TRANSCRIPT_URI = "turnkeeper://sessions/{session_id}/transcript"


class Result(BaseModel):
    """The base of all results."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class FormRow(Result):
    """One form of a listing."""

    form: str
    """The form's id: what open_form takes."""
    title: str
    """What the form is called aloud."""
    fields: tuple[str, ...]
    """The names of its fields, in the order in which they are asked."""


class FormList(Result):
    """The forms that this server knows of."""

    forms: tuple[FormRow, ...]


class FieldView(Result):
    """One field: what it takes, and what is known."""

    name: str
    """The key of its answer, in record_answers too."""
    type: FieldType
    label: str
    """What it is called aloud."""
    prompt: str
    """How it is asked."""
    required: bool
    when: str | None = None
    """It is asked only while this condition on other answers holds."""
    choices: tuple[str, ...] = ()
    min: Scalar | None = None
    max: Scalar | None = None
    whole: bool = False
    length: int | tuple[int, int] | None = None
    """Digits or characters: exactly so many, or from the first to the second number."""
    pattern: str | None = None
    answer: Scalar | None = None
    """What is known; null while it is not. A secret one is shown as ***."""

    @classmethod
    def of(cls, field: Field, answers: Mapping[str, Scalar]) -> Self:
        shown = cls.model_fields.keys() & type(field).model_fields.keys()
        return cls.model_validate(
            field.model_dump(include=set(shown))
            | {
                "label": field.spoken_name,
                "prompt": field.prompt[0],
                "choices": tuple(choice.value for choice in field.choices),
                "answer": answers.get(field.name),
            }
        )


class Spoken(Result):
    """What a call led to, and what comes next."""

    session: str
    """The handle: pass it, unchanged, to the other tools. A restart of this server keeps it."""
    say: str
    """What the caller is told: it ends with the pending question, if there is one."""
    next: Next
    """`listen` to the caller; `hang_up`: the form is over; `transfer`: a person takes over."""
    transfer_to: str | None = None
    """With `transfer`: where to, if the form says so."""
    status: Status
    field: str | None = None
    """The field that is asked."""
    expects: Expects | None = None
    """What the asked field takes."""
    confirming: Confirming | None = None
    """A read-back that waits for the caller's yes or no; `field` null is the final one."""
    progress: Progress
    """Fields answered or left out, of those that are asked as things stand."""

    @classmethod
    def of(cls, handle: Handle, reply: Reply, **more: object) -> Self:
        return cls.model_validate(reply.model_dump() | {"session": str(handle)} | more)


class Opened(Spoken):
    """A form that was restored or begun."""

    restored: bool
    """True: answers were already there. False: it begins with this."""
    form: str
    title: str
    fields: tuple[FieldView, ...]
    state_uri: str
    """The resource with all that the session holds."""
    transcript_uri: str
    """The resource with what was heard and said."""

    @classmethod
    def as_found(cls, handle: Handle, reply: Reply, state: SessionState) -> Self:
        named = quote(handle.session_id, safe="")
        return cls.of(
            handle,
            reply,
            form=state.form,
            title=title_of(state),
            fields=fields_of(state),
            state_uri=STATE_URI.format(session_id=named),
            transcript_uri=TRANSCRIPT_URI.format(session_id=named),
        )


class Turned(Spoken):
    """What a turn did to the form."""

    utterance_id: str
    """Of this turn: the same call with it is not applied again."""
    recorded: dict[str, Scalar] = {}
    """What was stored, by field, in normal form: it is durable now."""
    removed: tuple[str, ...] = ()
    """Fields whose answer was taken away."""
    rejected: tuple[Rejection, ...] = ()
    """What was not taken, and why."""


class Standing(Result):
    """How a form stands."""

    session: str
    superseded: bool
    """True: the form was opened again since, and this handle takes no more turns."""
    form: str
    title: str
    status: Status
    said: str
    """What the caller was told last."""
    field: str | None = None
    """The field that is asked."""
    confirming: Confirming | None = None
    """A read-back that waits for the caller's yes or no; `field` null is the final one."""
    progress: Progress
    fields: tuple[FieldView, ...]
    last_turn: LastTurn | None = None
    """The newest turn that was applied, with its utterance id."""
    delivery: Delivery | None = None
    """How sending the confirmed form stands."""

    @classmethod
    def of(cls, handle: Handle, state: SessionState, transcript: Transcript) -> Self:
        return cls(
            session=str(handle),
            superseded=(state.epoch, state.leg) != (handle.epoch, handle.leg),
            form=state.form,
            title=title_of(state),
            status=state.status,
            said=transcript.entries[-1].said if transcript.entries else "",
            field=state.field,
            confirming=state.confirming,
            progress=state.progress,
            fields=fields_of(state),
            last_turn=state.last_turn,
            delivery=state.delivery,
        )


def row_of(form: Form) -> FormRow:
    """A form as a row of the listing."""
    names = tuple(field.name for field in form.fields)
    return FormRow(form=form.form, title=form.spoken_title, fields=names)


def fields_of(state: SessionState) -> tuple[FieldView, ...]:
    """The fields of the form that the session goes by, whatever is deployed now."""
    fields = state.definition.fields if state.definition else ()
    return tuple(FieldView.of(field, state.form_answers) for field in fields)


def title_of(state: SessionState) -> str:
    return state.definition.spoken_title if state.definition else state.form
