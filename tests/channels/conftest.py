"""Fixtures of the durable tests, and a stand of real processes for all channels."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.channels.credentials import Credentials
from tests.channels.stand import Stand, stand
from tests.durable.conftest import client, server, sessions, world
from worker.server import EmbeddedServer

__all__ = ["channels", "client", "server", "sessions", "world"]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def channels(
    server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stand]:
    """One stand for all; a test that kills something starts it again."""
    async with stand(server, tmp_path_factory.mktemp("channels")) as stood:
        yield stood


@pytest.fixture(scope="session")
def given(tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    """Whose tokens are good at a gateway, and its API keys."""
    return Credentials.made(tmp_path_factory.mktemp("credentials"))
