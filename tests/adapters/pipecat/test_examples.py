"""The examples run, as they stand in the tree, over a real server."""

from pathlib import Path

import pytest

pytest.importorskip("pipecat", reason="scripts/adapters has an environment for it")

from tests.adapters.examples import environment, goes_on_with_a_call_that_was_cut_off
from tests.durable.conftest import World
from turnkeeper.client import VoiceSessions
from turnkeeper.gateway.access.ways import Open
from turnkeeper.gateway.app import create_app
from turnkeeper.relay_caller import served
from worker.server import EmbeddedServer


async def test_the_adapters_example_takes_a_call(
    server: EmbeddedServer, world: World, sessions: VoiceSessions, root: Path
) -> None:
    example = root / "examples" / "pipecat_adapter.py"
    await goes_on_with_a_call_that_was_cut_off(sessions, example, env=environment(server, world))


async def test_pipecats_own_openai_service_takes_a_call(
    sessions: VoiceSessions, root: Path
) -> None:
    example = root / "examples" / "pipecat_openai.py"
    gateway = create_app(sessions, access=Open(sessions.settings.tenant))
    async with served(gateway) as address:
        await goes_on_with_a_call_that_was_cut_off(sessions, example, address)
