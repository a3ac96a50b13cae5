"""The promises of every channel, kept by a Pipecat agent on a real Temporal server."""

import asyncio
import sys
from pathlib import Path

import pytest

pytest.importorskip("pipecat", reason="scripts/adapters has an environment for it")

from tests.adapters.pipecat.calls import THEFT, state_of
from tests.adapters.pipecat.phone import CALLER, Phone, until
from tests.durable.conftest import World
from turnkeeper.adapters.pipecat import DurableFormProcessor
from turnkeeper.client import VoiceSessions
from worker.child import kill_child, start_child
from worker.server import EmbeddedServer

AGENT = Path(__file__).with_name("agent_process.py")
DAY = "What day did it happen?"


def agent(sessions: VoiceSessions, transport_id: str) -> DurableFormProcessor:
    return DurableFormProcessor(sessions, "claim", caller=CALLER, transport_id=transport_id)


async def test_a_caller_whose_agent_was_killed_comes_back_to_the_same_question(
    server: EmbeddedServer, world: World, sessions: VoiceSessions, root: Path, tmp_path: Path
) -> None:
    said = tmp_path / "said"
    command = [sys.executable, str(AGENT), server.address]
    with said.open("wb") as output:
        process = await start_child(
            [*command, world.settings.task_queue, world.settings.tenant], output, cwd=root
        )
    async with asyncio.timeout(60):
        while f"HEARD {THEFT}" not in said.read_text(errors="replace"):
            assert process.returncode is None, said.read_text(errors="replace")
            await asyncio.sleep(0.05)
    await kill_child(process)

    async with Phone(agent(sessions, "CA2")) as phone:
        back = await phone.ring()
        assert back.startswith("Welcome back.")
        assert back.endswith(THEFT)
        assert await phone.says("no") == DAY
    state = await state_of(sessions)
    assert state.form_answers == {"policy": "4321", "theft": False}
    assert [leg.transport_id for leg in state.legs] == ["CA1", "CA2"]


async def test_a_caller_who_redials_goes_on(sessions: VoiceSessions) -> None:
    async with Phone(agent(sessions, "CA1")) as phone:
        assert await phone.ring() == "Hello. Policy number?"
        assert await phone.says("4321") == THEFT
    async with Phone(agent(sessions, "CA2")) as phone:
        assert (await phone.ring()).endswith(THEFT)
        assert await phone.says("no") == DAY
    state = await state_of(sessions)
    assert [leg.reason for leg in state.legs] == ["hang_up", "hang_up"]
    assert state.turns == 2


async def test_a_barge_in_loses_no_answer(sessions: VoiceSessions) -> None:
    async with Phone(agent(sessions, "CA1")) as phone:
        await phone.ring()
        await phone.speaks("4321")
        await phone.begins()  # Before the reply can be there.
        await until(lambda: phone.texts("user") == ["4321"])
        await phone.goes_on("hm")
        assert await phone.hears() == THEFT
    assert (await state_of(sessions)).form_answers == {"policy": "4321"}


async def test_a_hang_up_in_mid_turn_loses_no_answer(sessions: VoiceSessions) -> None:
    async with Phone(agent(sessions, "CA1")) as phone:
        await phone.ring()
        await phone.speaks("4321")
        await until(lambda: phone.texts("user") == ["4321"])
    assert (await state_of(sessions)).form_answers == {"policy": "4321"}


async def test_a_speculation_that_is_dropped_is_not_in_history(
    world: World, sessions: VoiceSessions
) -> None:
    async with Phone(agent(sessions, "CA1")) as phone:
        await phone.ring()
        await phone.begins()
        await phone.pauses("1111")
        await phone.resumes()
        await phone.goes_on("4321")
        assert await phone.hears() == THEFT
    state = await state_of(sessions)
    assert (state.form_answers, state.turns) == ({"policy": "4321"}, 1)
    history = await world.handle(state.session_id).fetch_history()
    assert "1111" not in history.to_json()


async def test_a_caller_is_waited_for_while_every_worker_is_away(world: World) -> None:
    async with world.sessions(deadline=0.5) as sessions, Phone(agent(sessions, "CA1")) as phone:
        async with world.worker():
            await phone.ring()
        assert await phone.says("4321") == "One moment, please."
        async with world.worker():
            assert await phone.hears() == THEFT
            assert (await state_of(sessions)).turns == 1
