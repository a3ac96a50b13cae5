"""A session that is renewed (continue-as-new) forgets nothing that a caller could notice."""

import asyncio

import pytest

from tests.durable.conftest import World
from turnkeeper.client import VoiceSession, VoiceSessions
from turnkeeper.contract import Reply
from turnkeeper.errors import TurnConflict
from turnkeeper.ledger import KEPT_REPLIES
from workflows.voice_session import MESSAGES_PER_RUN


async def renewed(world: World, session: VoiceSession) -> None:
    """Wait until the session goes on in another run than the one it was opened in."""
    async with asyncio.timeout(15):
        while await world.runs(session.id) < 2:
            await asyncio.sleep(0.02)


async def correct(session: VoiceSession, number: int) -> Reply:
    return await session.turn(answers={"policy": f"{number:04}"}, utterance_id=f"u{number}")


async def test_duplicates_and_amendments_are_known_in_the_next_run(
    world: World, sessions: VoiceSessions
) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    replies = [await correct(session, number) for number in range(MESSAGES_PER_RUN - 2)]
    third = replies[3]
    last = await session.turn(answers={"policy": "7777"}, utterance_id="last")
    await renewed(world, session)

    assert await session.turn(answers={"policy": "7777"}, utterance_id="last") == last
    assert await session.turn(answers={"policy": "0003"}, utterance_id="u3") == third
    state = await session.state()
    assert state.turns == MESSAGES_PER_RUN - 1

    amended = await session.turn(answers={"policy": "8888"}, utterance_id="last")
    assert amended.recorded == {"policy": "8888"}
    state = await session.state()
    assert (state.turns, state.form_answers) == (MESSAGES_PER_RUN - 1, {"policy": "8888"})

    with pytest.raises(TurnConflict):
        await session.turn(answers={"policy": "9999"}, utterance_id="u3")
    assert (await session.transcript()).entries[1].utterance_id == "u0"


async def test_a_renewed_session_keeps_its_legs_and_its_form(
    world: World, sessions: VoiceSessions
) -> None:
    session = await sessions.open("claim", caller="+14155550101", transport_id="CA1")
    for number in range(MESSAGES_PER_RUN):
        await correct(session, number)
    await renewed(world, session)
    again = await sessions.open("claim", caller="+14155550101", transport_id="CA2")
    state = await again.state()
    assert (again.leg, again.restored) == (2, True)
    assert [leg.transport_id for leg in state.legs] == ["CA1", "CA2"]
    assert state.definition is not None
    assert state.definition.version == "7"


async def test_no_turn_is_lost_when_several_are_on_their_way_while_it_renews(
    world: World, sessions: VoiceSessions
) -> None:
    opened = await sessions.open("claim", caller="+14155550101")

    async def talk(sender: VoiceSession) -> None:
        for number in range(MESSAGES_PER_RUN // 2):
            await sender.turn(answers={"policy": f"{1000 + number}"})

    await asyncio.gather(*(talk(sessions.attach(opened.id, opened.leg)) for _ in range(6)))
    assert (await opened.state()).turns == 3 * MESSAGES_PER_RUN
    assert await world.runs(opened.id) >= 3


async def test_2500_turns_in_one_session_are_each_applied_once(
    world: World, sessions: VoiceSessions
) -> None:
    """More than Temporal lets one run have (2,000 updates)."""
    session = await sessions.open("claim", caller="+14155550101")
    for number in range(2500):
        await correct(session, number)
    state, transcript = await session.state(), await session.transcript()
    assert state.turns == 2500
    assert state.form_answers == {"policy": "2499"}
    assert transcript.omitted + len(transcript.entries) == 2501
    with pytest.raises(TurnConflict, match="too long ago"):
        await correct(session, 2500 - KEPT_REPLIES - 5)
    assert (await session.state()).turns == 2500


async def test_the_turn_that_ends_a_session_has_its_reply_again_in_whatever_run(
    world: World, sessions: VoiceSessions
) -> None:
    """The last yes is the last message of a run: the next run delivers, and never saw its id."""
    session = await sessions.open("claim", caller="+14155550101")
    for number in range(MESSAGES_PER_RUN - 3):
        await correct(session, number)
    await session.turn(answers={"theft": False, "day": "2026-03-01"})
    ended = await session.turn("yes", utterance_id="fin")
    await world.handle(session.id).result()
    assert await world.runs(session.id) == 2
    assert await session.turn("yes", utterance_id="fin") == ended
