"""`turnkeeper mcp` as an agent's host runs it: a process, and an agent that calls its tools
through the official client."""

import asyncio
import itertools
import json
import os
import re
import signal
import sysconfig
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mcp import Client, StdioServerParameters, stdio_client
from mcp_types import CallToolResult, TextContent, TextResourceContents

from tests.channels.issuer import Issuer
from tests.durable.conftest import World
from turnkeeper.contract import SessionState
from turnkeeper.mcp_server.refusals import ERROR_TYPE, RETRY

COMMAND = Path(sysconfig.get_path("scripts")) / "turnkeeper"
WITHIN = 60.0
_numbers = itertools.count(100)


def a_caller() -> str:
    """Somebody whom no other test knows."""
    return f"+1415555{next(_numbers):04}"


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


async def read(client: Client, uri: str) -> dict[str, Any]:
    (content,) = (await client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    document: dict[str, Any] = json.loads(content.text)
    return document


def uri_of(session: str, what: str) -> str:
    return f"turnkeeper://sessions/{quote(session.partition('#')[0], safe='')}/{what}"


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
