"""A gateway of its own for each test, in this process."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.channels.streaming import Gateway, HeldBackend, gateway


@pytest_asyncio.fixture(loop_scope="session")
async def here() -> AsyncIterator[Gateway]:
    async with gateway(HeldBackend()) as one:
        yield one
