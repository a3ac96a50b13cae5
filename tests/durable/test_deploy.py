"""A session in mid-form keeps its answers and its form over any deploy."""

from dataclasses import replace

import pytest

import activities.interpret
from tests.durable.conftest import World
from turnkeeper.connection import connect
from turnkeeper.dialogue.decide import decide
from turnkeeper.dialogue.events import Decision, Filled
from turnkeeper.dialogue.state import Answer, DialogueState
from turnkeeper.errors import TurnFailed
from turnkeeper.forms.load import parse_form
from turnkeeper.forms.model import Form
from turnkeeper.values.reading import Context
from worker.server import EmbeddedServer

CHANGED = """
form: claim
version: "8"
title: Another form of the same id
fields:
  - name: colour
    type: text
    prompt: What colour?
"""


def decides_otherwise(
    form: Form, state: DialogueState, heard: object, context: Context
) -> Decision:
    """A release with another rule of interpretation: every policy number is 0000."""
    decision = decide(form, state, heard, context)  # type: ignore[arg-type]  # any message
    events = [
        Filled(field=event.field, answer=Answer(value="0000"))
        if isinstance(event, Filled) and event.field == "policy"
        else event
        for event in decision.events
    ]
    return decision.model_copy(update={"events": tuple(events)})


async def test_a_changed_form_file_is_for_new_sessions_only(world: World) -> None:
    async with world.sessions() as sessions:
        async with world.worker():
            session = await sessions.open("claim", caller="+14155550101")
            await session.turn("4321")
        world.forms["claim"] = parse_form(CHANGED)
        async with world.worker():
            reply = await session.turn("no")
            state = await session.state()
            newcomer = await sessions.open("claim", caller="+14155550102")
    assert reply.field == "day"
    assert (state.form_version, state.form_answers) == ("7", {"policy": "4321", "theft": False})
    assert newcomer.reply.field == "colour"


async def test_a_changed_interpreter_changes_no_answer_that_was_given(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the local activity the second worker would replay the first turn into 0000."""
    async with world.sessions() as sessions:
        async with world.worker():
            session = await sessions.open("claim", caller="+14155550101")
            await session.turn("4321")
        monkeypatch.setattr(activities.interpret, "decide", decides_otherwise)
        async with world.worker(max_cached_sessions=0):
            assert (await session.turn("no")).field == "day"
            assert (await session.state()).form_answers == {"policy": "4321", "theft": False}
            assert (await session.turn(answers={"policy": "1111"})).status == "collecting"
            assert (await session.state()).form_answers["policy"] == "0000"


async def test_a_defect_in_the_interpreter_costs_that_turn_and_not_the_session(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Decision:
        raise RuntimeError("the caller said 4321")

    async with world.worker(), world.sessions() as sessions:
        session = await sessions.open("claim", caller="+14155550101")
        with monkeypatch.context() as patch:
            patch.setattr(activities.interpret, "decide", broken)
            with pytest.raises(TurnFailed, match="RuntimeError") as failed:
                await session.turn("4321", utterance_id="u1")
        assert "4321" not in str(failed.value)
        assert "4321 " not in (await world.handle(session.id).fetch_history()).to_json()
        reply = await session.turn("4321", utterance_id="u1")
        assert reply.recorded == {"policy": "4321"}


async def test_a_worker_without_a_cache_gives_the_same_replies(world: World) -> None:
    """Every turn replays the whole session."""
    replies: list[list[dict[str, object]]] = []
    for cached in (0, None):
        world.settings = world.settings.model_copy(
            update={"task_queue": f"{world.settings.task_queue}-{cached}"}
        )
        async with world.worker(max_cached_sessions=cached), world.sessions() as sessions:
            session = await sessions.open("claim", caller=f"user-{cached}")
            words = ("4321", "yes", "12", "no wait 13", "yesterday", "yes")
            heard = [await session.turn(said, utterance_id=said) for said in words]
            replies.append([reply.model_dump(exclude={"epoch"}) for reply in heard])
    assert replies[0] == replies[1]


async def test_two_workers_share_sessions_and_either_may_leave(
    world: World, server: EmbeddedServer
) -> None:
    """Each on a connection of its own, as two processes have."""
    other = replace(world, client=await connect(server.address))
    async with world.worker(), world.sessions() as sessions:
        async with other.worker():
            opened = [await sessions.open("claim", caller=f"user-{n}") for n in range(6)]
            for session in opened:
                await session.turn("4321")
        for session in opened:
            assert (await session.turn("no")).field == "day"
