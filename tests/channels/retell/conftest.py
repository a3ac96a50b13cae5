"""A gateway on a real port, and a call that was greeted."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from websockets.asyncio.client import connect

from tests.channels.claim import CLAIM
from tests.channels.retell.calls import Retell
from turnkeeper.gateway.access.ways import Open
from turnkeeper.gateway.app import create_app
from turnkeeper.gateway.serve import listen, serve, url_of
from turnkeeper.testing import MemorySessions


@pytest_asyncio.fixture(loop_scope="session")
async def sessions() -> AsyncIterator[MemorySessions]:
    async with MemorySessions([CLAIM]) as sessions:
        yield sessions


@pytest_asyncio.fixture(loop_scope="session")
async def url(sessions: MemorySessions) -> AsyncIterator[str]:
    """A gateway on a real port."""
    bound, up = listen("127.0.0.1", 0), asyncio.Event()
    address = url_of(bound).replace("http", "ws")
    serving = asyncio.ensure_future(serve(create_app(sessions, access=Open()), bound, ready=up.set))
    await up.wait()
    try:
        yield f"{address}/retell/claim"
    finally:
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving


@pytest_asyncio.fixture(loop_scope="session")
async def call(url: str) -> AsyncIterator[Retell]:
    """A call that was greeted."""
    async with connect(f"{url}/call-1") as socket:
        call = Retell(socket)
        await call.details()
        call.transcript.append(
            {"role": "agent", "content": str((await call.response())["content"])}
        )
        yield call
