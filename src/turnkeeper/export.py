"""What is kept of a caller, as one JSON document: for them to have, before it is erased.

The schema is `SessionsExport`. Fields may be added to it; none is renamed, and none changes its
meaning, without another `format`.
"""

from datetime import datetime
from typing import TYPE_CHECKING

from turnkeeper.contract import Reply, SessionState, Transcript
from turnkeeper.dialogue.state import Answer
from turnkeeper.dialogue.view import SECRET, shown
from turnkeeper.forms.model import Form, Frozen, Scalar

if TYPE_CHECKING:  # Agents import this module, and need none of what interprets turns.
    from turnkeeper.session import Session

FORMAT = "turnkeeper-export-1"


class ExportedSession(Frozen):
    """One session: all of it but how the dialogue interprets it.

    A secret field has `***` for its value and the words that it was heard in, in the answers here;
    unless the export was asked for with secrets.
    """

    state: SessionState
    """Status, times, legs, delivery, the form's definition; its `form_answers` are for readers."""
    answers: dict[str, Answer] = {}
    """By field: the value in normal form, the words that it was heard in, where it came from."""
    shelved: dict[str, Answer] = {}
    """Answers to questions that another answer made superfluous."""
    skipped: tuple[str, ...] = ()
    discarded: tuple[dict[str, Scalar], ...] = ()
    """What restarts threw away, oldest first."""
    put_aside: dict[str, Answer] = {}
    """Answers to questions that the session's version of the form has not."""
    transcript: Transcript = Transcript()
    replies: dict[str, Reply] = {}
    """The newest replies, by what they answered: a repetition gets them again."""


class SessionsExport(Frozen):
    """All that there is under one session's id."""

    format: str = FORMAT
    session_id: str
    exported_at: datetime
    secrets: bool = False
    """Whether the values of secret fields are in it."""
    sessions: tuple[ExportedSession, ...] = ()
    """The newest first: a caller's next session after a completed one has the same id."""


def exported(session: "Session", now: datetime, *, secrets: bool) -> ExportedSession:
    """A session as it is exported; `now` stands in where nothing happened yet."""
    record, form = session.record(), session.form

    def answers(kept: dict[str, Answer]) -> dict[str, Answer]:
        return {name: _answer(form, name, answer, secrets) for name, answer in kept.items()}

    def values(kept: dict[str, Scalar]) -> dict[str, Scalar]:
        return kept if secrets else {k: shown(form, k, value) for k, value in kept.items()}

    return ExportedSession(
        state=session.state(now).model_copy(
            update={"discarded": tuple(map(values, record.state.discarded))}
        ),
        answers=answers(record.state.answers),
        shelved=answers(record.state.shelved),
        skipped=record.state.skipped,
        discarded=tuple(map(values, record.state.discarded)),
        put_aside=answers(record.state.put_aside),
        transcript=record.transcript,
        replies=record.ledger.replies,
    )


def _answer(form: Form, name: str, answer: Answer, secrets: bool) -> Answer:
    field = form.field(name)
    if secrets or field is None or not field.secret:
        return answer
    return answer.model_copy(update={"value": SECRET, "heard": SECRET if answer.heard else ""})
