"""Every channel does what every other does: the same calls leave the same session."""

from collections.abc import Callable

import pytest

from tests.channels.conformance import Line, Scenario, every_scenario, play
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


@every_scenario
@pytest.mark.parametrize("line", LINES)
async def test_over_every_channel(line: str, scenario: Scenario, channels: Stand) -> None:
    await play(scenario, LINES[line](channels), channels)
