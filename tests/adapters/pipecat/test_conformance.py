"""Pipecat's agents do what every channel does: the same calls leave the same session."""

import itertools
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

pytest.importorskip("pipecat", reason="scripts/adapters has an environment for it")

from tests.adapters.pipecat.line import PipecatLine
from tests.channels.conformance import SCENARIOS, Scenario, Unsupported
from tests.channels.stand import Stand
from worker.server import EmbeddedServer

CALLERS = itertools.count(100)


@pytest_asyncio.fixture(loop_scope="session")
async def line(server: EmbeddedServer, channels: Stand) -> AsyncIterator[PipecatLine]:
    line = PipecatLine(server.address, channels.settings)
    try:
        yield line
    finally:
        await line.close()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
async def test_over_pipecat(line: PipecatLine, scenario: Scenario, channels: Stand) -> None:
    caller = f"+1415555{next(CALLERS):04}"
    try:
        await scenario(line, channels, caller)
    except Unsupported as reason:
        pytest.skip(str(reason))
