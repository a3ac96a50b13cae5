"""Sessions in memory, a gateway before them, and patience in hundredths of seconds."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from fastapi import FastAPI

from tests.channels.twilio.calls import CLAIM, GERMAN, Forms
from turnkeeper.gateway.access.ways import Open
from turnkeeper.gateway.app import create_app
from turnkeeper.gateway.twilio import listening, relay
from turnkeeper.settings import read_settings
from turnkeeper.testing import MemorySessions


@pytest_asyncio.fixture(loop_scope="session")
async def sessions() -> AsyncIterator[MemorySessions]:
    settings = read_settings(turn_deadline=0.6)
    async with MemorySessions([CLAIM, GERMAN], settings=settings) as sessions:
        yield sessions


@pytest.fixture
def app(sessions: MemorySessions, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    monkeypatch.setattr(relay, "GRACE_SECONDS", 0.05)  # These speak in no time.
    return create_app(sessions, access=Open(), forms=Forms())


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience in hundredths, where a test is about running out of it."""
    monkeypatch.setattr(relay, "HOLD_SECONDS", 0.05)
    monkeypatch.setattr(relay, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(listening, "LATENCY", 0.0)
    monkeypatch.setattr(listening, "CHARACTERS_A_SECOND", 10_000.0)
