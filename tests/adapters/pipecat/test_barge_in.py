"""Callers who speak too early: what was guessed of their words, and what was not heard out."""

import pytest

pytest.importorskip("pipecat", reason="scripts/adapters has an environment for it")

from pipecat.frames.frames import LLMRunFrame

from tests.adapters.pipecat.calls import STORY, THEFT, HeldBackend, agent, state_of
from tests.adapters.pipecat.phone import CALLER, GREETING, Phone, until
from turnkeeper.client import VoiceSessions
from turnkeeper.testing import MemorySessions

# --- speculation ----------------------------------------------------------------------------------


async def test_a_speculation_that_is_dropped_stores_nothing(memory: MemorySessions) -> None:
    async with Phone(agent(memory)) as phone:
        await phone.ring()
        await phone.begins()
        await phone.pauses("1111")
        await phone.resumes()
        await phone.goes_on("4321")
        assert await phone.hears() == THEFT
    transcript = await memory.transcript(await memory.session_id("claim", CALLER))
    assert [entry.heard for entry in transcript.entries] == ["", "4321"]


async def test_a_speculation_that_holds_is_one_turn(memory: MemorySessions) -> None:
    async with Phone(agent(memory)) as phone:
        await phone.ring()
        await phone.begins()
        await phone.pauses("4321")
        await phone.goes_on("4321")
        assert await phone.hears() == THEFT
        assert await phone.says("no") == STORY
    assert (await state_of(memory)).turns == 2


async def test_a_speculation_on_other_words_than_the_final_ones_stores_nothing(
    memory: MemorySessions,
) -> None:
    async with Phone(agent(memory)) as phone:
        await phone.ring()
        await phone.begins()
        await phone.pauses("1111")
        await phone.goes_on("4321")
        assert await phone.hears() == THEFT
    assert (await state_of(memory)).form_answers == {"policy": "4321"}
    assert (await state_of(memory)).turns == 1


# --- barge-in -------------------------------------------------------------------------------------


async def interrupted(backend: HeldBackend, first: str, then: str) -> tuple[str, list[str]]:
    """The caller says `then` while the turn of `first` is on its way: what they hear, and what was
    said at all."""
    async with VoiceSessions(backend) as sessions, Phone(agent(sessions)) as phone:
        await phone.ring()
        await phone.speaks(first)
        await until(lambda: backend.asked == 1)
        await phone.speaks(then)
        await until(lambda: phone.texts("user") == [first, then])
        backend.free.set()
        return await phone.hears(), phone.voice.given


async def test_a_barge_in_while_a_turn_is_on_its_way_stops_its_reply_and_not_the_turn() -> None:
    backend = HeldBackend()
    assert await interrupted(backend, "4321", "hm") == (THEFT, [GREETING, THEFT])
    state = await state_of(VoiceSessions(backend))
    assert (state.form_answers, state.turns) == ({"policy": "4321"}, 1)


async def test_words_in_two_pieces_are_one_answer() -> None:
    backend = HeldBackend()
    await interrupted(backend, "four three", "two one")
    state = await state_of(VoiceSessions(backend))
    assert (state.form_answers, state.turns) == ({"policy": "4321"}, 1)


async def test_words_that_would_undo_the_answer_before_them_are_a_turn_of_their_own() -> None:
    backend = HeldBackend()
    said, _ = await interrupted(backend, "4321", "5555")
    assert said.endswith(THEFT)
    state = await state_of(VoiceSessions(backend))
    assert (state.form_answers, state.turns) == ({"policy": "4321"}, 2)


async def test_a_turn_in_pieces_after_a_reply_was_heard_is_two_turns(
    memory: MemorySessions,
) -> None:
    async with Phone(agent(memory)) as phone:
        await phone.ring()
        phone.voice.holds_on = 1
        assert await phone.says("4321") == THEFT
        assert await phone.says("no") == STORY
    assert (await state_of(memory)).turns == 2


async def test_a_reply_that_nobody_heard_is_said_again(memory: MemorySessions) -> None:
    async with Phone(agent(memory)) as phone:
        await phone.ring()
        phone.voice.is_slow = True
        await phone.speaks("4321")
        await until(lambda: len(phone.voice.given) == 2)
        await phone.begins()  # And says nothing: a cough.
        phone.voice.is_slow = False
        await phone.worker.queue_frame(LLMRunFrame())
        assert await phone.hears() == THEFT
    assert (await state_of(memory)).turns == 1


async def test_what_was_heard_of_an_interrupted_reply_is_recorded(memory: MemorySessions) -> None:
    async with Phone(agent(memory)) as phone:
        await phone.ring()
        phone.voice.holds_on = 2
        assert await phone.says("4321") == THEFT
        phone.voice.holds_on = None
        await phone.begins()
        await until(lambda: phone.texts("assistant")[-1:] == ["Was anything"])
        await phone.goes_on("no")
        assert await phone.hears() == STORY
    transcript = await memory.transcript(await memory.session_id("claim", CALLER))
    assert [entry.heard_until for entry in transcript.entries] == [None, "Was anything", None]
