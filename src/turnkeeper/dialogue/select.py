"""Select: what is asked next, or the submission when nothing is."""

from turnkeeper.contract import Status
from turnkeeper.dialogue.draft import Draft
from turnkeeper.dialogue.events import Answered, Asked, Moved, Questioned
from turnkeeper.dialogue.interpret import may_apply
from turnkeeper.dialogue.state import Question
from turnkeeper.dialogue.status import OPEN


def select(draft: Draft) -> None:
    """Open what is asked next, or submit."""
    _drop_void_question(draft)
    state = draft.state
    if state.status not in OPEN or not draft.form.fields:
        return
    if state.question is None:
        _select_field(draft)
    _move(draft)


def _drop_void_question(draft: Draft) -> None:
    question = draft.state.question
    if question is None or question.kind != "value":
        return
    field = draft.form.field(question.field or "")
    if field is None or not may_apply(draft, field):
        draft.add(Answered())


def _select_field(draft: Draft) -> None:
    state, missing = draft.state, draft.missing()
    again = draft.form.field(state.revisit) if state.revisit else None
    if again is not None and draft.settled(again) and draft.applies(again):
        _ask(draft, again.name, revisit=True)
    elif missing:
        _ask(draft, missing[0].name)
    elif draft.form.confirm:
        _ask(draft, None)
        draft.add(Questioned(question=Question(kind="final")))
    else:
        _ask(draft, None)
        draft.add(Moved(status="submitting"))


def _ask(draft: Draft, name: str | None, *, revisit: bool = False) -> None:
    if draft.state.field != name or draft.state.revisit != (name if revisit else None):
        draft.add(Asked(field=name, revisit=revisit))


def _move(draft: Draft) -> None:
    """`confirming` while the whole form is read back or changed, `collecting` otherwise. Whether to
    cancel, start over or go on is asked in either."""
    question, status = draft.state.question, draft.state.status
    if status not in OPEN:
        return
    kind = question.kind if question else None
    at_the_end = kind in ("final", "change") or (
        kind in ("start_over", "cancel", "stale") and status == "confirming" and not draft.missing()
    )
    wanted: Status = "confirming" if at_the_end else "collecting"
    if status != wanted:
        draft.add(Moved(status=wanted))
