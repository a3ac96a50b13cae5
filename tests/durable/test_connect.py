"""Restore or create is one call; a failed opening leaves nothing; away is never new."""

import asyncio
from datetime import timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from tests.durable.conftest import World
from turnkeeper.client import VoiceSessions
from turnkeeper.contract import WORKFLOW, Opening, Reply
from turnkeeper.errors import InvalidCaller, StoreUnavailable, UnknownForm
from turnkeeper.settings import read_settings
from worker.server import free_port


async def test_the_same_caller_in_another_spelling_goes_on_where_they_were(
    sessions: VoiceSessions,
) -> None:
    first = await sessions.open("claim", caller="(415) 555-0101")
    await first.turn("4321")
    await first.hang_up("drop")
    second = await sessions.open("claim", caller="+1 415 555 0101")
    assert second.id == first.id
    assert second.restored
    assert "4321" not in second.id
    assert second.reply.field == "theft"
    assert second.reply.say.startswith("Welcome back.")


async def test_two_forms_of_one_person_are_two_sessions(
    world: World, sessions: VoiceSessions
) -> None:
    world.forms["other"] = world.forms["claim"].model_copy(update={"form": "other"})
    claim = await sessions.open("claim", caller="+14155550101")
    other = await sessions.open("other", caller="+14155550101")
    assert claim.id != other.id
    await claim.turn("4321")
    assert (await other.state()).form_answers == {}


async def test_an_unknown_form_leaves_no_session_behind(
    world: World, sessions: VoiceSessions
) -> None:
    with pytest.raises(UnknownForm, match="'clam'"):
        await sessions.open("clam", caller="+14155550101")
    await _gone(world, await sessions.session_id("clam", "+14155550101"))


async def test_a_first_message_that_cannot_be_read_leaves_no_session_behind(
    world: World, sessions: VoiceSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A foreign client starts a session and connects with something else than a Connect."""
    monkeypatch.setattr("workflows.voice_session.OPENING_TIMEOUT", timedelta(seconds=1))
    world.settings = world.settings.model_copy(
        update={"task_queue": world.settings.task_queue + "-plain", "sandboxed": False}
    )
    key = await sessions.session_id("claim", "+14155550101")
    async with world.worker():
        handle = await world.client.start_workflow(
            WORKFLOW, Opening(form="claim"), id=key, task_queue=world.settings.task_queue
        )
        with pytest.raises(WorkflowUpdateFailedError):
            await handle.execute_update("connect", {"leg": "one"}, result_type=Reply)
        await _gone(world, key)


async def _gone(world: World, session_id: str) -> None:
    """Wait until the server knows nothing of the id."""
    async with asyncio.timeout(15):
        while True:
            try:
                await world.handle(session_id).describe()
            except RPCError as error:
                if error.status != RPCStatusCode.NOT_FOUND:
                    raise
                return
            await asyncio.sleep(0.05)


async def test_a_bad_caller_is_refused_before_anything_is_sent(sessions: VoiceSessions) -> None:
    with pytest.raises(InvalidCaller, match="identifies nobody"):
        await sessions.open("claim", caller="anonymous")


async def test_a_server_that_is_away_never_looks_like_a_new_caller() -> None:
    settings = read_settings(turn_deadline=1)
    async with VoiceSessions.connect(
        address=f"127.0.0.1:{free_port()}", settings=settings
    ) as sessions:
        with pytest.raises(StoreUnavailable, match="nothing is known of the session"):
            await sessions.open("claim", caller="+14155550101")
        with pytest.raises(StoreUnavailable):
            await sessions.state(await sessions.session_id("claim", "+14155550101"))
        with pytest.raises(StoreUnavailable):
            _ = [row async for row in sessions.list()]


async def test_no_worker_is_unavailable_and_the_caller_keeps_their_answers(world: World) -> None:
    async with world.sessions(deadline=1) as sessions:
        async with world.worker():
            session = await sessions.open("claim", caller="+14155550101")
            await session.turn("4321")
        with pytest.raises(StoreUnavailable):
            await sessions.open("claim", caller="+14155550101")
        async with world.worker():
            session = await sessions.open("claim", caller="+14155550101")
            assert session.restored
            assert (await session.state()).form_answers == {"policy": "4321"}


async def test_after_completion_the_same_caller_begins_anew(
    world: World, sessions: VoiceSessions
) -> None:
    first = await sessions.open("claim", caller="+14155550101")
    await first.turn(answers={"policy": "4321", "theft": False, "day": "2026-03-01"})
    await first.turn("yes")
    second = await sessions.open("claim", caller="+14155550101")
    assert (second.id, second.restored, second.leg) == (first.id, False, 1)
    assert await world.runs(first.id) == 2


async def test_a_form_that_shows_itself_again_is_not_begun_anew(
    world: World, sessions: VoiceSessions
) -> None:
    world.forms["claim"] = world.forms["claim"].model_copy(update={"again": "show"})
    first = await sessions.open("claim", caller="+14155550101")
    await first.turn(answers={"policy": "4321", "theft": False, "day": "2026-03-01"})
    await first.turn("yes")
    second = await sessions.open("claim", caller="+14155550101")
    assert (second.reply.status, second.reply.next) == ("completed", "hang_up")
    assert second.restored
    assert (await second.state()).form_answers["policy"] == "4321"
    assert await world.runs(first.id) == 1


async def test_sessions_are_listed_by_status_and_form(
    world: World, sessions: VoiceSessions
) -> None:
    open_one = await sessions.open("claim", caller="+14155550101")
    await open_one.turn("4321")
    await open_one.hang_up()
    cancelled = await sessions.open("claim", caller="+14155550102")
    await cancelled.cancel()
    async with asyncio.timeout(10):  # Visibility follows history, a little later.
        while True:
            rows = {row.session_id: row async for row in sessions.list()}
            if len(rows) == 2 and rows[cancelled.id].status == "cancelled":
                break
            await asyncio.sleep(0.05)
    assert (rows[open_one.id].status, rows[open_one.id].field) == ("collecting", "theft")
    assert not rows[cancelled.id].running
    assert [r.session_id async for r in sessions.list(status="cancelled")] == [cancelled.id]
    assert [r async for r in sessions.list(form="other")] == []


async def test_a_namespace_without_search_attributes_serves_calls_all_the_same(
    world: World,
) -> None:
    async with world.worker(searchable=False), world.sessions() as sessions:
        session = await sessions.open("claim", caller="+14155550101")
        assert (await session.turn("4321")).recorded == {"policy": "4321"}
        description = await world.handle(session.id).describe()
        assert description.status == WorkflowExecutionStatus.RUNNING
        assert not [p for p in description.typed_search_attributes if "Turnkeeper" in p.key.name]
