"""The form in the language model's place, in a real pipeline, with sessions in memory."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

pytest.importorskip("pipecat", reason="scripts/adapters has an environment for it")

from pipecat.frames.frames import (
    ClientConnectedFrame,
    EndFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMMessagesAppendFrame,
    LLMRunFrame,
    LLMTextFrame,
)
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.tests.utils import run_test

from tests.adapters.pipecat.phone import CALLER, CLAIM, GREETING, PATIENCE, Phone, until
from turnkeeper.adapters.pipecat import DurableFormProcessor, call
from turnkeeper.adapters.pipecat.refusals import ONE_MOMENT
from turnkeeper.client import VoiceSessions
from turnkeeper.contract import Reply, SessionState, Turn
from turnkeeper.errors import InvalidCaller, SupersededLeg
from turnkeeper.settings import read_settings
from turnkeeper.testing import Clock, MemoryBackend, MemorySessions

THEFT = "Was anything stolen?"
STORY = "What happened?"


@pytest_asyncio.fixture(loop_scope="session")
async def memory() -> AsyncIterator[MemorySessions]:
    async with MemorySessions([CLAIM]) as sessions:
        yield sessions


class HeldBackend(MemoryBackend):
    """Takes a turn only when `free` is set."""

    def __init__(self) -> None:
        super().__init__([CLAIM], Clock(), read_settings())
        self.free = asyncio.Event()
        self.asked = 0

    async def turn(self, session_id: str, turn: Turn) -> Reply:
        self.asked += 1
        await self.free.wait()
        return await super().turn(session_id, turn)


def agent(sessions: VoiceSessions) -> DurableFormProcessor:
    return DurableFormProcessor(
        sessions, "claim", caller=CALLER, transport_id="CA81", interdigit_timeout=0.2
    )


async def state_of(sessions: VoiceSessions) -> SessionState:
    return await sessions.state(await sessions.session_id("claim", CALLER))


# --- in the language model's place ----------------------------------------------------------------


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


# --- the end of a call ----------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["cancelled", "ended"])
async def test_a_pipeline_that_ends_closes_the_leg_and_keeps_the_session(
    memory: MemorySessions, how: str
) -> None:
    async with Phone(agent(memory)) as phone:
        await phone.ring()
        await phone.says("4321")
        if how == "ended":
            await phone.worker.queue_frame(EndFrame())
            await phone.ended()
    state = await state_of(memory)
    assert (state.status, state.legs[0].reason) == ("collecting", "hang_up")


async def test_an_end_waits_for_the_turn_before_it() -> None:
    backend = HeldBackend()
    async with VoiceSessions(backend) as sessions, Phone(agent(sessions)) as phone:
        await phone.ring()
        await phone.speaks("4321")
        await until(lambda: backend.asked == 1)
        await phone.worker.queue_frame(EndFrame())
        asyncio.get_running_loop().call_later(0.2, backend.free.set)
        await phone.ended()
        assert phone.voice.given == [GREETING, THEFT]
        assert (await state_of(sessions)).form_answers == {"policy": "4321"}


async def test_a_caller_is_put_through_when_they_have_heard_it(memory: MemorySessions) -> None:
    put_through: list[Reply] = []

    async def transfer(reply: Reply) -> None:
        put_through.append(reply)

    form = DurableFormProcessor(memory, "claim", caller=CALLER, on_transfer=transfer)
    async with Phone(form) as phone:
        await phone.ring()
        await phone.says("let me talk to a person")
        await until(lambda: bool(put_through))
        assert put_through[0].transfer_to == "claims desk"
        await phone.speaks("Hello?")  # To nobody: the call is no longer ours.
    assert (await state_of(memory)).status == "handed_off"
    assert phone.errors == []


async def test_a_caller_who_speaks_before_they_heard_it_is_put_through_all_the_same(
    memory: MemorySessions,
) -> None:
    put_through: list[Reply] = []

    async def transfer(reply: Reply) -> None:
        put_through.append(reply)

    form = DurableFormProcessor(memory, "claim", caller=CALLER, on_transfer=transfer)
    async with Phone(form) as phone:
        await phone.ring()
        phone.voice.is_slow = True
        await phone.speaks("let me talk to a person")
        await until(lambda: len(phone.voice.given) == 2)
        await phone.speaks("Hello?")
        await until(lambda: bool(put_through))


async def test_without_a_way_to_put_through_the_call_ends(memory: MemorySessions) -> None:
    async with Phone(agent(memory)) as phone:
        await phone.ring()
        await phone.says("let me talk to a person")
        await phone.ended()


async def test_the_older_of_two_calls_is_told_and_ends(memory: MemorySessions) -> None:
    async with Phone(agent(memory)) as phone:
        await phone.ring()
        newer = await memory.open("claim", CALLER)
        assert "another line" in await phone.says("4321")
        await phone.ended()
    assert [type(error.exception) for error in phone.errors] == [SupersededLeg]
    assert (await state_of(memory)).leg == newer.leg
    assert (await state_of(memory)).form_answers == {}


# --- trouble --------------------------------------------------------------------------------------


async def test_words_said_while_the_store_is_away_are_stored_when_it_is_back(
    memory: MemorySessions,
) -> None:
    async with Phone(agent(memory)) as phone:
        await phone.ring()
        with memory.unreachable():
            assert await phone.says("4321") == ONE_MOMENT
            await until(lambda: len(phone.errors) > 1)
        assert await phone.hears() == THEFT
    assert (await state_of(memory)).form_answers == {"policy": "4321"}
    assert (await state_of(memory)).turns == 1


async def test_a_caller_who_rings_while_the_store_is_away_is_no_new_caller(
    memory: MemorySessions,
) -> None:
    session = await memory.open("claim", CALLER)
    await session.turn("4321")
    async with Phone(agent(memory)) as phone:
        with memory.unreachable():
            assert await phone.ring() == ONE_MOMENT
        back = await phone.hears()
    assert back.startswith("Welcome back.")
    assert back.endswith(THEFT)


async def test_a_call_that_ends_while_the_store_is_away_says_so(
    memory: MemorySessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call, "LEAVING_SECONDS", 0.1)
    async with Phone(agent(memory)) as phone:
        await phone.ring()
        with memory.unreachable():
            await phone.says("4321")
            await phone.worker.queue_frame(EndFrame())
            await phone.ended()
    assert "its last words may not be stored" in phone.errors[-1].error


async def test_a_turn_that_is_refused_is_asked_for_again(memory: MemorySessions) -> None:
    async with Phone(agent(memory)) as phone:
        await phone.ring()
        assert await phone.says("one " * 30_000) == f"Sorry, that was too long for me. {GREETING}"
        assert await phone.says("4321") == THEFT


async def test_a_form_that_nobody_has_ends_the_call_with_a_word(memory: MemorySessions) -> None:
    async with Phone(DurableFormProcessor(memory, "nothing", caller=CALLER)) as phone:
        assert "Goodbye" in await phone.ring()
        await phone.ended()
    assert "no worker has a form" in phone.errors[0].error


async def test_no_error_names_the_caller_or_quotes_an_answer(memory: MemorySessions) -> None:
    async with Phone(agent(memory)) as phone:
        await phone.ring()
        with memory.unreachable():
            await phone.says("4321")
        assert await phone.hears() == THEFT
        await memory.open("claim", CALLER)
        await phone.says("no")
        await phone.ended()
    told = " ".join(error.error for error in phone.errors)
    assert CALLER.lstrip("+") not in told
    assert "4321" not in told
