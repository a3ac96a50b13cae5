"""An agent hands over one form and gets its answers back."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

import pytest

pytest.importorskip("livekit.agents", reason="scripts/adapters has an environment for it")

from livekit.agents import Agent
from pydantic import BaseModel

from tests.adapters.livekit.calls import call, until
from tests.adapters.livekit.conftest import CALLER, CLAIM, GREETING
from turnkeeper.adapters.livekit import DurableFormTask, FormNotCompleted
from turnkeeper.errors import InvalidInput
from turnkeeper.forms import Ask, from_model
from turnkeeper.forms.load import parse_form
from turnkeeper.forms.model import Scalar
from turnkeeper.testing import MemorySessions


class Booking(BaseModel):
    guests: Annotated[int, Ask(prompt="For how many people?")]
    note: Annotated[str | None, Ask(prompt="Anything else?")] = None


class Odd(BaseModel):
    guests: int
    dog: str


class Receptionist(Agent):
    """An agent of somebody's own, which begins with a form and goes on afterwards."""

    def __init__(self, task: Callable[[], Awaitable[object]]) -> None:
        super().__init__(instructions="")
        self._task = task
        self.result: asyncio.Future[object] = asyncio.get_running_loop().create_future()

    async def on_enter(self) -> None:
        try:
            self.result.set_result(await self._task())
        except Exception as error:
            self.result.set_exception(error)
        self.session.say("Back with you.")


@pytest.fixture
def bookings() -> MemorySessions:
    return MemorySessions([from_model(Booking, form="booking", confirm=False, goodbye="Thanks.")])


def claim(
    memory: MemorySessions, form: str = "claim"
) -> Callable[[], DurableFormTask[dict[str, Scalar]]]:
    return lambda: DurableFormTask(memory, form, caller=CALLER)


async def test_the_answers_come_back_and_the_agent_goes_on(memory: MemorySessions) -> None:
    receptionist = Receptionist(claim(memory))
    async with call(receptionist) as phone:
        assert phone.greeting == GREETING
        for words in ("1234", "yes", "Ada"):
            await phone.say(words)
        answers = await asyncio.wait_for(receptionist.result, 5)
        await phone.until_heard("Back with you.")
        assert phone.heard()[-2:] == ["Thank you. Goodbye.", "Back with you."]
        assert phone.session.current_agent is receptionist
    assert answers == {"policy": "1234", "theft": True, "name": "Ada"}


async def test_a_model_gives_a_typed_result(bookings: MemorySessions) -> None:
    def booking() -> DurableFormTask[Booking]:
        return DurableFormTask(bookings, "booking", model=Booking, caller=CALLER)

    receptionist = Receptionist(booking)
    async with call(receptionist) as phone:
        await phone.say("four")
        await phone.say("skip")
        assert await asyncio.wait_for(receptionist.result, 5) == Booking(guests=4)


async def test_answers_that_the_model_refuses_are_an_error(bookings: MemorySessions) -> None:
    def booking() -> DurableFormTask[Odd]:
        return DurableFormTask(bookings, "booking", model=Odd, caller=CALLER)

    receptionist = Receptionist(booking)
    async with call(receptionist) as phone:
        await phone.say("four")
        await phone.say("skip")
        with pytest.raises(InvalidInput, match="dog"):
            await asyncio.wait_for(receptionist.result, 5)


async def test_a_cancelled_form_raises_its_status(memory: MemorySessions) -> None:
    receptionist = Receptionist(claim(memory))
    async with call(receptionist) as phone:
        await phone.say("cancel")
        await phone.say("yes")
        with pytest.raises(FormNotCompleted, match="cancelled") as raised:
            await asyncio.wait_for(receptionist.result, 5)
        await phone.until_heard("Back with you.")
    assert (raised.value.form, raised.value.status) == ("claim", "cancelled")


async def test_a_form_that_is_handed_off_raises_its_status() -> None:
    memory = MemorySessions([parse_form(f"{CLAIM}hand_off: '+14155550199'")])

    receptionist = Receptionist(claim(memory))
    async with call(receptionist) as phone:
        await phone.say("operator")
        with pytest.raises(FormNotCompleted, match="handed off"):
            await asyncio.wait_for(receptionist.result, 5)


async def test_a_form_that_goes_on_on_another_line_ends_the_task(memory: MemorySessions) -> None:
    receptionist = Receptionist(claim(memory))
    async with call(receptionist) as phone:
        elsewhere = await memory.open("claim", CALLER)
        assert elsewhere.leg == 2
        await phone.say("1234")
        with pytest.raises(FormNotCompleted, match="another line") as raised:
            await asyncio.wait_for(receptionist.result, 5)
    assert raised.value.status == "collecting"


async def test_a_form_that_was_submitted_elsewhere_gives_its_answers(
    memory: MemorySessions,
) -> None:
    receptionist = Receptionist(claim(memory))
    async with call(receptionist) as phone:
        by_operator = memory.attach(await memory.session_id("claim", CALLER), 1)
        await by_operator.turn(answers={"policy": "1234", "theft": False, "name": "Ada"})
        await phone.say("hello?")
        answers = await asyncio.wait_for(receptionist.result, 5)
    assert answers == {"policy": "1234", "theft": False, "name": "Ada"}


async def test_a_form_that_no_worker_has_ends_the_task(memory: MemorySessions) -> None:
    receptionist = Receptionist(claim(memory, "no-such-form"))
    async with call(receptionist):
        with pytest.raises(FormNotCompleted, match="UnknownForm"):
            await asyncio.wait_for(receptionist.result, 5)


async def test_a_task_whose_call_ends_goes_on_in_the_next_call(memory: MemorySessions) -> None:
    first = Receptionist(claim(memory))
    async with call(first) as phone:
        await phone.say("1234")
    await until(first.result.done)
    assert first.result.exception() is not None
    second = Receptionist(claim(memory))
    async with call(second) as phone:
        assert phone.greeting.endswith("Was anything stolen?")
    await until(second.result.done)
    assert second.result.exception() is not None
