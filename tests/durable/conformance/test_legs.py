"""Turns are those of the newest leg, of the session that it belongs to."""

import asyncio

import pytest

from turnkeeper.client import VoiceSession, VoiceSessions
from turnkeeper.contract import Reply
from turnkeeper.errors import SessionClosed, SupersededLeg, TurnConflict


async def completed(sessions: VoiceSessions, caller: str = "+14155550101") -> VoiceSession:
    """A session that has come to its end, with the turn `fin`."""
    session = await sessions.open("claim", caller=caller)
    await session.turn(answers={"policy": "4321", "theft": False, "day": "2026-03-01"})
    await session.turn("yes", utterance_id="fin")
    return session


# --- legs -----------------------------------------------------------------------------------------


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


async def test_a_reply_is_looked_up_on_its_own_leg(sessions: VoiceSessions) -> None:
    first = await sessions.open("claim", caller="+14155550101")
    await first.turn("4321", utterance_id="1")
    second = await sessions.open("claim", caller="+14155550101")
    assert await second.reply_to("1") is None


# --- one session ends, the caller begins another --------------------------------------------------


async def test_a_cancelled_session_takes_no_more_turns(sessions: VoiceSessions) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    await session.turn("4321")
    reply = await session.cancel("caller changed their mind")
    assert reply.next == "hang_up"
    assert await session.cancel() == reply
    with pytest.raises(SessionClosed) as closed:
        await session.turn("no")
    assert closed.value.status == "cancelled"
    state = await session.state()
    assert (state.status, state.form_answers) == ("cancelled", {"policy": "4321"})
    await session.hang_up()


async def test_a_late_turn_of_a_finished_session_does_not_reach_the_next_one(
    sessions: VoiceSessions,
) -> None:
    old = await completed(sessions)
    new = await sessions.open("claim", caller="+14155550101")
    assert (new.id, new.leg, new.restored) == (old.id, old.leg, False)
    for late in ("yes", "4321"):
        with pytest.raises(SupersededLeg, match="has ended"):
            await old.turn(late, utterance_id="fin")
    await old.hang_up()
    state = await new.state()
    assert (state.turns, state.form_answers) == (0, {})
    assert state.legs[-1].closed_at is None
    assert (await new.turn("1234")).recorded == {"policy": "1234"}


async def test_a_turn_is_the_same_turn_whether_or_not_its_sender_knows_the_epoch(
    sessions: VoiceSessions,
) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    attached = sessions.attach(session.id, session.leg)
    first = await attached.turn("4321", utterance_id="u1")
    assert await session.turn("4321", utterance_id="u1") == first
    assert await attached.reply_to("u1") == first
    await attached.turn("no", utterance_id="u2")
    await attached.post_turn("9999", utterance_id="u1")
    with pytest.raises(TurnConflict):
        await _posted_again(attached, "u1", first)
    assert (await session.state()).turns == 2


async def _posted_again(session: VoiceSession, utterance: str, former: Reply) -> None:
    """Wait until the outcome of an utterance is another one than it was."""
    async with asyncio.timeout(10):
        while await session.reply_to(utterance) == former:
            await asyncio.sleep(0.01)


async def test_the_turn_that_ended_a_session_has_its_reply_again(sessions: VoiceSessions) -> None:
    session = await completed(sessions)
    again = await session.turn("yes", utterance_id="fin")
    assert (again.status, again.next) == ("submitting", "hang_up")
    with pytest.raises(SessionClosed):
        await session.turn("thanks")


async def test_a_cancel_and_an_open_at_once_leave_one_session_or_the_next(
    sessions: VoiceSessions,
) -> None:
    for _ in range(8):
        session = await sessions.open("claim", caller="+14155550101")
        await session.turn("4321")
        _, opened = await asyncio.gather(
            session.cancel(), sessions.open("claim", caller="+14155550101"),
            return_exceptions=True,
        )  # fmt: skip
        assert isinstance(opened, VoiceSession), opened


async def test_a_turn_behind_a_cancel_is_told_that_the_session_is_closed(
    sessions: VoiceSessions,
) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    results = await asyncio.gather(session.cancel(), session.turn("4321"), return_exceptions=True)
    assert isinstance(results[1], Reply | SessionClosed)
