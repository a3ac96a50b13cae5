"""The examples run, as they stand in the tree, over a real server."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn

pytest.importorskip("pipecat", reason="scripts/adapters has an environment for it")

from tests.adapters.pipecat.phone import until
from tests.durable.conftest import World
from turnkeeper.client import VoiceSessions
from turnkeeper.gateway.access.ways import Open
from turnkeeper.gateway.app import create_app
from worker.server import EmbeddedServer

CALLER = "+14155550100"
PATIENCE = 100.0
"""Seconds: a process that imports Pipecat takes ten of them on a machine that is busy."""


async def ran(
    example: Path, *arguments: str, says: Sequence[str], env: dict[str, str] | None = None
) -> list[str]:
    """What an agent says to a caller who says this and hangs up; what they hear is waited for
    before they go on."""
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
    async with asyncio.timeout(PATIENCE):
        for words in (*says, None):
            line = (await process.stdout.readline()).decode()
            assert line, (await process.stderr.read()).decode()
            heard.append(line.removeprefix("agent:  ").strip())
            if words is not None:
                process.stdin.write(f"{words}\n".encode())
        process.stdin.close()
        complaints = (await process.stderr.read()).decode()
        assert await process.wait() == 0, complaints
    return heard


async def test_the_adapters_example_takes_a_call(
    server: EmbeddedServer, world: World, sessions: VoiceSessions, root: Path
) -> None:
    env = {
        "TEMPORAL_ADDRESS": server.address,
        "TURNKEEPER_TASK_QUEUE": world.settings.task_queue,
        "TURNKEEPER_TENANT": world.settings.tenant,
    }
    example = root / "examples" / "pipecat_adapter.py"
    await is_taken_up_and_completed(sessions, example, env=env)


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


async def test_pipecats_own_openai_service_takes_a_call(
    sessions: VoiceSessions, root: Path
) -> None:
    async with gateway(sessions) as address:
        await is_taken_up_and_completed(sessions, root / "examples" / "pipecat_openai.py", address)


async def is_taken_up_and_completed(
    sessions: VoiceSessions, example: Path, *arguments: str, env: dict[str, str] | None = None
) -> None:
    """A caller was cut off after their first answer; the example takes the call after that."""
    await (await sessions.open("claim", CALLER)).turn("4321")
    says = ["no", "yesterday", "yes"]
    heard = await ran(example, "claim", CALLER, *arguments, says=says, env=env)
    assert heard[0].startswith("Welcome back.")
    assert heard[0].endswith("Was anything stolen?")
    assert heard[1] == "What day did it happen?"
    state = await sessions.state(await sessions.session_id("claim", CALLER))
    assert (state.status, len(state.legs)) == ("completed", 2)
