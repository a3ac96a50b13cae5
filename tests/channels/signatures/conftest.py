"""A gateway with accounts at both platforms."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from fastapi import FastAPI

from tests.channels.signatures.signing import ACCOUNTS, PUBLIC
from tests.channels.twilio.calls import CLAIM, Forms
from turnkeeper.gateway.access.ways import Made
from turnkeeper.gateway.app import create_app
from turnkeeper.relay_caller import served
from turnkeeper.settings import read_settings
from turnkeeper.testing import MemorySessions


@pytest_asyncio.fixture(loop_scope="session")
async def sessions() -> AsyncIterator[MemorySessions]:
    async with MemorySessions([CLAIM], settings=read_settings(**ACCOUNTS)) as sessions:
        yield sessions


@pytest.fixture
def app(sessions: MemorySessions) -> FastAPI:
    access = Made(sessions.settings.tenant)
    return create_app(sessions, access=access, forms=Forms(), public_url=PUBLIC)


@pytest.fixture(scope="module")
def shared() -> FastAPI:
    """One for all whose tests open nothing."""
    sessions = MemorySessions([CLAIM], settings=read_settings(**ACCOUNTS))
    return create_app(sessions, access=Made("default"), forms=Forms(), public_url=PUBLIC)


@pytest_asyncio.fixture(loop_scope="session")
async def relay(app: FastAPI) -> AsyncIterator[str]:
    async with served(app) as url:
        yield f"ws{url[4:]}/twilio/relay"
