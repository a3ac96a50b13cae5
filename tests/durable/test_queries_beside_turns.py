"""Whoever looks on does no harm: a query that comes with a turn is answered before the turn's local
activity has ended, and what the turn then makes stands in history in another order.

Without `workflows.local.Locals` a third to all of these sessions can't be replayed.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    PollWorkflowTaskQueueRequest,
    RespondWorkflowTaskCompletedRequest,
)

from tests.durable.conftest import World
from turnkeeper.client import VoiceSession, VoiceSessions
from worker.build import build_replayer

SESSIONS = 5
TURNS = 12
TIMER_FIRED = EventType.EVENT_TYPE_TIMER_FIRED
PATIENT = 60.0
"""Seconds; this is more than a machine of two cores does at once."""

Story = Callable[[VoiceSessions, str], Awaitable[VoiceSession]]


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


async def two_agents_at_once(
    sessions: VoiceSessions, caller: str, *, going_back: bool = False
) -> VoiceSession:
    session = await sessions.open("claim", caller=caller)

    async def agent(number: int) -> None:
        line = sessions.attach(session.id, session.leg, session.epoch)
        for n in range(TURNS):
            await line.turn(answers={"policy": f"{number}{n:03}"})
            if going_back:
                await asyncio.sleep(random.random() * 0.02)
                await line.turn("go back")

    async with watched(session):
        await asyncio.gather(agent(1), agent(2))
    return session


two_agents_who_go_back: Story = partial(two_agents_at_once, going_back=True)
"""Another field is asked after each turn."""


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
    world: World, story: Story
) -> None:
    await require_replayable(world, await lived(world, story))
    async with world.worker(), world.sessions(PATIENT) as sessions:
        for number in range(SESSIONS):
            again = await sessions.open("claim", caller=f"c{number}")
            assert again.restored
            await again.turn(answers={"policy": "9999"})


async def test_timers_that_fire_meanwhile_do_no_harm_either(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is asked is to be shown in Temporal's list after two minutes; here, at once. (The
    sandbox would load the module as it was.)"""
    monkeypatch.setattr("workflows.display.SETTLING", timedelta(milliseconds=15))
    world.settings = world.settings.model_copy(update={"sandboxed": False})
    fired = await require_replayable(world, await lived(world, two_agents_who_go_back))
    assert fired >= SESSIONS


async def lived(world: World, story: Story) -> list[VoiceSession]:
    """Sessions to which that happened, all at once."""
    async with world.worker(), world.sessions(PATIENT) as sessions:
        return await asyncio.gather(*(story(sessions, f"c{n}") for n in range(SESSIONS)))


async def require_replayable(world: World, sessions: list[VoiceSession]) -> int:
    """How many timers fired in all their runs."""
    replayer, fired = build_replayer(world.settings), 0
    for session in sessions:
        async for run in world.client.list_workflows(f"WorkflowId = '{session.id}'"):
            handle = world.client.get_workflow_handle(run.id, run_id=run.run_id)
            history = await handle.fetch_history()
            await replayer.replay_workflow(history)
            fired += sum(event.event_type == TIMER_FIRED for event in history.events)
    return fired


async def test_a_turn_that_a_busy_worker_did_not_get_to_is_sent_again(world: World) -> None:
    """A task that was completed for a query, without a word about the update that came with it."""
    async with world.sessions() as sessions:
        async with world.worker():
            session = await sessions.open("claim", caller="c1")
        turn = asyncio.ensure_future(session.turn("4321"))
        await complete_a_task_without_a_word(world)
        async with world.worker():
            assert (await turn).recorded == {"policy": "4321"}


async def complete_a_task_without_a_word(world: World) -> None:
    """As a worker."""
    service = world.client.workflow_service
    queue = TaskQueue(name=world.settings.task_queue)
    poll = PollWorkflowTaskQueueRequest(namespace="default", task_queue=queue, identity="busy")
    task = await service.poll_workflow_task_queue(poll)
    done = RespondWorkflowTaskCompletedRequest(
        namespace="default", task_token=task.task_token, identity="busy"
    )
    await service.respond_workflow_task_completed(done)
