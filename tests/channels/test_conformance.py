"""Every channel does what every other does: the same calls leave the same session."""

import random
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from tests.channels.conformance import SCENARIOS, Line, Scenario, Unsupported
from tests.channels.lines.python import PythonLine
from tests.channels.stand import Stand

LINES: dict[str, Callable[[Stand], Line]] = {
    "python": lambda stand: PythonLine(stand.sessions),
}


@pytest_asyncio.fixture(params=LINES, loop_scope="session")
async def line(request: pytest.FixtureRequest, channels: Stand) -> AsyncIterator[Line]:
    line = LINES[request.param](channels)
    try:
        yield line
    finally:
        await line.close()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
async def test_over_every_channel(line: Line, scenario: Scenario, channels: Stand) -> None:
    caller = f"+1415555{random.randrange(100, 10_000):04}"
    try:
        await scenario(line, channels, caller)
    except Unsupported as reason:
        pytest.skip(str(reason))
