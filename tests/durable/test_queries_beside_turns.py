"""Whoever looks on does no harm: a query that comes with a turn is answered before the turn's local
activity has ended, and what the turn then makes stands in history in another order.

Without `workflows.local.Locals` a third to all of these sessions can't be replayed.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tests.durable.conftest import World
from turnkeeper.client import VoiceSession, VoiceSessions
from worker.build import build_replayer

SESSIONS = 5
TURNS = 12
PATIENT = 60.0
"""Seconds; this is more than a machine of two cores does at once."""


@asynccontextmanager
async def watched(session: VoiceSession) -> AsyncIterator[None]:
    """Two who ask for the state again and again."""

    async def look() -> None:
        while True:
            await session.state()
            await asyncio.sleep(random.random() * 0.03)

    watchers = [asyncio.ensure_future(look()) for _ in range(2)]
    try:
        yield
    finally:
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
    assert all(watcher.cancelled() for watcher in watchers)


async def two_agents_at_once(sessions: VoiceSessions, caller: str) -> VoiceSession:
    session = await sessions.open("claim", caller=caller)

    async def agent(number: int) -> None:
        line = sessions.attach(session.id, session.leg, session.epoch)
        for n in range(TURNS):
            await line.turn(answers={"policy": f"{number}{n:03}"})

    async with watched(session):
        await asyncio.gather(agent(1), agent(2))
    return session


async def a_line_that_drops_in_each_turn(sessions: VoiceSessions, caller: str) -> VoiceSession:
    session = first = await sessions.open("claim", caller=caller)
    async with watched(first):
        for n in range(TURNS):
            turn = asyncio.ensure_future(session.turn(answers={"policy": f"{n:04}"}))
            await asyncio.sleep(random.random() * 0.02)
            turn.cancel()
            _, session = await asyncio.gather(
                session.hang_up(), sessions.open("claim", caller=caller)
            )
    return first


@pytest.mark.parametrize("story", [two_agents_at_once, a_line_that_drops_in_each_turn])
async def test_a_session_that_is_watched_while_turns_overlap_can_be_carried_on_by_any_worker(
    world: World, story: Callable[[VoiceSessions, str], Awaitable[VoiceSession]]
) -> None:
    async with world.worker(), world.sessions(PATIENT) as sessions:
        lived = await asyncio.gather(*(story(sessions, f"c{n}") for n in range(SESSIONS)))
    replayer = build_replayer(world.settings)
    for session in lived:
        async for run in world.client.list_workflows(f"WorkflowId = '{session.id}'"):
            handle = world.client.get_workflow_handle(run.id, run_id=run.run_id)
            await replayer.replay_workflow(await handle.fetch_history())
    async with world.worker(), world.sessions(PATIENT) as sessions:
        for number in range(SESSIONS):
            again = await sessions.open("claim", caller=f"c{number}")
            assert again.restored
            await again.turn(answers={"policy": "9999"})
