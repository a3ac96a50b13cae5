"""A turn is in history before it is answered, is applied once, and by the newest leg only."""

import asyncio

import pytest
from temporalio.api.enums.v1 import EventType

from tests.durable.conftest import World
from turnkeeper.client import VoiceSession, VoiceSessions
from turnkeeper.contract import MAX_TURN_BYTES, Reply, Turn
from turnkeeper.dialogue.events import Decision
from turnkeeper.errors import (
    SessionClosed,
    SessionNotFound,
    SupersededLeg,
    TurnConflict,
    TurnTooLarge,
)


async def test_a_form_is_filled_in_by_turns_and_submitted(sessions: VoiceSessions) -> None:
    session = await sessions.open("claim", caller="+14155550101", transport_id="CA1")
    assert (session.restored, session.leg, session.reply.say) == (False, 1, "Hello. Policy number?")

    reply = await session.turn("four three two one")
    assert reply.recorded == {"policy": "4321"}
    assert (reply.field, reply.progress.done, reply.progress.total) == ("theft", 1, 3)
    assert (await session.turn("no")).field == "day"
    reply = await session.turn(answers={"day": "2026-03-01"})
    assert reply.status == "confirming"
    assert reply.confirming is not None
    assert reply.confirming.field is None
    reply = await session.turn("yes")
    assert (reply.status, reply.next) == ("submitting", "hang_up")
    state = await session.state()
    assert state.status == "completed"
    assert state.form_answers == {"policy": "4321", "theft": False, "day": "2026-03-01"}
    assert state.last_turn is not None
    assert state.last_turn.heard == "yes"
    assert state.form_version == "7"


async def test_a_turn_is_in_history_when_its_reply_is_heard(
    world: World, sessions: VoiceSessions
) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    await session.turn("4321")
    events = (await world.handle(session.id).fetch_history()).events
    decided, shown, answered = events[-3:]
    assert decided.event_type == EventType.EVENT_TYPE_MARKER_RECORDED
    assert shown.event_type == EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES
    (result,) = decided.marker_recorded_event_attributes.details["result"].payloads
    decision = Decision.model_validate_json(result.data)
    assert [event.kind for event in decision.events] == ["turn_taken", "filled", "asked", "said"]
    assert answered.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED


async def test_the_same_turn_again_has_the_same_reply_and_changes_nothing(
    sessions: VoiceSessions,
) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    first = await session.turn("4321", utterance_id="u1")
    again = await session.turn("4321", utterance_id="u1")
    assert again == first
    assert (await session.state()).turns == 1


async def test_the_newest_utterance_with_more_words_replaces_what_was_understood(
    sessions: VoiceSessions,
) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    await session.turn("4321", utterance_id="u1")
    reply = await session.turn("4321 no wait 4322", utterance_id="u1")
    assert reply.recorded == {"policy": "4322"}
    state = await session.state()
    assert state.form_answers == {"policy": "4322"}
    assert state.turns == 1
    assert len((await session.transcript()).entries) == 2


async def test_an_amendment_is_decided_from_the_state_before_the_turn_it_amends(
    sessions: VoiceSessions,
) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    await session.turn("4321")
    await session.turn("yes", utterance_id="u2")  # theft: the police report is asked next
    reply = await session.turn("no", utterance_id="u2")
    assert reply.field == "day"
    assert (await session.state()).form_answers == {"policy": "4321", "theft": False}


async def test_an_older_utterance_with_other_words_is_a_conflict_and_changes_nothing(
    sessions: VoiceSessions,
) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    await session.turn("4321", utterance_id="u1")
    await session.turn("no", utterance_id="u2")
    with pytest.raises(TurnConflict, match="other content"):
        await session.turn("9999", utterance_id="u1")
    assert (await session.state()).form_answers == {"policy": "4321", "theft": False}


async def test_a_newer_leg_takes_over_and_the_older_one_is_told_so(
    sessions: VoiceSessions,
) -> None:
    first = await sessions.open("claim", caller="(415) 555-0101", transport_id="CA1")
    await first.turn("4321")
    second = await sessions.open("claim", caller="+14155550101", transport_id="CA2")
    assert (second.id, second.leg, second.restored) == (first.id, 2, True)
    assert second.reply.field == "theft"
    with pytest.raises(SupersededLeg, match="superseded by leg 2"):
        await first.turn("no")
    await first.hang_up()
    state = await second.state()
    assert [(leg.number, leg.transport_id, leg.reason) for leg in state.legs] == [
        (1, "CA1", "superseded"),
        (2, "CA2", ""),
    ]
    assert state.form_answers == {"policy": "4321"}


async def test_turns_sent_at_once_are_applied_one_at_a_time_in_order(
    sessions: VoiceSessions,
) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    await asyncio.gather(
        *(session.turn(answers={"policy": f"{1000 + n}"}, utterance_id=f"u{n}") for n in range(20))
    )
    state, transcript = await session.state(), await session.transcript()
    assert state.turns == 20
    assert [entry.utterance_id for entry in transcript.entries[1:]] == [f"u{n}" for n in range(20)]
    assert state.form_answers == {"policy": "1019"}


async def test_turns_of_several_senders_at_once_are_each_applied_once(
    sessions: VoiceSessions,
) -> None:
    """Two processes that hold the same leg: their turns meet in the session, not before it."""
    opened = await sessions.open("claim", caller="+14155550101")
    senders = [sessions.attach(opened.id, opened.leg) for _ in range(6)]
    await asyncio.gather(
        *(sender.turn(answers={"policy": f"{1000 + n}"}) for n, sender in enumerate(senders))
    )
    state, transcript = await opened.state(), await opened.transcript()
    assert state.turns == 6
    assert state.last_turn is not None
    assert state.last_turn.utterance_id == transcript.entries[-1].utterance_id


async def test_two_legs_at_once_leave_exactly_one_that_is_heard(sessions: VoiceSessions) -> None:
    opened = await asyncio.gather(
        *(sessions.open("claim", caller="+14155550101", transport_id=f"CA{n}") for n in range(4))
    )
    assert sorted(session.leg for session in opened) == [1, 2, 3, 4]
    results = await asyncio.gather(
        *(session.turn("4321") for session in opened), return_exceptions=True
    )
    heard = [result for result in results if isinstance(result, Reply)]
    assert len(heard) == 1
    assert all(isinstance(r, SupersededLeg) for r in results if r is not heard[0])
    assert (await opened[0].state()).turns == 1


async def test_a_connect_that_is_sent_again_is_the_same_leg(sessions: VoiceSessions) -> None:
    first = await sessions.open("claim", caller="+14155550101", connect_id="c1")
    again = await sessions.open("claim", caller="+14155550101", connect_id="c1")
    assert (first.leg, again.leg, again.reply) == (1, 1, first.reply)


async def test_a_posted_turn_is_applied_and_its_reply_can_be_read(
    sessions: VoiceSessions,
) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    assert await session.reply_to("u1") is None
    utterance = await session.post_turn("4321", utterance_id="u1")
    reply = await _posted(session, utterance)
    assert reply.recorded == {"policy": "4321"}


async def test_a_posted_turn_that_is_refused_says_so_and_does_no_harm(
    sessions: VoiceSessions,
) -> None:
    first = await sessions.open("claim", caller="+14155550101")
    second = await sessions.open("claim", caller="+14155550101")
    await first.post_turn("4321", utterance_id="late")
    with pytest.raises(SupersededLeg):
        await _posted(first, "late")
    assert (await second.turn("4321")).recorded == {"policy": "4321"}


async def _posted(session: VoiceSession, utterance: str) -> Reply:
    """The reply to a posted turn, as soon as there is one."""
    async with asyncio.timeout(10):
        while (reply := await session.reply_to(utterance)) is None:
            await asyncio.sleep(0.01)
    return reply


async def test_a_cancelled_session_takes_no_more_turns(sessions: VoiceSessions) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    await session.turn("4321")
    assert (await session.cancel("caller changed their mind")).next == "hang_up"
    with pytest.raises(SessionClosed) as closed:
        await session.turn("no")
    assert closed.value.status == "cancelled"
    state = await session.state()
    assert (state.status, state.form_answers) == ("cancelled", {"policy": "4321"})
    await session.hang_up()


async def test_a_turn_to_a_session_that_is_not_there_creates_none(
    world: World, sessions: VoiceSessions
) -> None:
    stray = sessions.attach(sessions.session_id("claim", "+14155550199"), leg=1)
    with pytest.raises(SessionNotFound):
        await stray.turn("4321")
    with pytest.raises(SessionNotFound):
        await stray.state()
    assert await world.runs(stray.id) == 0


async def test_a_turn_that_is_too_large_is_not_sent(sessions: VoiceSessions) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    with pytest.raises(TurnTooLarge, match="over the limit"):
        await session.turn("x" * (MAX_TURN_BYTES + 1))
    assert (await session.turn("4321")).recorded == {"policy": "4321"}


async def test_a_message_of_a_newer_peer_is_read_as_far_as_it_is_known(
    world: World, sessions: VoiceSessions
) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    turn = Turn(leg=1, utterance_id="u1", text="4321").model_dump()
    reply = await world.handle(session.id).execute_update(
        "turn", {**turn, "mood": "cheerful"}, result_type=Reply
    )
    assert reply.recorded == {"policy": "4321"}


async def test_a_cancelled_turn_is_sent_all_the_same(sessions: VoiceSessions) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    turn = asyncio.ensure_future(session.turn("4321", utterance_id="u1"))
    await asyncio.sleep(0)  # It has begun: the next await is the network's.
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    reply = await session.turn("4321", utterance_id="u1")
    assert reply.recorded == {"policy": "4321"}
    assert (await session.state()).turns == 1
