"""Who is it that calls back? The budget outlives calls, processes and runs; nothing leaks."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from tests.chaos.conftest import Processes, processes
from tests.durable.conftest import World, client, server, world
from turnkeeper.client import VoiceSession, VoiceSessions
from turnkeeper.contract import Reply
from turnkeeper.forms.load import parse_form
from turnkeeper.settings import read_settings
from turnkeeper.testing import Clock, MemorySessions
from worker.child import kill_child
from workflows.voice_session import MESSAGES_PER_RUN

__all__ = ["client", "processes", "server", "world"]

INTAKE = """
form: intake
timezone: UTC
resume:
  verify: [date_of_birth, pin]
fields:
  - {name: date_of_birth, type: date, label: date of birth, personal: true, prompt: "Born when?"}
  - {name: pin, type: digits, length: 4, secret: true, prompt: "Your pin?"}
  - {name: complaint, prompt: "What is it?"}
  - {name: seats, type: number, prompt: "How many?"}
"""
CALLER = "+14155550100"
SORRY = "I'm sorry, I can't go on with that. Let me ask you again. Born when?"
SHUT = "I'm sorry, I can't help you with this on this call. Goodbye."
HELD = ("1980-03-05", "4711", "quokka", "sore")


@pytest_asyncio.fixture(loop_scope="session")
async def memory() -> AsyncIterator[MemorySessions]:
    clock = Clock(datetime(2026, 11, 22, 12, tzinfo=UTC))
    async with MemorySessions([parse_form(INTAKE)], clock=clock) as sessions:
        yield sessions


async def opened(sessions: VoiceSessions) -> VoiceSession:
    return await sessions.open("intake", caller=CALLER)


async def filled_in(sessions: VoiceSessions) -> None:
    """Born on the fifth of March 1980, pin 4711, a sore quokka; then the line drops."""
    owner = await opened(sessions)
    await owner.turn("march 5 1980")
    await owner.turn(dtmf="4711")
    await owner.turn("a sore quokka")
    await owner.hang_up()


async def guess(session: VoiceSession, born: str, pin: str) -> Reply:
    await session.turn(born)
    return await session.turn(dtmf=pin)


def tells(text: str) -> set[str]:
    return {held for held in HELD if held in text}


async def test_guessing_is_limited_over_redials_and_killed_workers(processes: Processes) -> None:
    processes.forms = [parse_form(INTAKE)]
    settings = read_settings(task_queue=processes.task_queue, turn_deadline=30)
    at = VoiceSessions.connect(address=processes.server.address, settings=settings)
    async with at as sessions:
        worker = await processes.start_worker()
        await filled_in(sessions)
        stranger = await opened(sessions)
        assert (await guess(stranger, "march 6 1980", "4711")).say == SORRY
        await stranger.turn("march 5 1980")
        await kill_child(worker)
        await processes.start_worker()
        assert (await stranger.turn(dtmf="4712")).say == SORRY
        redial = await opened(sessions)
        assert redial.reply.say.endswith("Born when?")
        assert (await guess(redial, "march 5 1980", "0000")).say == SHUT
    again = VoiceSessions.connect(address=processes.server.address, settings=settings)
    async with again as sessions:
        late = await opened(sessions)
        assert (late.reply.say, late.reply.next) == (SHUT, "hang_up")
        assert (await late.turn("march 5 1980")).say == SHUT
        state = await late.state()
        assert state.verification is not None
        assert (state.verification.pending, state.verification.attempts_left) == (True, 0)


async def test_the_budget_outlives_continue_as_new(world: World) -> None:
    world.forms["intake"] = parse_form(INTAKE)
    async with world.worker(), world.sessions() as sessions:
        await filled_in(sessions)
        stranger = await opened(sessions)
        for _ in range(2):
            assert (await guess(stranger, "march 6 1980", "4711")).say == SORRY
        for _ in range(MESSAGES_PER_RUN):
            await stranger.turn(event="help")
        assert await world.runs(stranger.id) > 1
        assert (await guess(stranger, "march 6 1980", "4711")).say == SHUT
        assert "quokka" not in (await stranger.transcript()).model_dump_json()
        await stranger.hang_up()
        assert "quokka" in (await stranger.transcript()).model_dump_json()


async def test_other_words_of_a_wrong_answer_cost_an_attempt_too(memory: MemorySessions) -> None:
    await filled_in(memory)
    stranger = await opened(memory)
    await stranger.turn("march 5 1980")
    for number, said in enumerate((SORRY, SORRY, SHUT, SHUT)):
        assert (await stranger.turn(dtmf=f"123{number}", utterance_id="same")).say == said
    assert (await stranger.turn(dtmf="4711", utterance_id="same")).say == SHUT


async def test_other_words_cost_an_attempt_though_earlier_failures_no_longer_count(
    memory: MemorySessions,
) -> None:
    await filled_in(memory)
    stranger = await opened(memory)
    await guess(stranger, "march 6 1980", "4711")
    memory.clock.advance(timedelta(hours=25))
    await stranger.turn("march 5 1980")
    for number, said in enumerate((SORRY, SORRY, SHUT, SHUT)):
        memory.clock.advance(timedelta(seconds=1))
        assert (await stranger.turn(dtmf=f"123{number}", utterance_id="same")).say == said


async def test_the_right_words_after_a_speculation_let_the_caller_in(
    memory: MemorySessions,
) -> None:
    await filled_in(memory)
    owner = await opened(memory)
    await owner.turn("march 5 1980")
    assert (await owner.turn("4 7 1 2", utterance_id="same")).say == SORRY
    reply = await owner.turn("4 7 1 1", utterance_id="same")
    assert (reply.field, reply.restored) == ("seats", True)


async def test_an_agent_reads_nothing_that_its_caller_may_not_hear(memory: MemorySessions) -> None:
    await filled_in(memory)
    stranger = await opened(memory)
    for _ in range(2):
        state, transcript = await stranger.state(), await stranger.transcript()
        seen = state.model_dump_json() + transcript.model_dump_json()
        seen += stranger.reply.model_dump_json()
        assert tells(seen) == set()
        assert (state.field, state.progress) == (stranger.reply.field, stranger.reply.progress)
        assert (state.form_answers, state.progress.done) == ({}, 0)
        await guess(stranger, "march 6 1980", "0815")


@pytest.mark.parametrize("anew", [False, True], ids=["at the door", "begun anew"])
async def test_of_earlier_calls_whoever_is_on_the_line_reads_no_time(
    memory: MemorySessions, *, anew: bool
) -> None:
    owner = await memory.open("intake", caller=CALLER, transport_id="CA1", channel="twilio")
    if not anew:
        await owner.turn("march 5 1980")
        await owner.turn(dtmf="4711")
    await owner.turn("a sore quokka")
    await owner.hang_up("drop")
    whole = await memory.state(owner.id)
    memory.clock.advance(timedelta(days=1))
    stranger = await opened(memory)
    now = memory.clock.now
    for _ in range(2):
        state = await stranger.state()
        before, newest = state.legs
        assert (state.created_at, before.opened_at, before.closed_at) == (now, now, now)
        assert before.reason == ""
        assert (before.number, before.transport_id, before.channel) == (1, "CA1", "twilio")
        assert (newest.number, newest.closed_at, state.leg) == (2, None, 2)
        assert state.version > whole.version
        await stranger.turn("march 6 1980")
    await stranger.hang_up()
    state = await memory.state(stranger.id)
    assert (state.created_at, state.legs[0]) == (whole.created_at, whole.legs[0])


async def test_whoever_is_let_in_reads_of_the_calls_before(memory: MemorySessions) -> None:
    await filled_in(memory)
    whole = await memory.state(await memory.session_id("intake", CALLER))
    memory.clock.advance(timedelta(days=1))
    owner = await opened(memory)
    await guess(owner, "march 5 1980", "4711")
    state = await owner.state()
    assert (state.created_at, state.legs[0]) == (whole.created_at, whole.legs[0])


async def test_an_operator_reads_all_but_secrets_when_the_line_is_closed(
    memory: MemorySessions,
) -> None:
    await filled_in(memory)
    stranger = await opened(memory)
    await guess(stranger, "march 6 1980", "4711")
    await stranger.hang_up()
    state = await memory.state(stranger.id)
    assert state.form_answers == {
        "date_of_birth": "1980-03-05", "pin": "***", "complaint": "a sore quokka",
    }  # fmt: skip
    assert state.verification is not None
    assert (state.verification.pending, state.verification.attempts_left) == (True, 2)
    transcript = (await memory.transcript(stranger.id)).model_dump_json()
    assert "4711" not in transcript
    assert "quokka" in transcript


async def test_of_a_form_that_was_sent_whoever_calls_hears_that_alone() -> None:
    async with MemorySessions([parse_form(f"{INTAKE}again: show\n")]) as memory:
        await filled_in(memory)
        owner = await opened(memory)
        await guess(owner, "march 5 1980", "4711")
        await owner.turn("two")
        assert (await owner.turn("yes")).next == "hang_up"
        stranger = await opened(memory)
        assert stranger.reply.say == "This is already done. Goodbye."
        seen = (await stranger.state()).model_dump_json() + stranger.reply.model_dump_json()
        assert tells(seen + (await stranger.transcript()).model_dump_json()) == set()


async def test_whoever_is_let_in_reads_and_hears_it_again(memory: MemorySessions) -> None:
    await filled_in(memory)
    owner = await opened(memory)
    reply = await guess(owner, "the fifth of march 1980", "4711")
    assert "complaint: a sore quokka" in reply.say
    assert "4711" not in reply.say
    state = await owner.state()
    assert state.form_answers["complaint"] == "a sore quokka"
    assert state.verification is not None
    assert not state.verification.pending


async def test_what_is_said_at_a_shut_door_is_kept_no_more_than_at_an_open_one(
    memory: MemorySessions,
) -> None:
    await filled_in(memory)
    stranger = await opened(memory)
    for _ in range(3):
        await guess(stranger, "march 6 1980", "0815")
    redial = await opened(memory)
    for words in ("four seven one one", "it is 4711", "I said it"):
        assert (await redial.turn(words)).say == SHUT
        last = (await redial.state()).last_turn
        assert last is not None
        assert last.heard == "***"
    await redial.hang_up()
    kept = (await redial.transcript()).model_dump_json()
    assert not any(words in kept for words in ("four seven", "4711", "I said"))


async def test_the_guard_stands_for_as_long_as_turns_are_taken_whatever_was_reported(
    memory: MemorySessions,
) -> None:
    await filled_in(memory)
    stranger = await opened(memory)
    await stranger.hang_up("drop")
    await stranger.turn("march 6 1980")
    assert tells((await stranger.state()).model_dump_json()) == set()
    memory.clock.advance(timedelta(days=8))
    state = await stranger.state()
    assert state.status == "abandoned"
    assert state.form_answers == {}


@pytest.mark.parametrize("how", ["nothing to compare", "start over"])
async def test_where_a_form_begins_anew_whoever_calls_reads_nothing_of_before(
    memory: MemorySessions, how: str
) -> None:
    owner = await opened(memory)
    await owner.turn("march 5 1980")
    if how == "start over":
        await owner.turn(dtmf="4711")
        await owner.turn("a sore quokka")
        await owner.turn(event="start_over")
        await owner.turn("yes")
    await owner.hang_up()
    stranger = await opened(memory)
    state, transcript = await stranger.state(), await stranger.transcript()
    assert tells(state.model_dump_json() + transcript.model_dump_json()) == set()
    assert (state.discarded, state.last_turn, len(transcript.entries)) == ((), None, 1)
    await stranger.turn("march 6 1980")
    assert len((await stranger.transcript()).entries) == 2
    await stranger.hang_up()
    assert tells((await stranger.state()).model_dump_json()) >= {"1980-03-05"}


async def test_an_operator_unlocks_what_was_handed_off_when_no_attempt_was_left() -> None:
    kind = INTAKE.replace("resume:", "hand_off: desk\nresume:\n  attempts: 1\n  then: hand_off")
    async with MemorySessions([parse_form(kind)]) as memory:
        await filled_in(memory)
        stranger = await opened(memory)
        assert (await guess(stranger, "march 6 1980", "4711")).next == "transfer"
        await memory.hand_off(stranger.id)
        verification = (await memory.state(stranger.id)).verification
        assert verification is not None
        assert verification.attempts_left == 0
        assert (await memory.hand_off(stranger.id, unlock=True)).status == "handed_off"
        owner = await opened(memory)
        assert (await guess(owner, "march 5 1980", "4711")).field == "seats"


async def test_a_stranger_takes_no_form_out_of_a_persons_hands(memory: MemorySessions) -> None:
    await filled_in(memory)
    owner = await opened(memory)
    await memory.hand_off(owner.id)
    await owner.hang_up()
    stranger = await opened(memory)
    assert (await stranger.state()).status == "collecting"
    await guess(stranger, "march 6 1980", "4711")
    await stranger.turn("march 5 1980", utterance_id="same")
    await stranger.turn("march 6 1980", utterance_id="same")
    await stranger.hang_up()
    assert (await memory.state(stranger.id)).status == "handed_off"
    owner = await opened(memory)
    assert (await guess(owner, "march 5 1980", "4711")).field == "seats"
    assert (await memory.state(owner.id)).status == "collecting"


async def test_a_day_later_the_owner_gets_in_after_all(memory: MemorySessions) -> None:
    await filled_in(memory)
    stranger = await opened(memory)
    for _ in range(3):
        await guess(stranger, "march 6 1980", "4711")
    assert stranger.reply.say == SHUT
    memory.clock.advance(timedelta(hours=24))
    owner = await opened(memory)
    assert (await guess(owner, "march 5 1980", "4711")).field == "seats"


@pytest.mark.parametrize("event", ["start_over", "cancel"])
async def test_a_stranger_takes_nothing_away(memory: MemorySessions, event: str) -> None:
    await filled_in(memory)
    stranger = await opened(memory)
    await stranger.turn(event=event)  # type: ignore[arg-type] # both are events
    await stranger.hang_up()
    owner = await opened(memory)
    assert (await guess(owner, "march 5 1980", "4711")).field == "seats"
