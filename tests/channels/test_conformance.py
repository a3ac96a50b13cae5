"""Every channel does what every other does: the same calls leave the same session."""

import itertools
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from tests.channels.conformance import SCENARIOS, Line, Scenario, Unsupported
from tests.channels.lines.http import HttpLine
from tests.channels.lines.mcp import McpLine
from tests.channels.lines.openai import OpenAILine
from tests.channels.lines.python import PythonLine
from tests.channels.lines.retell import RetellLine
from tests.channels.lines.stream import StreamLine
from tests.channels.lines.twilio import TwilioLine
from tests.channels.stand import Stand

LINES: dict[str, Callable[[Stand], Line]] = {
    "python": lambda stand: PythonLine(stand.sessions),
    "http": lambda stand: HttpLine(),
    "mcp": McpLine,
    "openai": lambda stand: OpenAILine(),
    "retell": lambda stand: RetellLine(),
    "stream": lambda stand: StreamLine(),
    "twilio": lambda stand: TwilioLine(),
}

CALLERS = itertools.count(100)


@pytest_asyncio.fixture(params=LINES, loop_scope="session")
async def line(request: pytest.FixtureRequest, channels: Stand) -> AsyncIterator[Line]:
    line = LINES[request.param](channels)
    try:
        yield line
    finally:
        await line.close()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
async def test_over_every_channel(line: Line, scenario: Scenario, channels: Stand) -> None:
    caller = f"+1415555{next(CALLERS):04}"
    try:
        await scenario(line, channels, caller)
    except Unsupported as reason:
        pytest.skip(str(reason))
