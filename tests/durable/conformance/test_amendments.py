"""The newest utterance with other words replaces what was understood; an older is a conflict."""

import asyncio

import pytest

from turnkeeper.client import VoiceSessions
from turnkeeper.errors import TurnConflict


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
