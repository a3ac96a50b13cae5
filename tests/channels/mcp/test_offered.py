"""What `turnkeeper mcp` offers to an agent: resources, descriptions, a prompt, forms."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from mcp import Client, MCPError
from mcp_types import TextContent

from tests.channels.mcp.agents import Agent, Server, read, uri_of
from tests.durable.conftest import World
from tests.ids import id_of
from turnkeeper.client import VoiceSessions
from turnkeeper.mcp_server.server import TOOLS, build_server
from turnkeeper.temporal import TemporalBackend


async def test_state_and_transcript_are_resources_and_only_of_this_tenant(agent: Agent) -> None:
    opened = await agent.open("a b/../c%")
    await agent("say", text="1234", utterance_id="u1")
    state = await read(agent.client, opened["state_uri"])
    assert (state["form_answers"], state["turns"]) == ({"policy": "1234"}, 1)
    transcript = await read(agent.client, opened["transcript_uri"])
    assert [entry["heard"] for entry in transcript["entries"]] == ["", "1234"]
    others = {id_of("claim", "ann", "x"): "SessionNotFound",
              state["session_id"] + "x": "SessionNotFound"}  # fmt: skip
    for session, kind in others.items():
        with pytest.raises(MCPError, match=f"^{kind}: ") as refused:
            await agent.client.read_resource(uri_of(session, "state"))
        assert refused.value.code == -32602


async def test_every_tool_says_what_it_takes_what_it_gives_and_what_it_may_change(
    desk: Client,
) -> None:
    tools = {tool.name: tool for tool in (await desk.list_tools()).tools}
    assert tools.keys() == TOOLS.keys()
    for tool in tools.values():
        assert tool.description
        assert tool.output_schema
        properties: Mapping[str, Mapping[str, object]] = tool.input_schema["properties"]
        assert all(one.get("description") for one in properties.values()), tool.name
        assert tool.annotations is not None
        assert tool.annotations.open_world_hint is False
    reading = {n for n, t in tools.items() if t.annotations and t.annotations.read_only_hint}
    assert reading == {"list_forms", "form_state"}


async def test_an_agent_is_told_how_to_lead_a_form_by_tools_that_are_there(desk: Client) -> None:
    (message,) = (await desk.get_prompt("lead_form", {"form": "claim", "caller": "{x}"})).messages
    assert isinstance(message.content, TextContent)
    assert "the form claim with the caller {x}" in message.content.text
    for text in (message.content.text, desk.instructions or ""):
        named = set(re.findall(r"\b[a-z]+_(?:form|state|answers|forms)\b", text))
        assert {"open_form", "record_answers"} <= named <= TOOLS.keys()


async def test_the_forms_of_the_folder_are_listed_and_no_folder_is_one_sentence(
    agent: Agent, working: World, tmp_path: Path
) -> None:
    listed = await agent("list_forms")
    assert [row["form"] for row in listed["forms"]] == [
        "clinic_intake", "dinner_reservation", "roadside_claim",
    ]  # fmt: skip
    assert listed["forms"][1]["fields"][0] == "guests"
    elsewhere = working.settings.model_copy(update={"forms": tmp_path / "nowhere"})
    sessions = VoiceSessions(TemporalBackend(working.client, "none"), elsewhere)
    async with sessions, Client(build_server(sessions)) as client:
        assert "no folder that can be read" in await Agent(client).refused("list_forms")


async def test_no_answer_and_no_caller_is_in_the_log(mcp: Server) -> None:
    async with mcp.agent(TURNKEEPER_LOG_LEVEL="debug") as agent:
        opened = await agent.open()
        await agent("say", text="my policy is 8642", utterance_id="u1")
        await agent.refused("record_answers", answers={"policy": ["secretive"]})
        await agent.refused("say", text="9" * 70_000)
        await read(agent.client, opened["state_uri"])
        with pytest.raises(MCPError):
            await agent.client.read_resource(uri_of(opened["session"], "nosuch"))
    logged = mcp.logs[-1].read_text()
    assert '"tool call refused"' in logged
    for personal in (agent.caller.removeprefix("+"), "8642", "secretive", "99999"):
        assert personal not in logged, logged
