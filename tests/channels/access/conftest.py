"""A gateway with the WebSocket alone, which takes an issuer's tokens and its own keys."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.channels.credentials import Credentials
from tests.channels.streaming import Gateway, HeldBackend, gateway
from turnkeeper.gateway.access.tickets import Tickets


@pytest.fixture
def tickets(given: Credentials) -> Tickets:
    return Tickets.of(given.settings)


@pytest_asyncio.fixture(loop_scope="session")
async def here(given: Credentials, tickets: Tickets) -> AsyncIterator[Gateway]:
    async with gateway(HeldBackend(), access=given.access, tickets=tickets) as one:
        yield one
