"""A session in a person's hands: it takes no turns, forgets nothing, and goes on when the caller
rings back. In Temporal and in memory."""

import asyncio

import pytest
from temporalio.client import WorkflowFailureError

from tests.durable.conftest import World
from tests.durable.test_renewal import renewed
from turnkeeper.client import VoiceSession, VoiceSessions
from turnkeeper.contract import HandOff
from turnkeeper.errors import SessionClosed, SessionNotFound
from turnkeeper.store import SessionStore
from turnkeeper.temporal import TemporalBackend
from workflows.voice_session import MESSAGES_PER_RUN

CALLER = "+14155550101"


async def refused(session: VoiceSession, words: str = "no") -> str:
    """The status that a turn is refused with."""
    with pytest.raises(SessionClosed) as closed:
        await session.turn(words)
    return closed.value.status


async def test_a_caller_who_asks_for_a_person_is_transferred(anywhere: VoiceSessions) -> None:
    session = await anywhere.open("claim", CALLER)
    await session.turn("4321")
    reply = await session.turn("let me talk to a person", utterance_id="u1")
    assert (reply.status, reply.next, reply.transfer_to) == (
        "handed_off",
        "transfer",
        "claims-desk",
    )
    assert await session.turn("let me talk to a person", utterance_id="u1") == reply
    assert await refused(session) == "handed_off"
    state = await session.state()
    assert (state.status, state.form_answers) == ("handed_off", {"policy": "4321"})
    assert state.turns == 2


async def test_an_operator_hands_a_session_off_once(anywhere: VoiceSessions) -> None:
    session = await anywhere.open("claim", CALLER)
    await session.turn("4321")
    reply = await anywhere.hand_off(session.id, "the caller cries")
    assert (reply.next, reply.transfer_to) == ("transfer", "claims-desk")
    assert reply.say == "One moment, I'll connect you to someone who can help."
    assert await refused(session) == "handed_off"
    assert await session.hand_off() == reply
    assert (await session.state()).turns == 2
    assert (await session.state()).form_answers == {"policy": "4321"}


async def test_a_session_that_is_not_there_is_not_handed_off(anywhere: VoiceSessions) -> None:
    with pytest.raises(SessionNotFound):
        await anywhere.hand_off(await anywhere.session_id("claim", CALLER))


async def test_a_caller_who_rings_back_goes_on_with_the_pending_question(
    anywhere: VoiceSessions,
) -> None:
    first = await anywhere.open("claim", CALLER)
    await first.turn("4321")
    await first.turn("operator")
    again = await anywhere.open("claim", CALLER)
    assert (again.id, again.leg, again.restored) == (first.id, 2, True)
    assert (again.reply.status, again.reply.field) == ("collecting", "theft")
    assert (await again.turn("no")).field == "day"


async def test_a_connect_that_is_sent_again_takes_nothing_back(anywhere: VoiceSessions) -> None:
    session = await anywhere.open("claim", CALLER, connect_id="c1")
    await session.turn("operator")
    again = await anywhere.open("claim", CALLER, connect_id="c1")
    assert again.leg == session.leg
    assert (await session.state()).status == "handed_off"


async def test_a_session_that_is_handed_off_can_be_cancelled(anywhere: VoiceSessions) -> None:
    session = await anywhere.open("claim", CALLER)
    await session.turn("4321")
    await session.hand_off()
    assert (await session.cancel()).status == "cancelled"
    state = await session.state()
    assert (state.status, state.form_answers) == ("cancelled", {"policy": "4321"})
    assert not (await anywhere.open("claim", CALLER)).restored


async def test_half_a_sentence_that_asks_for_a_person_hands_nobody_off_for_good(
    anywhere: VoiceSessions,
) -> None:
    session = await anywhere.open("claim", CALLER)
    await session.turn("4321", utterance_id="u1")
    assert (await session.turn("operator", utterance_id="u2")).next == "transfer"
    reply = await session.turn("operator, no wait, it was not stolen", utterance_id="u2")
    assert reply.status == "collecting"
    assert (await session.state()).turns == 2
    assert (await session.turn("operator", utterance_id="u2")).next == "transfer"
    assert await refused(session) == "handed_off"


async def test_what_an_operator_handed_off_no_amendment_takes_back(
    anywhere: VoiceSessions,
) -> None:
    session = await anywhere.open("claim", CALLER)
    await session.turn("4321", utterance_id="u1")
    await session.hand_off()
    with pytest.raises(Exception, match="already answered") as conflict:
        await session.turn("4322", utterance_id="u1")
    assert type(conflict.value).__name__ == "TurnConflict"
    assert (await session.state()).status == "handed_off"


async def test_a_record_of_the_store_that_is_handed_off_can_be_begun_again(
    anywhere: VoiceSessions,
) -> None:
    store = SessionStore(anywhere)
    record = await store.set("user-42", {"city": "Oslo"})
    await anywhere.hand_off(record.session_id)
    assert await store.delete("user-42")
    assert (await store.set("user-42", {"city": "Bergen"})).form_answers == {"city": "Bergen"}


# --- in Temporal ----------------------------------------------------------------------------------


async def test_the_list_has_it_under_its_status(world: World, sessions: VoiceSessions) -> None:
    session = await sessions.open("claim", CALLER)
    await session.turn("operator")
    async with asyncio.timeout(10):
        while [row.session_id async for row in sessions.list(status="handed_off")] != [session.id]:
            await asyncio.sleep(0.05)


async def test_a_renewed_session_is_still_in_a_persons_hands(
    world: World, sessions: VoiceSessions
) -> None:
    session = await sessions.open("claim", CALLER)
    for number in range(MESSAGES_PER_RUN - 2):
        await session.turn(answers={"policy": f"{number:04}"}, said=f"heard {number}")
    request = HandOff(request_id="h1", reason="once")
    backend = TemporalBackend(world.client, world.settings.task_queue)
    handed = await backend.hand_off(session.id, request)
    await renewed(world, session)

    assert await refused(session) == "handed_off"
    assert await backend.hand_off(session.id, request) == handed
    state, transcript = await session.state(), await session.transcript()
    assert (state.status, state.form_answers) == ("handed_off", {"policy": "0037"})
    assert [entry.heard_until for entry in transcript.entries[:3]] == [
        "heard 0", "heard 1", "heard 2",
    ]  # fmt: skip
    assert (await sessions.open("claim", CALLER)).reply.field == "theft"


async def test_a_session_that_an_operator_cancels_in_temporal_while_handed_off_is_cancelled(
    world: World, sessions: VoiceSessions
) -> None:
    session = await sessions.open("claim", CALLER)
    await session.turn("operator")
    await world.handle(session.id).cancel()
    with pytest.raises(WorkflowFailureError):
        await world.handle(session.id).result()
    assert await refused(session) == "cancelled"
    assert (await session.state()).status == "cancelled"
