"""A real Temporal server for the tests here, and a world a test: its own task queue and forms."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from turnkeeper.client import VoiceSessions
from turnkeeper.connection import connect
from turnkeeper.forms.load import parse_form
from turnkeeper.forms.model import Form
from turnkeeper.settings import Settings, read_settings
from turnkeeper.temporal import TemporalBackend
from turnkeeper.testing import Clock, MemorySessions
from worker.build import build_worker
from worker.server import EmbeddedServer

CLAIM = """
form: claim
version: "7"
title: Claim
timezone: Europe/London
greeting: Hello.
hand_off: claims-desk
fields:
  - name: policy
    type: digits
    length: 4
    prompt: ["Policy number?", "Four digits please."]
  - name: theft
    type: boolean
    prompt: Was anything stolen?
  - name: report
    type: digits
    when: theft
    prompt: Police report number?
  - name: day
    type: date
    max: today
    prompt: What day did it happen?
"""


@dataclass
class World:
    """One test's part of the server: a task queue, the forms that its workers have, sessions."""

    client: Client
    settings: Settings
    forms: dict[str, Form] = field(default_factory=lambda: {"claim": parse_form(CLAIM)})

    def worker(self, *, max_cached_sessions: int | None = None, searchable: bool = True) -> Worker:
        return build_worker(
            self.client,
            self.settings,
            lambda name: self.forms.get(name),
            searchable=searchable,
            max_cached_sessions=max_cached_sessions,
        )

    def sessions(self, deadline: float = 15.0) -> VoiceSessions:
        settings = self.settings
        backend = TemporalBackend(self.client, settings.task_queue, deadline, settings.key_store)
        return VoiceSessions(backend, self.settings)

    def handle(self, session_id: str) -> WorkflowHandle[object, object]:
        return self.client.get_workflow_handle(session_id)

    async def runs(self, session_id: str) -> int:
        """How many runs the session's chain has so far."""
        query = f"WorkflowId = '{session_id}'"
        return len([run async for run in self.client.list_workflows(query)])


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedServer]:
    """One embedded server for all tests that do not kill it."""
    async with EmbeddedServer(Path(tmp_path_factory.mktemp("temporal"))) as server:
        yield server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client(server: EmbeddedServer) -> Client:
    return await connect(server.address)


@pytest.fixture
def world(client: Client) -> World:
    token = uuid4().hex[:8]
    settings = read_settings(task_queue=f"test-{token}", tenant=f"t-{token}", timezone="UTC")
    return World(client, settings)


@pytest_asyncio.fixture(params=["temporal", "memory"], loop_scope="session")
async def anywhere(request: pytest.FixtureRequest, world: World) -> AsyncIterator[VoiceSessions]:
    """Sessions of each kind, with the same forms."""
    if request.param == "memory":
        async with MemorySessions(world.forms.values(), clock=Clock(datetime.now(UTC))) as memory:
            yield memory
    else:
        async with world.worker(), world.sessions() as sessions:
            yield sessions


@pytest_asyncio.fixture(loop_scope="session")
async def sessions(world: World) -> AsyncIterator[VoiceSessions]:
    """Sessions with a worker that serves them."""
    running: AbstractAsyncContextManager[object] = world.worker()
    async with running, world.sessions() as sessions:
        yield sessions
