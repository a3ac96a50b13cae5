"""Real processes to kill: a Temporal server of the test's own, and workers."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest_asyncio
from pydantic import TypeAdapter

from tests.durable.conftest import CLAIM
from turnkeeper.client import VoiceSessions
from turnkeeper.forms.load import parse_form
from turnkeeper.forms.model import Form
from turnkeeper.settings import read_settings
from worker.child import kill_child, start_child
from worker.server import EmbeddedServer

SCRIPT = Path(__file__).with_name("worker_process.py")


@dataclass
class Processes:
    """A server and any number of workers; `forms` are what workers know that start from now on."""

    server: EmbeddedServer
    folder: Path
    forms: Sequence[Form] = field(default_factory=lambda: [parse_form(CLAIM)])
    task_queue: str = field(default_factory=lambda: f"chaos-{uuid4().hex[:8]}")
    running: list[asyncio.subprocess.Process] = field(default_factory=list)

    @property
    def hold(self) -> Path:
        """Where a held worker says that it is deciding, and waits."""
        return self.folder / "hold"

    async def start_worker(self, *, holds: bool = False) -> asyncio.subprocess.Process:
        """A worker that takes sessions."""
        forms = self.folder / "forms.json"
        forms.write_bytes(TypeAdapter(list[Form]).dump_json(list(self.forms)))
        self.hold.mkdir(exist_ok=True)
        log = self.folder / f"worker-{len(self.running)}.log"
        command = [sys.executable, str(SCRIPT), self.server.address, self.task_queue, str(forms)]
        with log.open("wb") as output:
            process = await start_child(command + [str(self.hold)] * holds, output)
        self.running.append(process)
        async with asyncio.timeout(60):
            while b"READY" not in log.read_bytes():
                assert process.returncode is None, log.read_text()
                await asyncio.sleep(0.02)
        return process

    async def deciding(self) -> None:
        """Wait until a worker is in the middle of a held turn."""
        async with asyncio.timeout(30):
            while not (self.hold / "deciding").exists():
                await asyncio.sleep(0.01)


@pytest_asyncio.fixture(loop_scope="session")
async def processes(tmp_path: Path) -> AsyncIterator[Processes]:
    async with EmbeddedServer(tmp_path / "data") as server:
        running = Processes(server, tmp_path)
        try:
            yield running
        finally:
            for process in running.running:
                await kill_child(process)


@pytest_asyncio.fixture(loop_scope="session")
async def sessions(processes: Processes) -> AsyncIterator[VoiceSessions]:
    settings = read_settings(task_queue=processes.task_queue, turn_deadline=30)
    async with VoiceSessions.connect(
        address=processes.server.address, settings=settings
    ) as sessions:
        yield sessions
