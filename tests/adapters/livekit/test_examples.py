"""The examples run, as they stand in the tree, over a real server."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

pytest.importorskip("livekit.agents", reason="scripts/adapters has an environment for it")

import uvicorn

from tests.adapters.livekit.calls import until
from tests.adapters.livekit.conftest import CALLER
from tests.durable.conftest import World
from turnkeeper.client import VoiceSessions
from turnkeeper.gateway.access.ways import Open
from turnkeeper.gateway.app import create_app
from worker.server import EmbeddedServer

PATIENCE = 150.0
"""Seconds: importing LiveKit takes five of a processor's, which on a busy machine are thirty."""


async def ran(
    example: Path, *arguments: str, says: Sequence[str], env: dict[str, str] | None = None
) -> list[str]:
    """What an agent says to a caller who says this and then hangs up; each line of theirs follows
    what they hear."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(example), *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **(env or {}), "PYTHONUTF8": "1"},
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    assert process.stderr
    heard: list[str] = []
    try:
        async with asyncio.timeout(PATIENCE):
            for words in (*says, None):
                line = (await process.stdout.readline()).decode()
                assert line, (await process.stderr.read()).decode()
                heard.append(line.removeprefix("agent:").strip())
                if words is not None:
                    process.stdin.write(f"{words}\n".encode())
            process.stdin.close()
            complaints = (await process.stderr.read()).decode()
            assert await process.wait() == 0, complaints
            assert "Traceback" not in complaints
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return heard


async def test_the_adapters_example_goes_on_with_a_call_that_was_cut_off(
    server: EmbeddedServer, world: World, sessions: VoiceSessions, root: Path
) -> None:
    env = {
        "TEMPORAL_ADDRESS": server.address,
        "TURNKEEPER_TASK_QUEUE": world.settings.task_queue,
        "TURNKEEPER_TENANT": world.settings.tenant,
    }
    example = root / "examples" / "livekit_adapter.py"
    await cut_off(sessions)
    heard = await ran(example, "claim", CALLER, says=["no", "yesterday", "yes"], env=env)
    await goes_on(sessions, heard)


@asynccontextmanager
async def gateway(sessions: VoiceSessions) -> AsyncIterator[str]:
    """The address of a gateway."""
    config = uvicorn.Config(
        create_app(sessions, access=Open(sessions.settings.tenant)),
        port=0,
        log_level="warning",
        lifespan="off",
    )
    running = uvicorn.Server(config)
    serving = asyncio.create_task(running.serve())
    await until(lambda: running.started)
    port = running.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        running.should_exit = True
        await serving


async def test_livekits_own_openai_plugin_goes_on_with_a_call_that_was_cut_off(
    sessions: VoiceSessions, root: Path
) -> None:
    example = root / "examples" / "livekit_openai.py"
    async with gateway(sessions) as address:
        await cut_off(sessions)
        heard = await ran(example, "claim", CALLER, address, says=["no", "yesterday", "yes"])
    await goes_on(sessions, heard)


async def cut_off(sessions: VoiceSessions) -> None:
    """A first call: one answer, and the line drops."""
    session = await sessions.open("claim", CALLER)
    await session.turn("4321")


async def goes_on(sessions: VoiceSessions, heard: Sequence[str]) -> None:
    """The second call went on where the first was, to the end."""
    assert heard[0].startswith("Welcome back.")
    assert heard[0].endswith("Was anything stolen?")
    assert heard[1] == "What day did it happen?"
    state = await sessions.state(await sessions.session_id("claim", CALLER))
    assert (state.status, len(state.legs)) == ("completed", 2)
