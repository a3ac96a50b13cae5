"""A durable form as the nodes of a flow: Pipecat's own FlowManager, a language model by script."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

pytest.importorskip("pipecat", reason="scripts/adapters has an environment for it")

from pipecat.flows import FlowManager
from pipecat.frames.frames import (
    Frame,
    FunctionCallFromLLM,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
)
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.llm_service import LLMService

from tests.adapters.pipecat.phone import CALLER, CLAIM, Phone, until
from turnkeeper.adapters.pipecat import DurableFlow
from turnkeeper.client import VoiceSessions
from turnkeeper.contract import Reply, Turn
from turnkeeper.errors import StoreUnavailable
from turnkeeper.forms.model import Scalar
from turnkeeper.settings import read_settings
from turnkeeper.testing import Clock, MemoryBackend, MemorySessions

pytestmark = pytest.mark.filterwarnings(  # Pipecat's own actions are so.
    "ignore:(Single-argument .legacy. action handlers|`async def handler.action.`)"
    ":DeprecationWarning"
)

Values = Mapping[str, Scalar | None]
Calls = Sequence[tuple[str, Values]]

READ_BACK = CLAIM.model_copy(update={"confirm": True})


class ScriptedLLM(LLMService):
    """A language model that says the pending question, and calls functions as it was told to."""

    def __init__(self) -> None:
        super().__init__()
        self.tasks: list[str] = []
        self.results: list[str] = []
        self.next_calls: list[Calls] = []

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        messages = [m for m in frame.context.get_messages() if isinstance(m, dict)]
        self.results = [str(m["content"]) for m in messages if m["role"] in ("tool", "developer")]
        await self.push_frame(LLMFullResponseStartFrame())
        if messages[-1]["role"] == "user" and self.next_calls:
            await self._call(self.next_calls.pop(0), frame.context)
        else:
            self.tasks = [str(m["content"]) for m in messages if m["role"] == "developer"]
            await self.push_frame(LLMTextFrame(self.tasks[-1].splitlines()[0]))
        await self.push_frame(LLMFullResponseEndFrame())

    async def _call(self, calls: Calls, context: LLMContext) -> None:
        await self.run_function_calls(
            [
                FunctionCallFromLLM(name, f"call-{index}-{len(self.results)}", values, context)
                for index, (name, values) in enumerate(calls)
            ]
        )


@pytest_asyncio.fixture(loop_scope="session")
async def memory() -> AsyncIterator[MemorySessions]:
    async with MemorySessions([READ_BACK]) as sessions:
        yield sessions


@asynccontextmanager
async def flowing(flow: DurableFlow, llm: ScriptedLLM) -> AsyncIterator[Phone]:
    async with Phone(llm) as phone:
        manager = FlowManager(worker=phone.worker, llm=llm, context_aggregator=phone.aggregators)
        await manager.initialize(flow.node())
        yield phone


def records(**answers: Scalar | None) -> Calls:
    return [("record_answers", answers)]


async def test_a_model_fills_the_form_and_the_flow_ends(memory: MemorySessions) -> None:
    llm, session = ScriptedLLM(), await memory.open("claim", CALLER)
    async with flowing(await DurableFlow.of(session), llm) as phone:
        assert "Hello. Policy number?" in await phone.hears()
        llm.next_calls = [
            records(policy="4321", theft=True),
            records(theft=False, story="A stone hit the glass."),
            [("confirm", {"yes": True})],
        ]
        assert "What happened?" in await phone.says("It is 4321, and yes, it was stolen.")
        assert "is that right" in (await phone.says("I mean no. A stone hit the glass.")).lower()
        assert "Thank you. Goodbye." in await phone.says("Yes.")
        await phone.ended()
    assert memory.delivered[0].answers == {
        "policy": "4321", "theft": False, "story": "A stone hit the glass.",
    }  # fmt: skip


async def test_a_new_call_begins_with_the_pending_question(memory: MemorySessions) -> None:
    await (await memory.open("claim", CALLER)).turn(answers={"policy": "4321"})
    session = await memory.open("claim", CALLER)
    async with flowing(await DurableFlow.of(session), ScriptedLLM()) as phone:
        said = await phone.hears()
    assert "Welcome back." in said
    assert "Was anything stolen?" in said


async def test_a_value_that_is_refused_is_told_to_the_model_and_asked_for_again(
    memory: MemorySessions,
) -> None:
    llm, session = ScriptedLLM(), await memory.open("claim", CALLER)
    async with flowing(await DurableFlow.of(session), llm) as phone:
        await phone.hears()
        llm.next_calls = [records(policy="43")]
        assert "digits" in await phone.says("It is 43.")
    assert (await session.state()).form_answers == {}


async def test_functions_called_at_once_lose_nothing(memory: MemorySessions) -> None:
    llm, session = ScriptedLLM(), await memory.open("claim", CALLER)
    async with flowing(await DurableFlow.of(session), llm) as phone:
        await phone.hears()
        llm.next_calls = [[*records(policy="4321"), *records(theft=False)]]
        assert "What happened?" in await phone.says("It is 4321, and no.")
    assert (await session.state()).form_answers == {"policy": "4321", "theft": False}


async def test_the_function_is_typed_from_the_form(memory: MemorySessions) -> None:
    flow = await DurableFlow.of(await memory.open("claim", CALLER))
    (function,) = flow.node()["functions"]
    properties = getattr(function, "properties", {})
    assert {name: schema["type"] for name, schema in properties.items()} == {
        "policy": ["string", "null"], "theft": ["boolean", "null"], "story": ["string", "null"],
    }  # fmt: skip


class LossyBackend(MemoryBackend):
    """Takes every turn; the first reply is lost on its way back."""

    lost = False

    async def turn(self, session_id: str, turn: Turn) -> Reply:
        reply = await super().turn(session_id, turn)
        if not self.lost:
            self.lost = True
            raise StoreUnavailable("the reply was lost (a test said so)")
        return reply


async def test_an_answer_of_which_nobody_knows_is_stored_once_when_the_model_calls_again() -> None:
    backend = LossyBackend([READ_BACK], Clock(), read_settings())
    async with VoiceSessions(backend) as sessions:
        llm, session = ScriptedLLM(), await sessions.open("claim", CALLER)
        async with flowing(await DurableFlow.of(session), llm) as phone:
            await phone.hears()
            llm.next_calls = [records(policy="4321"), records(policy="4321")]
            await phone.says("It is 4321.")
            assert any("cannot be reached" in result for result in llm.results)
            assert "Was anything stolen?" in await phone.says("Are you there?")
        assert (await session.state()).turns == 1


async def test_a_caller_is_put_through_by_the_flow(memory: MemorySessions) -> None:
    put_through: list[Reply] = []

    async def transfer(reply: Reply) -> None:
        put_through.append(reply)

    llm, session = ScriptedLLM(), await memory.open("claim", CALLER)
    await session.turn(event="hand_off")
    async with flowing(await DurableFlow.of(session, on_transfer=transfer), llm):
        await until(lambda: bool(put_through))
    assert put_through[0].transfer_to == "claims desk"


async def test_the_older_of_two_calls_is_told_and_its_flow_ends(memory: MemorySessions) -> None:
    llm, session = ScriptedLLM(), await memory.open("claim", CALLER)
    async with flowing(await DurableFlow.of(session), llm) as phone:
        await phone.hears()
        await memory.open("claim", CALLER)
        llm.next_calls = [records(policy="4321")]
        assert "another line" in await phone.says("It is 4321.")
        await phone.ended()


async def test_braces_in_an_answer_are_no_placeholder_of_the_flow(memory: MemorySessions) -> None:
    session = await memory.open("claim", CALLER)
    await session.turn(answers={"policy": "4321", "theft": False, "story": "{{ policy }}"})
    assert "{{ policy }}" in session.reply.say
    async with flowing(await DurableFlow.of(session), ScriptedLLM()) as phone:
        assert "{ { policy }}" in await phone.hears()
