"""The agent's own model leads, and records answers as it goes."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

pytest.importorskip("livekit.agents", reason="scripts/adapters has an environment for it")

from livekit.agents import Agent, AgentSession, APIConnectOptions, RunResult
from livekit.agents.llm import (
    LLM,
    ChatChunk,
    ChatContext,
    ChoiceDelta,
    FunctionToolCall,
    LLMStream,
    Tool,
    ToolChoice,
    is_raw_function_tool,
)
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr

from tests.adapters.livekit.conftest import CALLER
from turnkeeper.adapters.livekit import form_tools
from turnkeeper.client import VoiceSession
from turnkeeper.testing import MemorySessions


class ScriptedModel(LLM[str]):
    """A model that calls a tool for each turn, then says that it is done."""

    def __init__(self, calls: Sequence[tuple[str, dict[str, object]]]) -> None:
        super().__init__()
        self.calls = list(calls)

    def chat(
        self,
        *,
        chat_ctx: ChatContext,
        tools: list[Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,
        tool_choice: NotGivenOr[ToolChoice] = NOT_GIVEN,
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,
    ) -> LLMStream:
        return _Script(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class _Script(LLMStream):
    async def _run(self) -> None:
        model = self._llm
        assert isinstance(model, ScriptedModel)
        if self._chat_ctx.items[-1].type == "function_call_output" or not model.calls:
            delta = ChoiceDelta(role="assistant", content="Done.")
        else:
            name, arguments = model.calls.pop(0)
            called = FunctionToolCall(
                name=name, arguments=json.dumps(arguments), call_id=f"call_{len(model.calls)}"
            )
            delta = ChoiceDelta(role="assistant", tool_calls=[called])
        self._event_ch.send_nowait(ChatChunk(id="chunk", delta=delta))


async def outcomes(session: VoiceSession, *calls: tuple[str, dict[str, object]]) -> list[str]:
    """What the tools told the model, call by call."""
    agent = Agent(instructions="", llm=ScriptedModel(calls), tools=await form_tools(session))
    async with AgentSession[None]() as livekit:
        await livekit.start(agent)
        return [_output(await livekit.run(user_input="go on")) for _ in calls]


def _output(result: RunResult[None]) -> str:
    (output,) = (one.item.output for one in result.events if one.type == "function_call_output")
    return str(output)


async def test_answers_are_recorded_and_refusals_told(memory: MemorySessions) -> None:
    session = await memory.open("claim", CALLER)
    (told,) = await outcomes(
        session, ("record_answers", {"policy": "12", "theft": True, "name": "Ada"})
    )
    result = json.loads(told)
    assert result["recorded"] == {"theft": True, "name": "Ada"}
    assert list(result["refused"]) == ["policy"]
    assert (result["ask_next"], result["status"]) == ("policy", "collecting")
    assert (await session.state()).form_answers == {"theft": True, "name": "Ada"}


async def test_the_state_says_what_is_there_and_what_to_ask(memory: MemorySessions) -> None:
    session = await memory.open("claim", CALLER)
    _, told = await outcomes(session, ("record_answers", {"policy": "1234"}), ("form_state", {}))
    assert json.loads(told) == {
        "answers": {"policy": "1234"},
        "ask_next": "theft",
        "done": 1,
        "total": 3,
        "status": "collecting",
    }


async def test_a_store_out_of_reach_is_told_to_the_model(memory: MemorySessions) -> None:
    session = await memory.open("claim", CALLER)
    agent = Agent(
        instructions="",
        llm=ScriptedModel([("record_answers", {"policy": "1234"})]),
        tools=await form_tools(session),
    )
    async with AgentSession[None]() as livekit:
        await livekit.start(agent)
        with memory.unreachable():
            told = _output(await livekit.run(user_input="go on"))
    assert told == "The answers cannot be stored just now. Call the tool again."


async def test_an_unknown_field_is_told_to_the_model(memory: MemorySessions) -> None:
    session = await memory.open("claim", CALLER)
    (told,) = await outcomes(session, ("record_answers", {"shoe_size": "44"}))
    assert list(json.loads(told)["refused"]) == ["shoe_size"]


async def test_the_tools_name_the_form_fields_and_types(memory: MemorySessions) -> None:
    recording, _ = await form_tools(await memory.open("claim", CALLER))
    assert is_raw_function_tool(recording)
    parameters = recording.info.raw_schema["parameters"]
    types = {name: schema["type"] for name, schema in parameters["properties"].items()}
    assert types == {
        "policy": ["string", "null"],
        "theft": ["boolean", "null"],
        "name": ["string", "null"],
    }
