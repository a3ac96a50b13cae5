"""A turn is applied once, one at a time, and its reply is there again for whoever asks again."""

import asyncio

import pytest

from turnkeeper.client import VoiceSession, VoiceSessions
from turnkeeper.contract import Reply
from turnkeeper.errors import SupersededLeg

# --- turns ----------------------------------------------------------------------------------------


async def test_a_form_is_filled_in_by_turns_and_submitted(sessions: VoiceSessions) -> None:
    session = await sessions.open("claim", caller="+14155550101", transport_id="CA1")
    assert (session.restored, session.leg, session.reply.say) == (False, 1, "Hello. Policy number?")

    reply = await session.turn("four three two one")
    assert reply.recorded == {"policy": "4321"}
    assert (reply.field, reply.progress.done, reply.progress.total) == ("theft", 1, 3)
    assert (await session.turn("no")).field == "day"
    reply = await session.turn(answers={"day": "2026-03-01"})
    assert reply.status == "confirming"
    assert reply.confirming == {"field": None, "value": None}
    reply = await session.turn("yes")
    assert (reply.status, reply.next) == ("submitting", "hang_up")
    state = await session.state()
    assert state.status == "completed"
    assert state.form_answers == {"policy": "4321", "theft": False, "day": "2026-03-01"}
    assert state.last_turn is not None
    assert state.last_turn.heard == "yes"
    assert state.form_version == "7"


async def test_the_same_turn_again_has_the_same_reply_and_changes_nothing(
    sessions: VoiceSessions,
) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    first = await session.turn("4321", utterance_id="u1")
    again = await session.turn("4321", utterance_id="u1")
    assert again == first
    assert (await session.state()).turns == 1


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


async def test_a_cancelled_turn_reaches_the_session_all_the_same(sessions: VoiceSessions) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    turn = asyncio.ensure_future(session.turn("4321", utterance_id="u1"))
    await asyncio.sleep(0)  # It has begun: the next await is the network's.
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    async with asyncio.timeout(10):
        while (await session.state()).turns == 0:
            await asyncio.sleep(0.01)
    reply = await session.turn("4321", utterance_id="u1")
    assert reply.recorded == {"policy": "4321"}
    assert (await session.state()).turns == 1


# --- barge-in -------------------------------------------------------------------------------------


async def test_the_transcript_has_up_to_where_a_reply_was_heard(sessions: VoiceSessions) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    await session.turn("43", said="Hello. Pol", utterance_id="u1")
    await session.turn("4321", utterance_id="u1")
    await session.turn("no", said="", utterance_id="u2")
    entries = (await session.transcript()).entries
    assert [entry.heard_until for entry in entries] == ["Hello. Pol", "", None]
    assert [entry.heard for entry in entries] == ["", "4321", "no"]


async def test_what_was_heard_of_a_reply_outlasts_an_amendment_that_does_not_say(
    sessions: VoiceSessions,
) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    await session.turn("4321", utterance_id="u1")
    await session.turn("no", said="Was any", utterance_id="u2")
    await session.turn("no it was not", utterance_id="u2")
    assert (await session.transcript()).entries[1].heard_until == "Was any"
    await session.turn("no it was not", said="Was anything", utterance_id="u2")
    entries = (await session.transcript()).entries
    assert [entry.heard_until for entry in entries] == [None, "Was anything", None]


async def test_what_was_heard_of_a_reply_is_no_longer_than_the_reply(
    sessions: VoiceSessions,
) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    await session.turn("4321", said="Hello. Policy number?" + "x" * 10_000)
    first = (await session.transcript()).entries[0]
    assert first.heard_until == first.said == "Hello. Policy number?"
