"""Fold events into state: one small function an event.

Workflow code runs these on replay, so the meaning of an event kind that was ever released does not
change. What a decision does changes by writing other events (`turnkeeper.dialogue.decide`).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from turnkeeper.contract import LastTurn
from turnkeeper.dialogue.events import (
    Answered,
    Asked,
    Begun,
    BegunAnew,
    Connected,
    Event,
    Filled,
    Forgiven,
    Guarded,
    Migrated,
    Missed,
    Moved,
    NotVerified,
    Questioned,
    Refused,
    Removed,
    Said,
    Shelved,
    Skipped,
    StartedOver,
    TurnTaken,
    Unguarded,
    Unshelved,
)
from turnkeeper.dialogue.state import DialogueState, Question
from turnkeeper.dialogue.status import CLOSED, MOVES
from turnkeeper.forms.model import Scalar

DISCARDED_KEPT = 20
"""Restarts whose answers are remembered; the oldest go first."""
MIGRATIONS_KEPT = 20
"""Moves to other versions of the form that are remembered."""
DENIED_KEPT = 5
"""Values of one field that the caller said no to and that are remembered."""


def evolve(state: DialogueState, event: Event) -> DialogueState:
    """The state after one event. Raises ValueError only for a move that is not in `MOVES`."""
    changes = _FOLDS[type(event)](state, event)
    return state.model_copy(update={**changes, "version": state.version + 1})


def fold(state: DialogueState, events: Iterable[Event]) -> DialogueState:
    """The state after several events, in order."""
    for event in events:
        state = evolve(state, event)
    return state


Changes = dict[str, Any]


def _connected(state: DialogueState, event: Connected) -> Changes:
    return {"created_at": state.created_at or event.at, "updated_at": event.at}


def _turn_taken(state: DialogueState, event: TurnTaken) -> Changes:
    last = LastTurn(utterance_id=event.utterance_id, leg=event.leg, heard=event.heard, at=event.at)
    return {
        "turns": state.turns + 1,
        "last_turn": last,
        "created_at": state.created_at or event.at,
        "updated_at": event.at,
        "begun": "",
    }


def _filled(state: DialogueState, event: Filled) -> Changes:
    name = event.field
    return {
        "answers": {**state.answers, name: event.answer},
        "shelved": _without(state.shelved, name),
        "skipped": _dropped(state.skipped, name),
        "misses": _without(state.misses, name),
        "denied": _without(state.denied, name),
        "trail": _once(state.trail, name),
        "revisit": _unless(state.revisit, name),
        "last_filled": name,
        "question": _still_open(state),
    }


def _removed(state: DialogueState, event: Removed) -> Changes:
    return {
        "answers": _without(state.answers, event.field),
        "shelved": _without(state.shelved, event.field),
        "put_aside": _without(state.put_aside, event.field),
        "revisit": _unless(state.revisit, event.field),
        "last_filled": _unless(state.last_filled, event.field),
        "question": _still_open(state),
    }


def _shelved(state: DialogueState, event: Shelved) -> Changes:
    name = event.field
    if name not in state.answers:
        return {}
    return {
        "answers": _without(state.answers, name),
        "shelved": {**state.shelved, name: state.answers[name]},
        "last_filled": _unless(state.last_filled, name),
        "question": _still_open(state),
    }


def _unshelved(state: DialogueState, event: Unshelved) -> Changes:
    name = event.field
    if name not in state.shelved:
        return {}
    return {
        "answers": {**state.answers, name: state.shelved[name]},
        "shelved": _without(state.shelved, name),
        "question": _still_open(state),
    }


def _skipped(state: DialogueState, event: Skipped) -> Changes:
    return {
        "skipped": _once(state.skipped, event.field),
        "misses": _without(state.misses, event.field),
        "revisit": _unless(state.revisit, event.field),
    }


def _refused(state: DialogueState, event: Refused) -> Changes:
    return {"misses": _counted(state.misses, event.field)}


def _missed(state: DialogueState, event: Missed) -> Changes:
    count = "noinputs" if event.how == "noinput" else "nomatches"
    return {"misses": _counted(state.misses, event.about), count: getattr(state, count) + 1}


def _questioned(state: DialogueState, event: Questioned) -> Changes:
    return {
        "question": event.question,
        "misses": _without(state.misses, f"?{event.question.kind}"),
    }


def _answered(state: DialogueState, event: Answered) -> Changes:
    question = state.question
    if question is None:
        return {}
    return {
        "question": None,
        "misses": _without(state.misses, f"?{question.kind}"),
        "denied": _with_denied(state, question) if event.yes is False else state.denied,
    }


def _asked(state: DialogueState, event: Asked) -> Changes:
    trail = state.trail if event.field is None else _once(state.trail, event.field)
    return {
        "field": event.field,
        "revisit": event.field if event.revisit else None,
        "trail": trail,
    }


def _started_over(state: DialogueState, event: StartedOver) -> Changes:
    aside = {name: answer.value for name, answer in state.put_aside.items()}
    thrown_away = tuple(values for values in (aside, state.values()) if values)
    return {
        "answers": {},
        "shelved": {},
        "put_aside": {},
        "skipped": (),
        "field": None,
        "revisit": None,
        "question": None,
        "misses": {},
        "denied": {},
        "trail": (),
        "last_filled": None,
        "discarded": (*state.discarded, *thrown_away)[-DISCARDED_KEPT:],
    }


def _moved(state: DialogueState, event: Moved) -> Changes:
    if event.status != state.status and event.status not in MOVES[state.status]:
        raise ValueError(f"a session cannot move from {state.status} to {event.status}")
    return {"status": event.status, "ended_at": event.at if event.status in CLOSED else None}


def _said(state: DialogueState, event: Said) -> Changes:
    return {"said": event.text}


def _guarded(state: DialogueState, event: Guarded) -> Changes:
    return {"door": event.door}


def _unguarded(state: DialogueState, event: Unguarded) -> Changes:
    return {"door": None, "failures": 0, "failed_at": None}


def _not_verified(state: DialogueState, event: NotVerified) -> Changes:
    return {"failures": event.failures, "failed_at": event.at}


def _forgiven(state: DialogueState, event: Forgiven) -> Changes:
    return {"failures": 0, "failed_at": None}


def _begun_anew(state: DialogueState, event: BegunAnew) -> Changes:
    return {"begun_anew": event.at}


def _begun(state: DialogueState, event: Begun) -> Changes:
    return {"begun": event.words}


def _migrated(state: DialogueState, event: Migrated) -> Changes:
    held = {**state.shelved, **state.answers}
    removed = {name: held[name] for name in event.removed}
    restored = {name: state.put_aside[name] for name in event.restored}
    return {
        "answers": {**_without(state.answers, *removed), **restored},
        "shelved": _without(state.shelved, *removed),
        "put_aside": {**_without(state.put_aside, *restored), **removed},
        "skipped": event.skipped,
        "field": None,
        "revisit": None,
        "question": None,
        "misses": {},
        "denied": {},
        "last_filled": None,
        "begun": "",
        "migrations": (*state.migrations, event.migration)[-MIGRATIONS_KEPT:],
    }


_FOLDS: Mapping[type, Callable[[DialogueState, Any], Changes]] = {
    Connected: _connected,
    TurnTaken: _turn_taken,
    Filled: _filled,
    Removed: _removed,
    Shelved: _shelved,
    Unshelved: _unshelved,
    Skipped: _skipped,
    Refused: _refused,
    Missed: _missed,
    Questioned: _questioned,
    Answered: _answered,
    Asked: _asked,
    StartedOver: _started_over,
    Moved: _moved,
    Said: _said,
    Guarded: _guarded,
    Unguarded: _unguarded,
    NotVerified: _not_verified,
    Forgiven: _forgiven,
    BegunAnew: _begun_anew,
    Begun: _begun,
    Migrated: _migrated,
}


def _with_denied(state: DialogueState, question: Question) -> Mapping[str, tuple[Scalar, ...]]:
    if question.field is None or question.answer is None:
        return state.denied
    denied = (*state.denied.get(question.field, ()), question.answer.value)
    return {**state.denied, question.field: denied[-DENIED_KEPT:]}


def _still_open(state: DialogueState) -> Question | None:
    """A final read-back is void once an answer changes: a yes counts only for what was heard."""
    question = state.question
    return None if question and question.kind in ("final", "change") else question


def _without(mapping: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if key not in names}


def _counted(misses: Mapping[str, int], about: str) -> dict[str, int]:
    return {**misses, about: misses.get(about, 0) + 1}


def _once(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return names if name in names else (*names, name)


def _dropped(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(other for other in names if other != name)


def _unless(current: str | None, name: str) -> str | None:
    return None if current == name else current
