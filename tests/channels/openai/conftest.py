"""Sessions in memory, a gateway before them, a platform that asks it, and the unmodified client."""

from collections.abc import AsyncIterator

import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from tests.channels.claim import CALLER, CLAIM
from tests.channels.openai.chat_platform import Platform, gateway
from turnkeeper.testing import MemorySessions


@pytest_asyncio.fixture(loop_scope="session")
async def sessions() -> AsyncIterator[MemorySessions]:
    async with MemorySessions([CLAIM]) as sessions:
        yield sessions


@pytest.fixture
def app(sessions: MemorySessions) -> FastAPI:
    return gateway(sessions)


@pytest.fixture
def platform(app: FastAPI) -> Platform:
    return Platform(app)


@pytest_asyncio.fixture(loop_scope="session")
async def client(app: FastAPI) -> AsyncIterator[AsyncOpenAI]:
    """The client as a developer sets it up, but for its transport."""
    transport = httpx2.ASGITransport(app)
    async with AsyncOpenAI(
        base_url="http://127.0.0.1/v1",
        api_key="none",
        default_headers={"X-Turnkeeper-Subject": CALLER, "X-Turnkeeper-Call": "call-1"},
        http_client=DefaultAsyncHttpxClient(transport=transport),
    ) as client:
        yield client
