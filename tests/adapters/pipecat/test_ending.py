"""How a call ends: by the pipeline, by a transfer, by another call of the caller's."""

import asyncio

import pytest

pytest.importorskip("pipecat", reason="scripts/adapters has an environment for it")

from pipecat.frames.frames import EndFrame

from tests.adapters.pipecat.calls import THEFT, HeldBackend, agent, state_of
from tests.adapters.pipecat.phone import CALLER, GREETING, Phone, until
from turnkeeper.adapters.pipecat import DurableFormProcessor
from turnkeeper.client import VoiceSessions
from turnkeeper.contract import Reply
from turnkeeper.errors import SupersededLeg
from turnkeeper.testing import MemorySessions


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


def transferring(memory: MemorySessions) -> tuple[DurableFormProcessor, list[Reply]]:
    """An agent that can put callers through, and the replies with which it did."""
    put_through: list[Reply] = []

    async def transfer(reply: Reply) -> None:
        put_through.append(reply)

    form = DurableFormProcessor(memory, "claim", caller=CALLER, on_transfer=transfer)
    return form, put_through


async def test_a_caller_is_put_through_when_they_have_heard_it(memory: MemorySessions) -> None:
    form, put_through = transferring(memory)
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
    form, put_through = transferring(memory)
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
