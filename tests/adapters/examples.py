"""The examples of the adapters, as processes: a caller who was cut off rings an agent again."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.durable.conftest import World
from turnkeeper.client import VoiceSessions
from worker.server import EmbeddedServer

CALLER = "+14155550100"
PATIENCE = 150.0
"""Seconds: importing LiveKit or Pipecat takes five of a processor's, on a busy machine thirty."""


def environment(server: EmbeddedServer, world: World) -> dict[str, str]:
    """Where an example that is an agent of its own finds the sessions."""
    return {
        "TEMPORAL_ADDRESS": server.address,
        "TURNKEEPER_TASK_QUEUE": world.settings.task_queue,
        "TURNKEEPER_TENANT": world.settings.tenant,
    }


async def goes_on_with_a_call_that_was_cut_off(
    sessions: VoiceSessions, example: Path, *arguments: str, env: Mapping[str, str] | None = None
) -> None:
    """One answer was given before; the example takes the next call, to the end of the form."""
    await (await sessions.open("claim", CALLER)).turn("4321")
    says = ["no", "yesterday", "yes"]
    heard = await ran(example, "claim", CALLER, *arguments, says=says, env=env or {})
    assert heard[0].startswith("Welcome back.")
    assert heard[0].endswith("Was anything stolen?")
    assert heard[1] == "What day did it happen?"
    state = await sessions.state(await sessions.session_id("claim", CALLER))
    assert (state.status, len(state.legs)) == ("completed", 2)


async def ran(
    example: Path, *arguments: str, says: Sequence[str], env: Mapping[str, str]
) -> list[str]:
    """What an agent says to a caller who says this and then hangs up; each line of theirs follows
    what they hear."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(example), *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **env, "PYTHONUTF8": "1"},
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
