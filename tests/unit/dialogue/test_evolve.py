"""Events fold into state; their meaning is fixed."""

from datetime import UTC, datetime
from typing import get_args

import pytest
from pydantic import TypeAdapter

from turnkeeper.contract import Migration, Status
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
from turnkeeper.dialogue.evolve import DISCARDED_KEPT, evolve, fold
from turnkeeper.dialogue.state import Answer, DialogueState, Door, Question
from turnkeeper.dialogue.status import CLOSED, MOVES, OPEN

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ONE_OF_EACH: tuple[Event, ...] = (
    Connected(at=NOW),
    TurnTaken(leg=1, utterance_id="u", heard="1234", at=NOW),
    Asked(field="a"),
    Missed(about="a", how="noinput"),
    Refused(field="a", code="too_short"),
    Filled(field="a", answer=Answer(value="1234")),
    Shelved(field="a"),
    Unshelved(field="a"),
    Skipped(field="b"),
    Questioned(question=Question(kind="value", field="a", answer=Answer(value=True))),
    Answered(yes=True),
    Removed(field="a"),
    Moved(status="confirming"),
    StartedOver(),
    Said(text="Hello."),
    BegunAnew(at=NOW),
    Begun(words="12"),
    Guarded(door=Door(dialogue=DialogueState(), since=NOW)),
    NotVerified(failures=1, at=NOW),
    Forgiven(),
    Unguarded(),
    Migrated(migration=Migration(from_version="1", to_version="2", at=NOW)),
)


def test_every_kind_of_event_folds_and_counts() -> None:
    kinds = {type(event) for event in ONE_OF_EACH}
    assert kinds == set(get_args(get_args(Event)[0]))
    assert fold(DialogueState(), ONE_OF_EACH).version == len(ONE_OF_EACH)


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: event.kind)
def test_an_event_survives_json_and_folds_alone(event: Event) -> None:
    adapter: TypeAdapter[Event] = TypeAdapter(Event)
    assert adapter.validate_json(adapter.dump_json(event)) == event
    assert evolve(DialogueState(), event).version == 1


@pytest.mark.parametrize("status", MOVES)
def test_only_the_moves_of_the_table_are_made(status: Status) -> None:
    state = DialogueState(status=status)
    for target in MOVES:
        if target == status or target in MOVES[status]:
            assert evolve(state, Moved(status=target)).status == target
        else:
            with pytest.raises(ValueError, match=f"cannot move from {status} to {target}"):
                evolve(state, Moved(status=target))


def test_a_status_takes_turns_or_has_ended_or_waits() -> None:
    assert set(MOVES) - OPEN - CLOSED == {"submitting", "handed_off"}


def test_a_changed_answer_voids_the_final_read_back() -> None:
    final = Questioned(question=Question(kind="final"))
    filled = Filled(field="a", answer=Answer(value=1))
    for change in (filled, Removed(field="a"), Shelved(field="a")):
        assert fold(DialogueState(), [filled, final, change]).question is None


def test_what_restarts_threw_away_is_kept_up_to_a_number() -> None:
    state = DialogueState()
    for number in range(DISCARDED_KEPT + 5):
        state = fold(state, [Filled(field="a", answer=Answer(value=number)), StartedOver()])
    assert len(state.discarded) == DISCARDED_KEPT
    assert state.discarded[-1] == {"a": DISCARDED_KEPT + 4}
    assert state.answers == {}
