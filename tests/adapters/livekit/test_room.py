"""Calls that come in through a room: who calls, what they key, how they leave."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

pytest.importorskip("livekit.agents", reason="scripts/adapters has an environment for it")

from livekit.agents import AgentSession
from livekit.agents.voice.events import CloseReason

from tests.adapters.livekit.calls import Call, impatient, until
from tests.adapters.livekit.conftest import GREETING
from tests.adapters.livekit.room import WITHOUT_MEDIA, Participant, Room, browser, phone
from turnkeeper.adapters.livekit import DurableFormAgent
from turnkeeper.adapters.livekit.line import Caller
from turnkeeper.contract import SessionState
from turnkeeper.testing import MemorySessions

ADA = "+14155550100"


@dataclass
class RoomCall(Call):
    """A call with its room, and the caller in it."""

    room: Room
    agent: DurableFormAgent

    async def state(self) -> SessionState:
        assert self.agent.form_session is not None
        return await self.agent.form_session.state()


@asynccontextmanager
async def ringing(
    memory: MemorySessions,
    caller: Participant,
    who: Caller | None = None,
    interdigit_timeout: float = 30.0,
) -> AsyncIterator[RoomCall]:
    """A call from a participant, until the end of the block."""
    agent = DurableFormAgent(
        memory,
        "claim",
        caller=who,
        noinput_timeout=None,
        interdigit_timeout=interdigit_timeout,
    )
    room, session = Room(), impatient()
    room.join(caller)
    closed = asyncio.get_running_loop().create_future()
    session.once("close", closed.set_result)
    async with session:
        await start(session, agent, room)
        call = RoomCall(session, GREETING, closed, room, agent)
        await until(call.heard)
        yield call


async def start(session: AgentSession[None], agent: DurableFormAgent, room: Room) -> None:
    await session.start(agent, room=room, room_options=WITHOUT_MEDIA)


@pytest.mark.parametrize(
    ("participant", "caller"),
    [
        (phone("+1 415 555 0100"), ADA),
        (browser("user-42"), "user-42"),
        (phone("anonymous", "SCL_7"), "call-SCL_7"),
        (phone("", "SCL_8"), "call-SCL_8"),
    ],
    ids=["a phone number", "an identity", "a withheld number", "a hidden number"],
)
async def test_who_calls_is_told_by_the_participant(
    memory: MemorySessions, participant: Participant, caller: str
) -> None:
    async with ringing(memory, participant) as call:
        assert (await call.state()).session_id == await memory.session_id("claim", caller)


async def test_two_callers_who_withhold_their_number_do_not_share_a_form(
    memory: MemorySessions,
) -> None:
    async with ringing(memory, phone("anonymous", "SCL_1")) as first:
        await first.say("1234")
    async with ringing(memory, phone("anonymous", "SCL_2")) as second:
        assert second.heard() == [GREETING]


async def test_a_callable_tells_who_calls(memory: MemorySessions) -> None:
    async with ringing(memory, browser("ada"), lambda one: f"{one.identity}-7") as call:
        assert (await call.state()).session_id == await memory.session_id("claim", "ada-7")


async def test_the_leg_is_named_by_the_call_and_not_by_a_number(memory: MemorySessions) -> None:
    async with ringing(memory, phone(ADA, "SCL_3")) as call:
        assert (await call.state()).legs[-1].transport_id == "SCL_3"


async def test_keys_are_an_answer_when_there_are_enough(memory: MemorySessions) -> None:
    caller = phone(ADA)
    async with ringing(memory, caller) as call:
        call.room.press(caller, "1234")
        await call.until_heard("Was anything stolen?")
        assert (await call.state()).form_answers == {"policy": "1234"}


async def test_a_hash_ends_the_keys(memory: MemorySessions) -> None:
    caller = phone(ADA)
    async with ringing(memory, caller) as call:
        call.room.press(caller, "12#")
        await until(lambda: len(call.heard()) == 2)
        assert (await call.state()).turns == 1
        assert (await call.state()).form_answers == {}


async def test_a_hash_behind_a_full_answer_is_no_silence(memory: MemorySessions) -> None:
    caller = phone(ADA)
    async with ringing(memory, caller) as call:
        call.room.press(caller, "1234#")
        await call.until_heard("Was anything stolen?")
        call.room.press(caller, "1#")
        await call.until_heard("What is your name?")
        assert (await call.state()).turns == 2


async def test_a_pause_ends_the_keys(memory: MemorySessions) -> None:
    caller = phone(ADA)
    async with ringing(memory, caller, interdigit_timeout=0.05) as call:
        call.room.press(caller, "12")
        await until(lambda: len(call.heard()) == 2)
        assert (await call.state()).turns == 1


async def test_keys_of_somebody_else_in_the_room_are_no_answer(memory: MemorySessions) -> None:
    caller, other = phone(ADA), browser("supervisor")
    async with ringing(memory, caller) as call:
        call.room.join(other)
        call.room.press(other, "9999")
        call.room.press(None, "8888")
        call.room.press(caller, "1234")
        await call.until_heard("Was anything stolen?")
        assert (await call.state()).form_answers == {"policy": "1234"}
        assert (await call.state()).turns == 1


async def test_keys_that_the_store_did_not_take_are_not_lost(memory: MemorySessions) -> None:
    caller = phone(ADA)
    async with ringing(memory, caller) as call:
        failures: list[object] = []
        call.session.on("error", failures.append)
        with memory.unreachable():
            call.room.press(caller, "1234")
            await until(lambda: failures)
        await call.until_heard("Was anything stolen?")


async def test_a_caller_who_leaves_the_room_hangs_up(memory: MemorySessions) -> None:
    caller = phone(ADA)
    async with ringing(memory, caller) as call:
        call.room.leave(caller)
        closed = await asyncio.wait_for(call.closed, 5)
        leg = (await call.state()).legs[-1]
    assert closed.reason is CloseReason.PARTICIPANT_DISCONNECTED
    assert leg.closed_at is not None
