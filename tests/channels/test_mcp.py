"""`turnkeeper mcp` as an agent's host runs it: a process, on a real server, through the official
client."""

import asyncio
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
import pytest_asyncio
from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp_types import CallToolResult, TextContent, TextResourceContents
from temporalio.client import Client as TemporalClient

from tests.channels.issuer import Issuer
from tests.channels.lines.mcp import held
from tests.durable.conftest import World
from tests.ids import id_of
from turnkeeper.client import VoiceSessions
from turnkeeper.contract import Reply, SessionState, Turn
from turnkeeper.errors import SettingsError
from turnkeeper.mcp_server.address import Address
from turnkeeper.mcp_server.refusals import ERROR_TYPE, NOT_FOUND, RETRY
from turnkeeper.mcp_server.server import TOOLS, build_server
from turnkeeper.settings import read_settings
from turnkeeper.temporal import TemporalBackend
from worker.server import EmbeddedServer, free_port

COMMAND = Path(sysconfig.get_path("scripts")) / "turnkeeper"
ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "mcp_client.py"
WITHIN = 60.0
_numbers = itertools.count(100)


@dataclass
class Agent:
    """An agent with a session: calls tools, and reads their structured results."""

    client: Client
    session: str = ""
    caller: str = ""

    async def raw(self, tool: str, **arguments: object) -> CallToolResult:
        async with asyncio.timeout(WITHIN):
            return await self.client.call_tool(tool, arguments)

    async def __call__(self, tool: str, **arguments: object) -> dict[str, Any]:
        """The result of a call that must succeed."""
        if self.session:
            arguments = {"session": self.session, **arguments}
        result = await self.raw(tool, **arguments)
        assert not result.is_error, result.content
        structured: dict[str, Any] = result.structured_content
        assert json.loads(text_of(result)) == structured
        return structured

    async def open(self, caller: str = "") -> dict[str, Any]:
        self.caller = caller or self.caller or a_caller()
        opened = await Agent(self.client)("open_form", form="claim", caller=self.caller)
        self.session = opened["session"]
        return opened

    async def kept(self, world: World) -> SessionState:
        """What the session holds, by the Python client."""
        async with world.sessions() as sessions:
            return await sessions.state(await sessions.session_id("claim", self.caller))

    async def refused(self, tool: str, **arguments: object) -> str:
        """The sentence of a call that must be refused: its type first, then one sentence."""
        if self.session:
            arguments = {"session": self.session, **arguments}
        result = await self.raw(tool, **arguments)
        assert result.is_error, result.structured_content
        assert result.structured_content is None
        text = text_of(result)
        kind = (result.meta or {})[ERROR_TYPE]
        assert re.fullmatch(rf"{kind}: [^\n]+\.", text), text
        assert (result.meta or {})[RETRY] == (kind == "StoreUnavailable")
        return text


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


@dataclass
class Server:
    """`turnkeeper mcp` in one test's world, started as often as it is asked for."""

    environment: dict[str, str]
    folder: Path
    issuer: Issuer = field(default_factory=Issuer)
    logs: list[Path] = field(default_factory=list)

    def token(
        self, scope: str = "talk read operate", *, sub: str | None = None, **claims: object
    ) -> str:
        tenant = self.environment["TURNKEEPER_TENANT"]
        return self.issuer.token(scope, sub=sub, claims={"tenant": tenant, **claims})

    @property
    def pid(self) -> int:
        return int((self.folder / "pid").read_text())

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    @asynccontextmanager
    async def agent(
        self, session: str = "", *, mode: str = "auto", **environment: str
    ) -> AsyncIterator[Agent]:
        """An agent and a server process of its own, on standard input and output."""
        log = self.folder / f"mcp-{len(self.logs)}.log"
        self.logs.append(log)
        with log.open("w") as errors:
            started = StdioServerParameters(
                command="/bin/sh",
                args=["-c", f'echo $$ > "{self.folder}/pid"; exec "{COMMAND}" mcp'],
                env=self.environment | environment,
            )
            async with Client(stdio_client(started, errlog=errors), mode=mode) as client:
                yield Agent(client, session)

    def logged(self) -> str:
        return "".join(log.read_text() for log in self.logs)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def working(client: TemporalClient) -> AsyncIterator[World]:
    """One world for all tests here, with a worker in it; each has a caller of its own."""
    token = uuid4().hex[:8]
    settings = read_settings(
        task_queue=f"mcp-{token}", tenant=f"t-{token}", timezone="UTC", forms=ROOT / "forms"
    )
    world = World(client, settings)
    running: AbstractAsyncContextManager[object] = world.worker()
    async with running:
        yield world


@pytest.fixture(scope="module")
def mcp(working: World, server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Server:
    settings = working.settings
    return Server(
        {
            "TEMPORAL_ADDRESS": server.address,
            "TEMPORAL_CONFIG_FILE": os.devnull,
            "TURNKEEPER_TASK_QUEUE": settings.task_queue,
            "TURNKEEPER_TENANT": settings.tenant,
            "TURNKEEPER_FORMS": str(settings.forms),
        },
        tmp_path_factory.mktemp("mcp"),
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def desk(mcp: Server) -> AsyncIterator[Client]:
    """A server process that no test kills."""
    agent, leave = await held(mcp.agent())
    yield agent.client
    await leave()


@pytest.fixture
def agent(desk: Client) -> Agent:
    return Agent(desk, caller=a_caller())


def a_caller() -> str:
    """Somebody whom no other test knows."""
    return f"+1415555{next(_numbers):04}"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_an_agent_leads_a_whole_form_over_either_age_of_the_protocol(
    mode: str, working: World, mcp: Server
) -> None:
    async with mcp.agent(mode=mode) as agent:
        opened = await agent.open()
        assert (opened["restored"], opened["say"]) == (False, "Hello. Policy number?")
        assert [(f["name"], f["type"], f["answer"]) for f in opened["fields"]] == [
            ("policy", "digits", None), ("theft", "boolean", None),
            ("report", "digits", None), ("day", "date", None),
        ]  # fmt: skip
        said = await agent("say", text="one two three four", utterance_id="u1")
        assert (said["recorded"], said["field"]) == ({"policy": "1234"}, "theft")
        recorded = await agent("record_answers", answers={"theft": False, "day": "2026-01-02"})
        assert recorded["recorded"] == {"theft": False, "day": "2026-01-02"}
        assert recorded["confirming"] == {"field": None, "value": None}
        assert (await agent("say", text="yes"))["next"] == "hang_up"
        state = await agent("form_state")
    answers = {"policy": "1234", "theft": False, "day": "2026-01-02"}
    assert {f["name"]: f["answer"] for f in state["fields"]} == {"report": None, **answers}
    kept = await agent.kept(working)
    assert (kept.status, kept.turns, kept.form_answers) == ("completed", 3, answers)
    assert kept.legs[0].channel == "mcp"


async def test_another_server_process_goes_on_with_the_handle_of_one_that_was_killed(
    working: World, mcp: Server, desk: Client
) -> None:
    async with mcp.agent() as agent:
        await agent.open()
        first = await agent("say", text="1234", utterance_id="u1")
        mcp.kill()
        with pytest.raises(MCPError):
            await agent.raw("form_state", session=agent.session)
    again = Agent(desk, agent.session)
    assert await again("say", text="1234", utterance_id="u1") == first
    assert (await again("form_state"))["last_turn"]["utterance_id"] == "u1"
    assert (await again("say", text="no", utterance_id="u2"))["field"] == "day"
    kept = await agent.kept(working)
    assert (kept.turns, len(kept.legs)) == (2, 1)


async def test_a_call_whose_server_is_killed_under_it_is_applied_once_when_it_is_repeated(
    working: World, mcp: Server, desk: Client
) -> None:
    async with mcp.agent() as agent:
        await agent.open()
        call = {"session": agent.session, "text": "1234", "utterance_id": "u1"}
        calling = asyncio.create_task(agent.raw("say", **call))
        await asyncio.sleep(0)
        mcp.kill()
        ended = await asyncio.gather(calling, return_exceptions=True)
        assert isinstance(ended[0], MCPError), ended
    assert (await Agent(desk)("say", **call))["recorded"] == {"policy": "1234"}
    assert (await agent.kept(working)).turns == 1


async def test_a_repeated_call_is_not_applied_again_and_other_words_amend_it(
    working: World, agent: Agent
) -> None:
    await agent.open()
    once = await agent("say", text="1234", utterance_id="u1")
    assert await agent("say", text="1234", utterance_id="u1") == once
    amended = await agent("say", text="4321", utterance_id="u1")
    assert amended["recorded"] == {"policy": "4321"}
    answered = await agent("record_answers", answers={"theft": True}, utterance_id="u2")
    assert await agent("record_answers", answers={"theft": True}, utterance_id="u2") == answered
    late = await agent.refused("say", text="9999", utterance_id="u1")
    assert late.startswith("TurnConflict: ")
    kept = await agent.kept(working)
    assert (kept.form_answers, kept.turns) == ({"policy": "4321", "theft": True}, 2)


async def test_what_is_not_taken_is_told_with_its_reason_and_the_rest_is_stored(
    agent: Agent,
) -> None:
    await agent.open()
    answers = {"policy": "12", "theft": True, "colour": "red"}
    taken = await agent("record_answers", answers=answers)
    assert taken["recorded"] == {"theft": True}
    told = {one["field"]: one["code"] for one in taken["rejected"]}
    assert told == {"policy": "incomplete", "colour": "unknown_field"}
    assert all(one["say"] for one in taken["rejected"])
    corrected = await agent("record_answers", answers={"theft": False, "policy": "1234"})
    assert corrected["recorded"] == {"theft": False, "policy": "1234"}


async def test_an_older_handle_is_told_that_a_newer_one_leads_and_changes_nothing(
    agent: Agent,
) -> None:
    await agent.open("(415) 555-0199")
    await agent("say", text="1234", utterance_id="u1")
    older = Agent(agent.client, agent.session)
    back = await agent.open("+14155550199")
    assert (back["restored"], back["fields"][0]["answer"]) == (True, "1234")
    assert back["say"].startswith("Welcome back.")
    more: dict[str, dict[str, object]] = {
        "say": {"text": "no"}, "record_answers": {"answers": {"theft": False}},
        "cancel_form": {}, "hand_off_form": {},
    }  # fmt: skip
    for tool, arguments in more.items():
        assert (await older.refused(tool, **arguments)).startswith("SupersededLeg: "), tool
    assert (await older("form_state"))["superseded"] is True
    state = await agent("form_state")
    assert state["superseded"] is False
    assert (state["status"], state["field"]) == ("collecting", "theft")


async def test_a_cancelled_form_is_cancelled_once_and_its_handle_does_not_reach_the_next(
    agent: Agent,
) -> None:
    await agent.open()
    cancelled = await agent("cancel_form")
    assert (cancelled["status"], cancelled["next"]) == ("cancelled", "hang_up")
    assert await agent("cancel_form") == cancelled
    refused = await agent.refused("say", text="1234")
    assert refused.startswith("SessionClosed: ")
    assert "it is cancelled" in refused
    ended = agent.session
    assert (await agent.open())["restored"] is False
    older = Agent(agent.client, ended)
    assert (await older.refused("say", text="1234")).startswith("SupersededLeg: ")
    assert (await older("form_state"))["superseded"] is True
    assert (await agent("form_state"))["fields"][0]["answer"] is None


async def test_a_handed_off_form_keeps_its_answers_for_a_person(agent: Agent) -> None:
    await agent.open()
    await agent("say", text="1234")
    left = await agent("hand_off_form", reason="asked for a person")
    assert (left["status"], left["next"]) == ("handed_off", "transfer")
    assert "it is handed_off" in await agent.refused("hand_off_form")
    state = await agent("form_state")
    assert (state["status"], state["fields"][0]["answer"]) == ("handed_off", "1234")


async def test_each_mistake_has_its_own_type_and_one_sentence(agent: Agent) -> None:
    unknown = await agent.refused("open_form", form="nosuch", caller="ann")
    assert unknown.startswith("UnknownForm: no worker has a form 'nosuch'")
    nobody = await agent.refused("open_form", form="claim", caller="anonymous")
    assert nobody.startswith("InvalidCaller: ")
    for handle in ("", "x", agent.caller):
        wrong = await agent.refused("say", session=handle, text="1234")
        assert wrong.startswith("InvalidInput: this is no session of this server"), handle
    await agent.open()
    another_tenant_s = f"{id_of('claim', 'ann', 'elsewhere')}#1.abc"
    for nowhere in (agent.session.replace(":claim:", ":clam:"), another_tenant_s):
        missing = await Agent(agent.client, nowhere).refused("say", text="1234")
        assert missing == f"SessionNotFound: {NOT_FOUND}."
    assert await agent.refused("record_answers", answers={"policy": ["1234"]}) == (
        "InvalidInput: record_answers was not called: answers.policy has a wrong type; "
        "see its input schema."
    )
    assert "text is missing" in await agent.refused("say")
    assert (await agent.refused("record_answers", answers={})).startswith("InvalidInput: ")
    assert (await agent.refused("say", text="x" * 70_000)).startswith("TurnTooLarge: ")
    assert (await agent("form_state"))["last_turn"] is None


async def test_a_store_out_of_reach_is_never_a_session_that_is_not_there(
    agent: Agent, mcp: Server
) -> None:
    await agent.open()
    away = {"TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}", "TURNKEEPER_TURN_DEADLINE": "0.5"}
    async with mcp.agent(agent.session, **away) as cut_off:
        refused = await asyncio.gather(
            cut_off.refused("say", text="1234"),
            cut_off.refused("form_state"),
            cut_off.refused("cancel_form"),
            Agent(cut_off.client).refused("open_form", form="claim", caller=agent.caller),
        )
        assert [text.partition(":")[0] for text in refused] == ["StoreUnavailable"] * 4
        with pytest.raises(MCPError, match=r"^StoreUnavailable: "):
            await cut_off.client.read_resource(uri_of(agent.session, "state"))
    (named,) = re.findall(r"repeat this call with utterance_id '(\w+)'", refused[0])
    said = await agent("say", text="1234", utterance_id=named)
    assert (said["recorded"], said["utterance_id"]) == ({"policy": "1234"}, named)


async def test_a_call_that_the_host_cancels_is_stored_all_the_same_and_before_the_next(
    working: World,
) -> None:
    held = Held(working.client, working.settings.task_queue)
    sessions = VoiceSessions(held, working.settings)
    async with sessions, Client(build_server(sessions), mode="legacy") as client:
        agent = Agent(client)
        await agent.open()
        calling = asyncio.create_task(agent("say", text="1234", utterance_id="u1"))
        await held.arrived.wait()
        calling.cancel()
        ended = await asyncio.gather(calling, return_exceptions=True)
        assert isinstance(ended[0], asyncio.CancelledError)
        following = asyncio.create_task(agent("say", text="no", utterance_id="u2"))
        overtaken, _ = await asyncio.wait([following], timeout=0.5)
        held.go.set()
        assert not overtaken
        assert (await following)["field"] == "day"
    assert (await agent.kept(working)).form_answers == {"policy": "1234", "theft": False}


class Held(TemporalBackend):
    """Temporal, and a first turn that waits on its way there until the test lets it go."""

    def __init__(self, client: TemporalClient, task_queue: str) -> None:
        super().__init__(client, task_queue)
        self.arrived, self.go = asyncio.Event(), asyncio.Event()

    async def turn(self, session_id: str, turn: Turn) -> Reply:
        if not self.arrived.is_set():
            self.arrived.set()
            await self.go.wait()
        return await super().turn(session_id, turn)


# --- what it offers -------------------------------------------------------------------------------


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


async def read(client: Client, uri: str) -> dict[str, Any]:
    (content,) = (await client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    document: dict[str, Any] = json.loads(content.text)
    return document


def uri_of(session: str, what: str) -> str:
    return f"turnkeeper://sessions/{quote(session.partition('#')[0], safe='')}/{what}"


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


async def test_the_example_leads_a_form_is_stopped_and_goes_on(working: World, mcp: Server) -> None:
    caller = a_caller()
    first = await example(mcp, caller, "1234\nno\n")
    assert first[0] == "Hello. Policy number?"
    assert first[1:] == ["Was anything stolen?", "What day did it happen?"]
    again = await example(mcp, caller, "2 January 2026\nyes\nnobody hears this\n")
    assert again[0].startswith("Welcome back.")
    async with working.sessions() as sessions:
        state = await sessions.state(await sessions.session_id("claim", caller))
    assert (state.status, state.turns) == ("completed", 4)


async def example(mcp: Server, caller: str, typed: str) -> list[str]:
    """What the example prints to a caller who types these lines."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLE), "claim", caller,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        env=os.environ | mcp.environment | {"PATH": f"{COMMAND.parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    async with asyncio.timeout(WITHIN):
        out, _ = await process.communicate(typed.encode())
    assert process.returncode == 0
    return out.decode().splitlines()


# --- the command ----------------------------------------------------------------------------------


async def test_over_http_any_process_takes_the_next_call_and_only_this_machine_may_ask(
    mcp: Server,
) -> None:
    port = free_port()
    async with http_server(mcp, port) as process:
        async with let_in(mcp, port) as client:
            agent = Agent(client)
            await agent.open()
            first = await agent("say", text="1234", utterance_id="u1")
        process.kill()
        await process.wait()
    async with http_server(mcp, port) as process:
        async with let_in(mcp, port) as client:
            assert await Agent(client, agent.session)(
                "say", text="1234", utterance_id="u1"
            ) == first  # fmt: skip
        good = mcp.token()
        assert await status_of(port, "rebound.example.com", good) == 421
        assert await status_of(port, "127.0.0.1", good) not in (401, 403, 421)
        for token, status in refused_over_http(mcp).items():
            assert await status_of(port, "127.0.0.1", token) == status
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(WITHIN):
            assert await process.wait() == 0


def refused_over_http(mcp: Server) -> dict[str, int]:
    return {
        "": 401,
        mcp.token(exp=1): 401,
        mcp.token(tenant="other"): 401,
        mcp.token("talk read"): 403,
        mcp.token(sub="ann@example.com"): 403,
    }


@asynccontextmanager
async def let_in(mcp: Server, port: int) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {mcp.token()}"}
    async with create_mcp_http_client(headers) as http:
        line = streamable_http_client(f"http://127.0.0.1:{port}/mcp", http_client=http)
        async with Client(line) as client:
            yield client


@asynccontextmanager
async def http_server(mcp: Server, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    log = mcp.folder / f"http-{len(mcp.logs)}.log"
    mcp.logs.append(log)
    with log.open("w") as errors:
        process = await asyncio.create_subprocess_exec(
            COMMAND, "mcp", "--http", str(port), stderr=errors,
            env=os.environ | mcp.environment | mcp.issuer.environment(mcp.folder),
        )  # fmt: skip
    try:
        async with asyncio.timeout(WITHIN):
            while "mcp server is running" not in log.read_text():
                assert process.returncode is None, log.read_text()
                await asyncio.sleep(0.02)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def status_of(port: int, host: str, token: str) -> int:
    """The status of a bare request that names `host`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        f"POST /mcp HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
    )
    writer.write(head.encode() + b"{}")
    line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return int(line.split()[1])


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("0.0.0.0:8765", "speaks no TLS"),
        ("example.com:8765", "speaks no TLS"),
        ("[::]:8765", "speaks no TLS"),
        ("10.0.0.7:8765", "speaks no TLS"),
        ("here", "must be [HOST:]PORT"),
        ("127.0.0.1:99999", "must be [HOST:]PORT"),
    ],
)
def test_an_address_that_others_can_reach_or_that_is_none_is_refused(
    address: str, said: str
) -> None:
    with pytest.raises(SettingsError, match=re.escape(said)):
        Address.read(address)


def test_an_address_on_this_machine_is_taken_and_the_host_may_be_left_out() -> None:
    taken = {"8765": "127.0.0.1:8765", "localhost:1": "localhost:1", "[::1]:0": "[::1]:0"}
    assert {text: str(Address.read(text)) for text in taken} == taken


def test_the_command_ends_with_one_sentence_when_it_cannot_start() -> None:
    without = "import sys; sys.modules['mcp'] = None; from turnkeeper.cli import main; main()"
    commands = {
        "pip install 'turnkeeper[mcp]'": [sys.executable, "-c", without, "mcp"],
        "speaks no TLS": [str(COMMAND), "mcp", "--http", "0.0.0.0:8765"],
    }
    for said, command in commands.items():
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WITHIN)
        assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (1, "", 1), ran
        assert ran.stderr.startswith("error: ")
        assert said in ran.stderr


def test_the_server_needs_no_library_of_another_extra() -> None:
    others = ["fastapi", "websockets", "uvloop", "livekit", "pipecat"]
    program = f"""
import sys
sys.modules.update(dict.fromkeys({others}))
import turnkeeper.mcp_server.serve
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=WITHIN)


async def test_a_port_that_is_taken_is_said_in_one_sentence(mcp: Server) -> None:
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as taken:
        port = str(taken.sockets[0].getsockname()[1])
        process = await asyncio.create_subprocess_exec(
            COMMAND, "mcp", "--http", port, stderr=asyncio.subprocess.PIPE,
            env=os.environ | mcp.environment | mcp.issuer.environment(mcp.folder),
        )  # fmt: skip
        async with asyncio.timeout(WITHIN):
            _, err = await process.communicate()
    assert process.returncode == 1
    assert err.decode().startswith(f"error: --http: 127.0.0.1:{port} cannot be listened on")
    assert err.count(b"\n") == 1
