"""`turnkeeper mcp` as a command: over HTTP, at an address, beside an example that runs it."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from tests.channels.mcp.agents import COMMAND, WITHIN, Agent, Server, a_caller
from tests.channels.stand import ROOT
from tests.durable.conftest import World
from turnkeeper.errors import SettingsError
from turnkeeper.mcp_server.address import Address
from worker.server import free_port

EXAMPLE = ROOT / "examples" / "mcp_client.py"

# --- over HTTP ------------------------------------------------------------------------------------


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


# --- how it starts --------------------------------------------------------------------------------


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


# --- the example ----------------------------------------------------------------------------------


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
