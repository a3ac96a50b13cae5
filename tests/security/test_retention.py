"""A form's `keep_for`: what has ended is erased in time, and the caller's next session is not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHandle

from tests.durable.conftest import World
from tests.durable.test_delivery import until
from tests.security.conftest import Place, encrypted, in_clear
from turnkeeper.client import VoiceSession, VoiceSessions
from turnkeeper.connection import connect
from turnkeeper.erasure import retention_id
from turnkeeper.errors import SessionNotFound
from turnkeeper.security.key_store import SessionId
from turnkeeper.visibility import described
from worker.server import EmbeddedServer

SOON = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch, soon: None) -> None:
    """Needs a worker without the sandbox, which has modules of its own."""
    monkeypatch.setattr("workflows.erasure.CLOSING", timedelta(seconds=0.3))


@asynccontextmanager
async def keeping(world: World, **form: object) -> AsyncIterator[VoiceSessions]:
    """Sessions of a form that says so, and a worker."""
    world.settings = world.settings.model_copy(update={"sandboxed": False})
    world.forms["claim"] = world.forms["claim"].model_copy(update=form)
    async with world.worker(), world.sessions() as sessions:
        yield sessions


async def completed(sessions: VoiceSessions) -> VoiceSession:
    session = await sessions.open("claim", caller="+14155550101")
    await session.turn(answers={"policy": "4321", "theft": False, "day": "2026-03-01"})
    await session.turn("yes")
    await until(session, "completed")
    return session


async def erased(world: World, session: VoiceSession) -> None:
    """Waits until the session's own retention is over."""
    handle = world.handle(retention_id(session.id, session.epoch))
    async with asyncio.timeout(20):
        while await described(world.client, handle.id) is None:
            await asyncio.sleep(0.05)
        await handle.result()


@encrypted
async def test_a_session_that_has_ended_is_kept_for_as_long_as_its_form_says(
    world: World, place: Place
) -> None:
    async with keeping(world, keep_for=SOON) as sessions:
        session = await completed(sessions)
        assert (await sessions.state(session.id)).form_answers["policy"] == "4321"
        await erased(world, session)
        with pytest.raises(SessionNotFound):
            await sessions.state(session.id)
        assert await world.runs(session.id) == 0
        assert await place.store.live(SessionId("default", session.id)) is None
        certificate = await sessions.erase(session.id)
        assert (certificate.reason, certificate.runs_deleted) == ("kept_for", 1)
        assert certificate.keys_shredded == 1


@encrypted
async def test_the_same_callers_next_session_goes_on_and_keeps_its_key(
    world: World, quick: EmbeddedServer, place: Place
) -> None:
    async with keeping(world, keep_for=SOON) as sessions:
        first = await completed(sessions)
        following = await sessions.open("claim", caller="+14155550101")
        await following.turn("1234")
        await erased(world, first)
        assert await world.runs(first.id) == 1
    async with keeping(world) as sessions:  # A worker that has nothing in its cache.
        reply = await following.turn("no")
        assert reply.field == "day"
        elsewhere = await connect(quick.address, settings=world.settings)
        async with World(elsewhere, world.settings).sessions() as others:
            assert (await others.state(first.id)).form_answers["policy"] == "1234"
        await following.turn(answers={"day": "2026-03-01"})
        await following.turn("yes")
        await erased(world, following)
        assert await world.runs(first.id) == 0
        assert await place.store.live(SessionId("default", first.id)) is None


@encrypted
async def test_a_long_history_of_the_next_session_is_read_for_as_long_as_it_takes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = WorkflowHandle.fetch_history_events

    async def slowly(handle: WorkflowHandle[object, object]) -> AsyncIterator[HistoryEvent]:
        async for event in read(handle):
            await asyncio.sleep(0.15)
            yield event

    monkeypatch.setattr("workflows.erasure.ATTEMPT_TIMEOUT", SOON)
    monkeypatch.setattr(WorkflowHandle, "fetch_history_events", slowly)
    async with keeping(world, keep_for=SOON) as sessions:
        first = await completed(sessions)
        following = await sessions.open("claim", caller="+14155550101")
        await following.turn("1234")
        await erased(world, first)
        assert await world.runs(first.id) == 1
        assert (await following.state()).form_answers == {"policy": "1234"}


@pytest.mark.long
@in_clear
async def test_a_finished_session_is_shown_for_so_long_and_then_erased(world: World) -> None:
    async with keeping(world, keep_for=2 * SOON, again="show") as sessions:
        session = await completed(sessions)
        again = await sessions.open("claim", caller="+14155550101")
        assert (again.reply.status, again.epoch) == ("completed", session.epoch)
        await erased(world, session)
        assert (await sessions.open("claim", caller="+14155550101")).reply.status == "collecting"


@pytest.mark.long
@in_clear
async def test_a_cancelled_session_is_not_kept_longer_than_a_completed_one(world: World) -> None:
    async with keeping(world, keep_for=SOON) as sessions:
        session = await sessions.open("claim", caller="+14155550101")
        await session.cancel()
        other = await sessions.open("claim", caller="user-2")
        await world.handle(other.id).cancel()  # Temporal's own cancellation.
        await erased(world, session)
        await erased(world, other)
        assert (await world.runs(session.id), await world.runs(other.id)) == (0, 0)


@in_clear
async def test_without_keep_for_nothing_of_ours_erases_it(world: World) -> None:
    async with keeping(world) as sessions:
        session = await completed(sessions)
        await world.handle(session.id).result()
        assert await described(world.client, retention_id(session.id, session.epoch)) is None


@pytest.mark.long
@encrypted
async def test_a_session_that_began_under_the_shredded_key_makes_room_for_one_that_can_go_on(
    world: World, quick: EmbeddedServer, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with keeping(world, keep_for=SOON) as sessions:
        first = await completed(sessions)
        monkeypatch.setattr("turnkeeper.security.keyring.ASK_EVERY", 3.0)
        async with asyncio.timeout(20):
            while await place.store.live(SessionId("default", first.id)) is not None:
                await asyncio.sleep(0.02)
        # This process has not learned of it: what it stores now, no other can read.
        unlucky = await sessions.open("claim", caller="+14155550101")
        assert unlucky.reply.status == "collecting"
        await erased(world, first)
        again = await sessions.open("claim", caller="+14155550101")
        assert again.epoch != unlucky.epoch
        await again.turn("1234")
        elsewhere = await connect(quick.address, settings=world.settings)
        async with World(elsewhere, world.settings).sessions() as others:
            assert (await others.state(again.id)).form_answers == {"policy": "1234"}
