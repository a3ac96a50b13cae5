"""The form in the language model's place, in a real pipeline, with sessions in memory."""

import pytest

pytest.importorskip("pipecat", reason="scripts/adapters has an environment for it")

from pipecat.frames.frames import (
    ClientConnectedFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMMessagesAppendFrame,
    LLMRunFrame,
    LLMTextFrame,
)
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.tests.utils import run_test

from tests.adapters.pipecat.calls import STORY, THEFT, agent, state_of
from tests.adapters.pipecat.phone import CALLER, GREETING, PATIENCE, Phone, until
from turnkeeper.adapters.pipecat import DurableFormProcessor
from turnkeeper.errors import InvalidCaller
from turnkeeper.testing import MemorySessions

# --- contexts -------------------------------------------------------------------------------------


async def test_a_caller_fills_the_form_and_the_pipeline_ends(memory: MemorySessions) -> None:
    async with Phone(agent(memory)) as phone:
        assert await phone.ring() == GREETING
        assert await phone.says("four three two one") == THEFT
        assert await phone.says("no") == STORY
        assert await phone.says("A stone hit the glass.") == "Thank you. Goodbye."
        await phone.ended()
    assert memory.delivered[0].answers == {
        "policy": "4321", "theft": False, "story": "A stone hit the glass.",
    }  # fmt: skip
    assert (await state_of(memory)).legs[0].transport_id == "CA81"


async def test_a_context_is_answered_by_the_frames_of_a_language_model(
    memory: MemorySessions,
) -> None:
    context = LLMContext()
    context.add_message({"role": "user", "content": "4321"})
    down, _ = await run_test(
        agent(memory),
        frames_to_send=[LLMContextFrame(context)],
        start_timeout=PATIENCE,
        expected_down_frames=[
            LLMFullResponseStartFrame, LLMTextFrame, LLMFullResponseEndFrame,
        ],
    )  # fmt: skip
    assert isinstance(down[1], LLMTextFrame)
    assert down[1].text == THEFT


async def test_the_same_context_again_gets_the_same_reply_and_no_other_turn(
    memory: MemorySessions,
) -> None:
    context = LLMContext()
    context.add_message({"role": "user", "content": "4321"})
    async with Phone(agent(memory)) as phone:
        await phone.ring()
        for _ in range(2):
            await phone.worker.queue_frame(LLMContextFrame(context))
            assert await phone.hears() == THEFT
    assert (await state_of(memory)).turns == 1


async def test_words_whose_own_frame_was_lost_are_a_turn_all_the_same(
    memory: MemorySessions,
) -> None:
    context = LLMContext()
    async with Phone(agent(memory)) as phone:
        await phone.ring()
        context.add_message({"role": "user", "content": "4321"})
        context.add_message({"role": "user", "content": "5555"})
        await phone.worker.queue_frame(LLMContextFrame(context))
        assert (await phone.hears()).endswith(THEFT)
    assert (await state_of(memory)).form_answers == {"policy": "4321"}


async def test_what_a_context_held_before_the_call_is_no_turn_of_it(memory: MemorySessions) -> None:
    messages = [{"role": "user", "content": "1111"}, {"role": "assistant", "content": "Right."}]
    async with Phone(agent(memory), messages) as phone:
        await phone.ring()
        assert await phone.says("4321") == THEFT
    assert (await state_of(memory)).form_answers == {"policy": "4321"}
    assert (await state_of(memory)).turns == 1


# --- how a call begins ----------------------------------------------------------------------------


async def test_a_transport_that_pushes_no_connected_frame_begins_with_a_run(
    memory: MemorySessions,
) -> None:
    async with Phone(agent(memory)) as phone:
        await phone.worker.queue_frame(LLMRunFrame())
        assert await phone.hears() == GREETING


async def test_connected_and_run_together_greet_once(memory: MemorySessions) -> None:
    async with Phone(agent(memory)) as phone:
        await phone.worker.queue_frame(LLMRunFrame())
        assert await phone.ring() == GREETING
        assert await phone.says("4321") == THEFT
        assert phone.voice.given == [GREETING, THEFT]
    assert len((await state_of(memory)).legs) == 1


async def test_a_client_who_is_told_of_after_the_run_is_greeted_once(
    memory: MemorySessions,
) -> None:
    async with Phone(agent(memory)) as phone:
        phone.voice.is_slow = True
        await phone.worker.queue_frame(LLMRunFrame())
        await until(lambda: phone.voice.given == [GREETING])
        await phone.worker.queue_frame(ClientConnectedFrame())
        phone.voice.is_slow = False
        assert await phone.says("4321") == THEFT
    assert len((await state_of(memory)).legs) == 1


async def test_a_run_because_nobody_speaks_is_a_noinput(memory: MemorySessions) -> None:
    async with Phone(agent(memory)) as phone:
        await phone.ring()
        await phone.worker.queue_frame(
            LLMMessagesAppendFrame(
                [{"role": "developer", "content": "Nobody spoke."}], run_llm=True
            )
        )
        assert "Four digits please." in await phone.hears()


async def test_a_second_client_is_a_second_leg_and_hears_the_pending_question(
    memory: MemorySessions,
) -> None:
    async with Phone(agent(memory)) as phone:
        await phone.ring()
        await phone.says("4321")
        assert (await phone.ring()).startswith("Welcome back.")
    assert (await state_of(memory)).leg == 2


async def test_the_caller_may_be_known_only_when_they_are_there(memory: MemorySessions) -> None:
    numbers: list[str] = []
    form = DurableFormProcessor(memory, "claim", caller=lambda: numbers[0])
    async with Phone(form) as phone:
        numbers.append(CALLER)
        assert await phone.ring() == GREETING
    assert (await state_of(memory)).leg == 1


def test_a_withheld_number_is_refused_before_the_call(memory: MemorySessions) -> None:
    with pytest.raises(InvalidCaller, match="pass an id of your own"):
        DurableFormProcessor(memory, "claim", caller="anonymous")


# --- keys -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", ["4321", "4321#"])
async def test_enough_keys_are_an_entry(memory: MemorySessions, keys: str) -> None:
    async with Phone(agent(memory)) as phone:
        await phone.ring()
        await phone.presses(keys)
        assert await phone.hears() == THEFT


async def test_a_pause_ends_an_entry(memory: MemorySessions) -> None:
    async with Phone(agent(memory)) as phone:
        await phone.ring()
        await phone.presses("432")
        assert await phone.hears() != THEFT
    transcript = await memory.transcript(await memory.session_id("claim", CALLER))
    assert transcript.entries[-1].heard == "432"


async def test_the_hash_behind_a_full_entry_is_no_entry(memory: MemorySessions) -> None:
    async with Phone(agent(memory)) as phone:
        await phone.ring()
        await phone.presses("4321#")
        assert await phone.hears() == THEFT
        await phone.presses("2#")
        assert await phone.hears() == STORY
    assert (await state_of(memory)).turns == 2


async def test_the_first_key_stops_the_voice(memory: MemorySessions) -> None:
    async with Phone(agent(memory)) as phone:
        phone.voice.holds_on = 1
        await phone.ring()
        phone.voice.holds_on = None
        await phone.presses("4321")
        assert await phone.hears() == THEFT


async def test_keys_pressed_before_a_hang_up_are_stored(memory: MemorySessions) -> None:
    form = DurableFormProcessor(memory, "claim", caller=CALLER, interdigit_timeout=60)
    async with Phone(form) as phone:
        await phone.ring()
        await phone.says("4321")
        await phone.presses("2#")
        await phone.hears()
        await phone.presses("12")
    transcript = await memory.transcript(await memory.session_id("claim", CALLER))
    assert transcript.entries[-1].heard == "12"
