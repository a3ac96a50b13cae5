"""One world, and one server process that no test kills; each test has a caller of its own."""

import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from uuid import uuid4

import pytest
import pytest_asyncio
from mcp import Client
from temporalio.client import Client as TemporalClient

from tests.channels.lines.mcp import held
from tests.channels.mcp.agents import Agent, Server, a_caller
from tests.channels.stand import ROOT
from tests.durable.conftest import World
from turnkeeper.settings import read_settings
from worker.server import EmbeddedServer


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def working(client: TemporalClient) -> AsyncIterator[World]:
    """One world for all tests here, with a worker in it; each has a caller of its own."""
    token = uuid4().hex[:8]
    settings = read_settings(
        task_queue=f"mcp-{token}", tenant=f"t-{token}", timezone="UTC", forms=ROOT / "forms"
    )
    world = World(client, settings)
    running: AbstractAsyncContextManager[object] = world.worker()
    async with running:
        yield world


@pytest.fixture(scope="session")
def mcp(working: World, server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Server:
    settings = working.settings
    return Server(
        {
            "TEMPORAL_ADDRESS": server.address,
            "TEMPORAL_CONFIG_FILE": os.devnull,
            "TURNKEEPER_TASK_QUEUE": settings.task_queue,
            "TURNKEEPER_TENANT": settings.tenant,
            "TURNKEEPER_FORMS": str(settings.forms),
        },
        tmp_path_factory.mktemp("mcp"),
    )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def desk(mcp: Server) -> AsyncIterator[Client]:
    """A server process that no test kills."""
    agent, leave = await held(mcp.agent())
    yield agent.client
    await leave()


@pytest.fixture
def agent(desk: Client) -> Agent:
    return Agent(desk, caller=a_caller())
