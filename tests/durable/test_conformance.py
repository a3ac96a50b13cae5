"""Sessions behave the same wherever they live: in Temporal, and in memory for agents' own tests.

A turn is applied once, one at a time, by the newest leg of the session that it belongs to.
"""

import asyncio
from datetime import date
from typing import Any, cast

import pytest
import pytest_asyncio

from turnkeeper.client import VoiceSession, VoiceSessions
from turnkeeper.contract import MAX_TURN_BYTES, Put, Reply
from turnkeeper.errors import (
    InvalidInput,
    SessionClosed,
    SessionNotFound,
    StaleWrite,
    SupersededLeg,
    TurnConflict,
    TurnTooLarge,
)
from turnkeeper.store import SessionStore


@pytest_asyncio.fixture(loop_scope="session")
async def sessions(anywhere: VoiceSessions) -> VoiceSessions:
    return anywhere


async def completed(sessions: VoiceSessions, caller: str = "+14155550101") -> VoiceSession:
    """A session that has come to its end, with the turn `fin`."""
    session = await sessions.open("claim", caller=caller)
    await session.turn(answers={"policy": "4321", "theft": False, "day": "2026-03-01"})
    await session.turn("yes", utterance_id="fin")
    return session


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


async def test_a_turn_that_is_too_large_is_not_sent(sessions: VoiceSessions) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    with pytest.raises(TurnTooLarge, match="over the limit"):
        await session.turn("x" * (MAX_TURN_BYTES + 1))
    assert (await session.turn("4321")).recorded == {"policy": "4321"}


# --- one session ends, the caller begins another --------------------------------------------------


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


# --- amendments -----------------------------------------------------------------------------------


async def test_an_utterance_that_goes_back_to_its_first_words_means_them(
    sessions: VoiceSessions,
) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    for words in ("4321", "4322", "4321", "4321"):
        reply = await session.turn(words, utterance_id="u1")
        assert reply.recorded == {"policy": words}
        state = await session.state()
        assert (state.form_answers, state.turns) == ({"policy": words}, 1)


async def test_an_utterance_goes_back_to_its_first_words_whichever_process_sends_them(
    sessions: VoiceSessions,
) -> None:
    """As gateways do that keep nothing between two requests."""
    opened = await sessions.open("claim", caller="+14155550101")
    for words in ("4321", "4322", "4321", "4321", "4322"):
        elsewhere = sessions.attach(opened.id, opened.leg, opened.epoch)
        reply = await elsewhere.turn(words, utterance_id="u1")
        assert reply.recorded == {"policy": words}
        state = await opened.state()
        assert (state.form_answers, state.turns) == ({"policy": words}, 1)
    assert (await opened.turn("4322", utterance_id="u1")) == reply
    assert len((await opened.transcript()).entries) == 2


async def test_a_posted_utterance_goes_back_to_its_first_words(sessions: VoiceSessions) -> None:
    opened = await sessions.open("claim", caller="+14155550101")
    for words in ("4321", "4322", "4321"):
        elsewhere = sessions.attach(opened.id, opened.leg, opened.epoch)
        await elsewhere.post_turn(words, utterance_id="u1")
        async with asyncio.timeout(10):
            while (await opened.state()).form_answers != {"policy": words}:
                await asyncio.sleep(0.01)


async def test_a_finished_session_answers_the_words_that_its_last_turn_had_first(
    sessions: VoiceSessions,
) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    await session.turn(answers={"policy": "4321", "theft": False, "day": "2026-03-01"})
    first = await session.turn("well", utterance_id="fin")
    await session.turn("yes", utterance_id="fin")
    assert await session.turn("well", utterance_id="fin") == first
    assert (await session.state()).status == "completed"


async def test_an_amended_state_has_a_version_of_its_own(sessions: VoiceSessions) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    await session.turn("4321", utterance_id="u1")
    first = (await session.state()).version
    await session.turn("4322", utterance_id="u1")
    assert (await session.state()).version > first


async def test_a_reply_is_looked_up_on_its_own_leg(sessions: VoiceSessions) -> None:
    first = await sessions.open("claim", caller="+14155550101")
    await first.turn("4321", utterance_id="1")
    second = await sessions.open("claim", caller="+14155550101")
    assert await second.reply_to("1") is None


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


# --- the store ------------------------------------------------------------------------------------


async def test_a_put_that_is_sent_again_is_one_write(sessions: VoiceSessions) -> None:
    store = SessionStore(sessions)
    record = await store.set("user-42", {"city": "Oslo"})
    put = Put(request_id="r1", version=record.version, form_answers={"city": "Bergen"})
    first = await sessions.put(record.session_id, put)
    assert (await sessions.put(record.session_id, put)).version == first.version


async def test_a_refused_write_spoils_nobody_elses(sessions: VoiceSessions) -> None:
    store = SessionStore(sessions)
    record = await store.set("user-42", {"city": "Oslo"})
    with pytest.raises(StaleWrite):
        await store.set("user-42", {"city": "Lost"})
    assert (await store.set("user-42", {"city": "Bergen"}, version=record.version)).version
    assert await store.get("nobody") is None


async def test_a_record_that_is_too_large_is_not_sent(sessions: VoiceSessions) -> None:
    store = SessionStore(sessions)
    with pytest.raises(TurnTooLarge):
        await store.set("user-42", {"all": "x" * 300_000})
    assert await store.get("user-42") is None


# --- what cannot be sent --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        {"event": "bogus"},
        {"answers": {"day": date(2026, 3, 1)}},
        {"answers": {"policy": float("inf")}},
        {"text": "half a \ud83d"},
        {"utterance_id": "u" * 201},
    ],
)
async def test_what_cannot_be_sent_is_refused_without_being_quoted(
    sessions: VoiceSessions, content: dict[str, object]
) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    with pytest.raises(InvalidInput) as refused:
        await session.turn(**cast(Any, content))
    assert "2026" not in str(refused.value)
    assert (await session.turn("4321")).recorded == {"policy": "4321"}


async def test_a_transport_id_that_is_too_long_opens_nothing(sessions: VoiceSessions) -> None:
    with pytest.raises(InvalidInput):
        await sessions.open("claim", caller="+14155550101", transport_id="x" * 100_000)
    with pytest.raises(SessionNotFound):
        await sessions.state(await sessions.session_id("claim", "+14155550101"))


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
