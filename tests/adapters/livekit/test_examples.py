"""The examples run, as they stand in the tree, over a real server."""

from pathlib import Path

import pytest

pytest.importorskip("livekit.agents", reason="scripts/adapters has an environment for it")

from tests.adapters.examples import environment, goes_on_with_a_call_that_was_cut_off
from tests.durable.conftest import World
from turnkeeper.client import VoiceSessions
from turnkeeper.gateway.access.ways import Open
from turnkeeper.gateway.app import create_app
from turnkeeper.relay_caller import served
from worker.server import EmbeddedServer


async def test_the_adapters_example_goes_on_with_a_call_that_was_cut_off(
    server: EmbeddedServer, world: World, sessions: VoiceSessions, root: Path
) -> None:
    example = root / "examples" / "livekit_adapter.py"
    await goes_on_with_a_call_that_was_cut_off(sessions, example, env=environment(server, world))


async def test_livekits_own_openai_plugin_goes_on_with_a_call_that_was_cut_off(
    sessions: VoiceSessions, root: Path
) -> None:
    example = root / "examples" / "livekit_openai.py"
    gateway = create_app(sessions, access=Open(sessions.settings.tenant))
    async with served(gateway) as address:
        await goes_on_with_a_call_that_was_cut_off(sessions, example, address)
