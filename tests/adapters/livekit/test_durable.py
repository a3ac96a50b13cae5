"""LiveKit's agents on a real Temporal server: what is left when things break in mid-call."""

import asyncio
import sys
from pathlib import Path

import pytest

pytest.importorskip("livekit.agents", reason="scripts/adapters has an environment for it")

from livekit.agents import Agent

from tests.adapters.livekit.agent_process import CALLER
from tests.adapters.livekit.calls import call, until
from tests.adapters.livekit.speech import ScriptedSTT, speaking
from tests.durable.conftest import World
from turnkeeper.adapters.livekit import DurableFormAgent, DurableFormLLM
from turnkeeper.client import VoiceSessions
from turnkeeper.contract import SessionState
from worker.child import kill_child, start_child
from worker.server import EmbeddedServer

ROOT = Path(__file__).parents[3]


def agent(sessions: VoiceSessions) -> DurableFormAgent:
    return DurableFormAgent(sessions, "claim", caller=CALLER, noinput_timeout=None)


async def state(sessions: VoiceSessions) -> SessionState:
    return await sessions.state(await sessions.session_id("claim", CALLER))


async def test_a_caller_whose_agent_was_killed_comes_back_to_the_same_question(
    world: World, server: EmbeddedServer, sessions: VoiceSessions, tmp_path: Path
) -> None:
    arguments = (server.address, world.settings.task_queue, world.settings.tenant, "1234")
    module = "tests.adapters.livekit.agent_process"
    log = tmp_path / "agent.log"
    with log.open("wb") as output:
        command = [sys.executable, "-m", module, *arguments]
        process = await start_child(command, output, cwd=ROOT)
    try:
        await until(lambda: b"READY" in log.read_bytes() or process.returncode is not None, 60)
        assert process.returncode is None, log.read_text()
    finally:
        await kill_child(process)
    assert (await state(sessions)).legs[-1].closed_at is None
    async with call(agent(sessions)) as phone:
        assert phone.greeting.startswith("Welcome back.")
        assert phone.greeting.endswith("Was anything stolen?")
        assert await phone.say("no") == "What day did it happen?"
    assert (await state(sessions)).leg == 2


async def test_a_caller_who_hung_up_and_redials_goes_on(sessions: VoiceSessions) -> None:
    async with call(agent(sessions)) as phone:
        await phone.say("1234")
    async with call(agent(sessions)) as phone:
        assert await phone.say("no") == "What day did it happen?"
    assert [leg.closed_at is not None for leg in (await state(sessions)).legs] == [True, True]


async def test_a_barge_in_while_the_answer_is_on_its_way_loses_nothing(world: World) -> None:
    async with world.sessions() as sessions:
        async with world.worker():
            held = call(agent(sessions))
            phone = await held.__aenter__()
        # No worker: the answer is sent, and cannot be taken yet.
        speech = phone.session.generate_reply(user_input="1234")
        await until(lambda: sessions._sending)
        speech.interrupt()
        await speech
        async with world.worker():
            assert await phone.say("no") == "What day did it happen?"
            assert (await state(sessions)).form_answers == {"policy": "1234", "theft": False}
            assert (await state(sessions)).turns == 2
            await held.__aexit__(None, None, None)


async def test_a_caller_who_is_cut_off_with_the_answer_on_its_way_has_given_it(
    world: World,
) -> None:
    async with world.sessions() as sessions:
        async with world.worker():
            held = call(agent(sessions))
            phone = await held.__aenter__()
        phone.session.generate_reply(user_input="1234")
        await until(lambda: sessions._sending)
        closing = asyncio.ensure_future(held.__aexit__(None, None, None))
        async with world.worker():
            await closing
            await until(lambda: not sessions._sending)
            assert (await state(sessions)).form_answers == {"policy": "1234"}


async def test_speculation_stores_nothing(sessions: VoiceSessions) -> None:
    recogniser = ScriptedSTT()
    model = DurableFormLLM(sessions, "claim", caller=CALLER)
    async with call(Agent(instructions="", llm=model), speaking(recogniser)) as phone:
        await phone.session.generate_reply()
        speculations: list[object] = []
        phone.session.on("speech_created", speculations.append)
        recogniser.hear("start_of_speech")
        recogniser.hear("preflight_transcript", "9999")
        await until(lambda: speculations)
        recogniser.hear("preflight_transcript", "1234")
        recogniser.hear("final_transcript", "1234")
        recogniser.hear("end_of_speech")
        await phone.until_heard("Was anything stolen?")
        assert len(speculations) >= 2
    assert (await state(sessions)).turns == 1
    transcript = await sessions.transcript(await sessions.session_id("claim", CALLER))
    assert "9999" not in str(transcript)
