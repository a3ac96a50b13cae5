"""Every release's finished sessions replay on the present code, into the same state."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from temporalio import workflow

from tests.durable.replaying import HISTORIES, Recorded, keeps, replay
from turnkeeper.dialogue.events import Filled
from turnkeeper.dialogue.evolve import _FOLDS

STORED = sorted(HISTORIES.glob("*/*.json"))


def stored(name: str) -> Recorded:
    """The newest recording of that name."""
    return Recorded.load([path for path in STORED if path.stem == name][-1])


def named(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}"


def test_there_are_histories_of_every_kind_of_ending() -> None:
    names = {path.stem for path in STORED}
    assert {"completed", "renewed", "cancelled", "refused", "stored", "handed_off"} <= names
    assert {"kept", "migrated", "sealed", "moved"} <= names


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
    recorded = stored("completed")
    monkeypatch.setattr("turnkeeper.dialogue.evolve._FOLDS", changed)
    assert not keeps(await replay(recorded), recorded.outcome)


async def test_workflow_code_that_sends_other_commands_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Outside the sandbox, which would load the module as it was."""
    monkeypatch.setenv("TURNKEEPER_SANDBOXED", "false")
    monkeypatch.setattr("workflows.local.DECIDE", "decide_otherwise")
    with pytest.raises(workflow.NondeterminismError):
        await replay(stored("cancelled"))


async def test_an_encrypted_history_opens_under_its_own_id_and_no_other() -> None:
    """What is bound to an id and a namespace is replayed under these, or it proves nothing."""
    recorded = stored("sealed")
    assert "eight" not in json.dumps(recorded.history)
    assert keeps(await replay(recorded), recorded.outcome)
    with pytest.raises(RuntimeError, match="activation completion failed"):
        await replay(replace(recorded, workflow_id=f"{recorded.workflow_id}-of-another"))


def test_what_is_compared_may_gain_defaults_and_lose_nothing() -> None:
    assert keeps({"a": 1, "b": [{"c": 2, "new": None}]}, {"a": 1, "b": [{"c": 2}]})
    assert not keeps({"a": 1}, {"a": 1, "b": 2})
    assert not keeps({"a": 2}, {"a": 1})
    assert not keeps({"b": [1, 2]}, {"b": [1]})
