"""A store out of reach, a turn that is refused, a form that nobody has: the caller hears a word."""

import pytest

pytest.importorskip("pipecat", reason="scripts/adapters has an environment for it")

from pipecat.frames.frames import EndFrame

from tests.adapters.pipecat.calls import THEFT, agent, state_of
from tests.adapters.pipecat.phone import CALLER, GREETING, Phone, until
from turnkeeper.adapters.pipecat import DurableFormProcessor, call
from turnkeeper.adapters.pipecat.refusals import ONE_MOMENT
from turnkeeper.testing import MemorySessions


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
