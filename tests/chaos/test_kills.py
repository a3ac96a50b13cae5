"""Kill -9 of any process loses nothing that a caller was told, and applies nothing twice."""

import asyncio
import random
import sys
import time
from pathlib import Path

import pytest

from tests.chaos.conftest import Processes
from turnkeeper.client import VoiceSessions
from turnkeeper.errors import StoreUnavailable
from worker.child import kill_child, start_child

CLIENT = Path(__file__).with_name("client_process.py")


async def test_a_worker_killed_between_turns_costs_a_moment_and_no_answer(
    processes: Processes, sessions: VoiceSessions
) -> None:
    first = await processes.start_worker()
    session = await sessions.open("claim", caller="+14155550101")
    await session.turn("4321")
    await processes.start_worker()  # Another worker is there, as in any deployment.
    await kill_child(first)
    started = time.monotonic()
    reply = await session.turn("no")
    print(f"the turn after the kill took {time.monotonic() - started:.2f} s")
    assert reply.field == "day"
    state = await session.state()
    assert (state.turns, state.form_answers) == (2, {"policy": "4321", "theft": False})


async def test_a_worker_killed_in_mid_turn_costs_a_moment_and_the_turn_is_applied_once(
    processes: Processes, sessions: VoiceSessions
) -> None:
    holding = await processes.start_worker(holds=True)
    session = await sessions.open("claim", caller="+14155550101")
    turn = asyncio.ensure_future(session.turn("hold 4321"))
    await processes.deciding()
    await processes.start_worker()
    await kill_child(holding)
    started = time.monotonic()
    reply = await turn
    print(f"the turn that was being decided took {time.monotonic() - started:.2f} s more")
    assert reply.recorded == {"policy": "4321"}
    state = await session.state()
    assert (state.turns, state.form_answers) == (1, {"policy": "4321"})


async def test_a_server_killed_in_mid_call_has_every_answer_when_it_is_back(
    processes: Processes, sessions: VoiceSessions
) -> None:
    await processes.start_worker()
    session = await sessions.open("claim", caller="+14155550101")
    await session.turn("4321")
    await processes.server.kill()
    turn = asyncio.ensure_future(session.turn("no"))
    await asyncio.sleep(0)
    await processes.server.start()
    reply = await turn
    assert reply.field == "day"
    state = await session.state()
    assert (state.turns, state.form_answers) == (2, {"policy": "4321", "theft": False})


async def test_a_server_killed_in_mid_turn_answers_that_turn_once_it_is_back(
    processes: Processes, sessions: VoiceSessions
) -> None:
    await processes.start_worker(holds=True)
    session = await sessions.open("claim", caller="+14155550101")
    turn = asyncio.ensure_future(session.turn("hold 4321"))
    await processes.deciding()
    await processes.server.kill()
    await processes.server.start()
    (processes.hold / "go").touch()
    reply = await turn
    assert reply.recorded == {"policy": "4321"}
    assert (await session.state()).turns == 1


async def test_an_agent_killed_in_mid_update_finds_its_turn_applied_once(
    processes: Processes, sessions: VoiceSessions
) -> None:
    await processes.start_worker(holds=True)
    session = await sessions.open("claim", caller="+14155550101")
    command = [sys.executable, str(CLIENT), processes.server.address, processes.task_queue,
               session.id, str(session.leg), "u1", "hold 4321"]  # fmt: skip
    with (processes.folder / "client.log").open("wb") as output:
        agent = await start_child(command, output)
    await processes.deciding()
    await kill_child(agent)
    (processes.hold / "go").touch()
    reply = await session.turn("hold 4321", utterance_id="u1")
    assert reply.recorded == {"policy": "4321"}
    assert (await session.state()).turns == 1


async def test_everything_killed_at_once_and_the_caller_goes_on_from_another_line(
    processes: Processes, sessions: VoiceSessions
) -> None:
    worker = await processes.start_worker()
    session = await sessions.open("claim", caller="+14155550101", transport_id="CA1")
    await session.turn("4321")
    await kill_child(worker)
    await processes.server.kill()
    await processes.server.start()
    await processes.start_worker()
    again = await sessions.open("claim", caller="(415) 555-0101", transport_id="CA2")
    assert (again.id, again.restored, again.leg) == (session.id, True, 2)
    assert again.reply.field == "theft"
    assert (await again.state()).form_answers == {"policy": "4321"}


async def test_a_server_that_is_away_at_connect_never_begins_a_second_form(
    processes: Processes,
) -> None:
    await processes.start_worker()
    from turnkeeper.settings import read_settings

    settings = read_settings(task_queue=processes.task_queue, turn_deadline=1)
    async with VoiceSessions.connect(
        address=processes.server.address, settings=settings
    ) as sessions:
        session = await sessions.open("claim", caller="+14155550101")
        await session.turn("4321")
        await processes.server.kill()
        with pytest.raises(StoreUnavailable):
            await sessions.open("claim", caller="+14155550101")
        await processes.server.start()
    patient = settings.model_copy(update={"turn_deadline": 20.0})
    async with VoiceSessions.connect(
        address=processes.server.address, settings=patient
    ) as sessions:
        again = await sessions.open("claim", caller="+14155550101")
        assert again.restored
        assert (await again.state()).form_answers == {"policy": "4321"}


async def test_under_kills_at_random_every_turn_of_every_caller_is_applied_once(
    processes: Processes, sessions: VoiceSessions
) -> None:
    """Two workers; one is killed and replaced again and again while eight callers talk."""
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    chance = random.Random(seed)
    workers = [await processes.start_worker(), await processes.start_worker()]
    longest = 0.0

    async def call(caller: int) -> int:
        nonlocal longest
        session = await sessions.open("claim", caller=f"user-{caller}")
        for number in range(25):
            started = time.monotonic()
            reply = await session.turn(answers={"policy": f"{caller}{number:03}"})
            longest = max(longest, time.monotonic() - started)
            assert reply.recorded == {"policy": f"{caller}{number:03}"}
            await asyncio.sleep(0.1 * chance.random())
        return (await session.state()).turns

    callers = asyncio.gather(*(call(caller) for caller in range(8)))
    while not callers.done():
        victim = chance.randrange(2)
        await kill_child(workers[victim])
        workers[victim] = await processes.start_worker()
    assert await callers == [25] * 8
    print(f"{len(processes.running) - 2} kills; the longest turn took {longest:.2f} s")
