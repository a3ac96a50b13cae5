"""Who is it that calls back? How often somebody may try to be let in.

Theory. A caller id proves nothing, so a form with `resume` asks a caller who comes back for some of
their answers again. That happens *at the door* (`turnkeeper.dialogue.door`): in a dialogue of its
own, by the ordinary algorithm, over a form of the named fields alone and from an empty state. What
it says can't depend on what was recorded, since it never sees that: help, read-backs and refusals
are those of a new caller. Only once all named fields are given are they compared, together, and one
bit comes out. So nobody learns which of them was wrong, nor, from the words, that there are any.

`failures` counts the wrong rounds. It outlives calls, processes and runs, is charged to a turn that
is amended too, and goes back to none when somebody is let in, or `again_after` after the last one.
Workflow code uses this module: it loads nothing of what interprets.
"""

from collections.abc import Sequence
from datetime import datetime

from turnkeeper.contract import Leg, Verification
from turnkeeper.dialogue.state import DialogueState
from turnkeeper.dialogue.status import takes_turns
from turnkeeper.forms.model import Form, Scalar


def guards(form: Form, state: DialogueState) -> bool:
    """Whether a caller who connects now has to show who they are: something was said before."""
    return form.resume is not None and bool(state.turns or state.answers or state.shelved)


def recorded(form: Form, state: DialogueState) -> dict[str, Scalar]:
    """The answers that let the caller in: those of all named fields, or none while one lacks."""
    named = form.resume.verify if form.resume else ()
    if any(name not in state.answers for name in named):
        return {}
    return {name: state.answers[name].value for name in named}


def failures(form: Form, state: DialogueState, now: datetime) -> int:
    """The wrong rounds that count now."""
    again = _again_at(form, state)
    return 0 if again is None or now >= again else state.failures


def is_shut(form: Form, state: DialogueState, now: datetime) -> bool:
    """Whether nobody is let in for now."""
    return form.resume is not None and failures(form, state, now) >= form.resume.attempts


def verification(form: Form, state: DialogueState, now: datetime) -> Verification | None:
    """How it stands with that, for operators; None of a form without `resume`."""
    if form.resume is None:
        return None
    left = max(form.resume.attempts - failures(form, state, now), 0)
    return Verification(
        pending=state.door is not None,
        attempts_left=left,
        shut_until=None if left else _again_at(form, state),
    )


def _again_at(form: Form, state: DialogueState) -> datetime | None:
    """When the wrong rounds so far no longer count."""
    resume, last = form.resume, state.failed_at
    return last + resume.again_after if resume and last else None


def charged(before: DialogueState, now: DialogueState) -> DialogueState:
    """The state that an amendment is decided from: other words replace wrong answers, and do not
    take back that they were wrong. Speech that is sent early costs an attempt as well."""
    charge = (now.failures, now.failed_at)
    if before.door is None or now.failed_at is None:
        return before
    if charge == (before.failures, before.failed_at):
        return before
    return before.model_copy(update={"failures": now.failures, "failed_at": now.failed_at})


def outside(state: DialogueState, leg: Leg) -> DialogueState:
    """What whoever is on this leg may know of the state: at the door, or in a form begun anew. The
    version stays: by it a watcher tells the newer of two states."""
    if state.door is None:
        return _since_begun_anew(state, leg.number)
    asked, last = state.door.dialogue, state.last_turn
    return DialogueState(
        status="collecting" if takes_turns(state) else state.status,
        field=asked.field,
        question=asked.question,
        turns=asked.turns,
        last_turn=last if last and last.leg == leg.number else None,
        created_at=leg.opened_at,
        updated_at=state.updated_at,
        version=state.version,
    )


def _since_begun_anew(state: DialogueState, leg: int) -> DialogueState:
    last, began = state.last_turn, state.begun_anew
    if began is None:
        return state
    ours = last if last and (last.leg == leg or last.at > began) else None
    return state.model_copy(update={"discarded": (), "last_turn": ours, "created_at": began})


def legs_outside(state: DialogueState, legs: Sequence[Leg]) -> tuple[Leg, ...]:
    """The legs as whoever is on the newest may know them. Of those before, what a late message of
    theirs is known by, and no time: they ended when this began, at the latest."""
    since = legs[-1].opened_at if state.door is not None else state.begun_anew
    if since is None:
        return tuple(legs)
    unsaid = {"opened_at": since, "closed_at": since, "reason": ""}
    return tuple(leg if leg.opened_at >= since else leg.model_copy(update=unsaid) for leg in legs)
