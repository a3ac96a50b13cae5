"""What a turn leaves in Temporal, and what it does not."""

import asyncio

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowFailureError

from tests.durable.conftest import World
from turnkeeper.client import VoiceSessions
from turnkeeper.contract import Reply, Turn
from turnkeeper.dialogue.events import Decision
from turnkeeper.errors import (
    SessionClosed,
    SessionNotFound,
    StaleWrite,
    StoreUnavailable,
)
from turnkeeper.store import SessionStore


async def test_a_turn_is_in_history_when_its_reply_is_heard(
    world: World, sessions: VoiceSessions
) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    await session.turn("4321")
    events = (await world.handle(session.id).fetch_history()).events
    # In the same workflow task the timer of the list's asked field is set.
    decided, answered, timer = events[-3:]
    assert decided.event_type == EventType.EVENT_TYPE_MARKER_RECORDED
    (result,) = decided.marker_recorded_event_attributes.details["result"].payloads
    decision = Decision.model_validate_json(result.data)
    assert [event.kind for event in decision.events] == ["turn_taken", "filled", "asked", "said"]
    assert answered.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED
    assert timer.event_type == EventType.EVENT_TYPE_TIMER_STARTED


async def test_a_turn_to_a_session_that_is_not_there_creates_none(
    world: World, sessions: VoiceSessions
) -> None:
    stray = sessions.attach(await sessions.session_id("claim", "+14155550199"), leg=1)
    with pytest.raises(SessionNotFound):
        await stray.turn("4321")
    with pytest.raises(SessionNotFound):
        await stray.state()
    assert await world.runs(stray.id) == 0


async def test_a_message_of_a_newer_peer_is_read_as_far_as_it_is_known(
    world: World, sessions: VoiceSessions
) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    turn = Turn(leg=1, utterance_id="u1", text="4321").model_dump()
    reply = await world.handle(session.id).execute_update(
        "turn", {**turn, "mood": "cheerful"}, result_type=Reply
    )
    assert reply.recorded == {"policy": "4321"}


@pytest.mark.parametrize("name", ["state", "transcript", "cancel", "hang_up"])
async def test_every_call_can_be_given_a_time_limit(
    world: World, sessions: VoiceSessions, name: str
) -> None:
    """No call goes on when its caller has stopped waiting."""
    session = await sessions.open("claim", caller="+14155550101")
    task = asyncio.ensure_future(getattr(session, name)())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_session_that_an_operator_cancels_in_temporal_is_cancelled(
    world: World, sessions: VoiceSessions
) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    await session.turn("4321")
    await world.handle(session.id).cancel()
    with pytest.raises(WorkflowFailureError):
        await world.handle(session.id).result()
    assert (await session.state()).status == "cancelled"
    with pytest.raises(SessionClosed) as closed:
        await session.turn("no")
    assert closed.value.status == "cancelled"


async def test_a_session_that_was_terminated_does_not_look_alive(
    world: World, sessions: VoiceSessions
) -> None:
    store = SessionStore(sessions)
    record = await store.set("user-42", {"city": "Oslo"})
    await world.handle(record.session_id).terminate(reason="the test wants it gone")
    assert (await sessions.state(record.session_id)).status == "cancelled"
    assert await store.get("user-42") is None
    with pytest.raises(StaleWrite, match="version 0"):
        await store.set("user-42", {"city": "Bergen"}, version=record.version)
    await store.set("user-42", {"city": "Narvik"})


async def test_a_worker_that_cannot_replay_a_session_does_not_make_its_caller_new(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad deploy is not "no session"."""
    async with world.sessions(deadline=2) as sessions:
        async with world.worker():
            session = await sessions.open("claim", caller="+14155550101")
            await session.turn("4321")
        with monkeypatch.context() as patch:
            patch.setattr("activities.contract.LOAD_FORM", "another_name")
            async with world.worker(max_cached_sessions=0):
                with pytest.raises(StoreUnavailable):
                    await session.state()
        async with world.worker():
            assert (await session.state()).form_answers == {"policy": "4321"}
