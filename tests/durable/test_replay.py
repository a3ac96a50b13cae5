"""Every release's finished sessions replay on the present code, into the same state."""

from pathlib import Path

import pytest

from tests.durable.replaying import HISTORIES, Recorded, keeps, replay
from turnkeeper.dialogue.events import Filled
from turnkeeper.dialogue.evolve import _FOLDS

STORED = sorted(HISTORIES.glob("*/*.json"))


def named(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}"


def test_there_are_histories_of_every_kind_of_ending() -> None:
    names = {path.stem for path in STORED}
    assert {"completed", "renewed", "cancelled", "refused", "stored", "handed_off"} <= names


@pytest.mark.parametrize("path", STORED, ids=named)
async def test_a_finished_session_replays_into_the_state_it_ended_with(path: Path) -> None:
    recorded = Recorded.load(path)
    assert keeps(await replay(recorded), recorded.outcome)


@pytest.mark.parametrize("path", STORED, ids=named)
async def test_it_does_so_with_nothing_of_ours_passed_through_the_sandbox(path: Path) -> None:
    """Clocks, random numbers and other workflows' state in our own package show up only here."""
    recorded = Recorded.load(path)
    assert keeps(await replay(recorded, passed_through=()), recorded.outcome)


async def test_a_fold_that_changes_its_meaning_is_found_though_no_command_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The gate is alive: this is the deploy that would change what callers were told."""
    changed = {
        **_FOLDS,
        Filled: lambda state, event: {
            "answers": {**state.answers, event.field: event.answer.model_copy(update={"value": 0})}
        },
    }
    recorded = Recorded.load(next(path for path in STORED if path.stem == "completed"))
    monkeypatch.setattr("turnkeeper.dialogue.evolve._FOLDS", changed)
    assert not keeps(await replay(recorded), recorded.outcome)


def test_what_is_compared_may_gain_defaults_and_lose_nothing() -> None:
    assert keeps({"a": 1, "b": [{"c": 2, "new": None}]}, {"a": 1, "b": [{"c": 2}]})
    assert not keeps({"a": 1}, {"a": 1, "b": 2})
    assert not keeps({"a": 2}, {"a": 1})
    assert not keeps({"b": [1, 2]}, {"b": [1]})
