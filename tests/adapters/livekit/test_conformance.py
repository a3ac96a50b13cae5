"""LiveKit's agents do what every channel does: the same calls leave the same session."""

import pytest

pytest.importorskip("livekit.agents", reason="scripts/adapters has an environment for it")

from tests.adapters.livekit.line import LiveKitLine
from tests.channels.conformance import Scenario, every_scenario, play
from tests.channels.stand import Stand
from worker.server import EmbeddedServer


@every_scenario
async def test_over_livekit(scenario: Scenario, server: EmbeddedServer, channels: Stand) -> None:
    await play(scenario, LiveKitLine(server.address, channels.settings), channels)
