"""A stand for channels: a real server, a worker and two gateways, each a process to be killed.

Sessions are encrypted, and the gateways let nobody in without the API key, or Twilio's signature.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from pydantic import TypeAdapter

from turnkeeper.client import VoiceSessions
from turnkeeper.forms.load import load_folder
from turnkeeper.forms.model import Form
from turnkeeper.gateway.access.api_keys import ApiKeys
from turnkeeper.gateway.access.principal import Scope
from turnkeeper.security.key_file import make_key_file
from turnkeeper.settings import Settings, read_settings
from worker.child import kill_child, start_child, stop_child
from worker.server import EmbeddedServer

ROOT = Path(__file__).parents[2]
WORKER = ROOT / "tests" / "chaos" / "worker_process.py"

TWILIO_TOKEN = "12345678901234567890123456789012"
"""The auth token of the stand's Twilio account."""
FORM = """
form: claim
version: "7"
title: Claim
timezone: Europe/London
greeting: Hello.
hand_off: "+14155550199"
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
  - name: name
    type: text
    prompt: What is your name?
"""


class Process:
    """One process of the stand; its output is a file."""

    def __init__(self, command: list[str], log: Path, ready: str, env: dict[str, str]) -> None:
        self._command, self._log, self._ready, self._env = command, log, ready, env
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Returns when it says that it is ready."""
        with self._log.open("wb") as output:
            self._process = await start_child(
                ["/usr/bin/env", *(f"{k}={v}" for k, v in self._env.items()), *self._command],
                output,
                cwd=ROOT,
            )
        async with asyncio.timeout(60):
            while self._ready not in self.said():
                assert self._process.returncode is None, self.said()
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """SIGKILL; returns when it is gone."""
        assert self._process is not None
        await kill_child(self._process)

    async def stop(self) -> None:
        """SIGTERM; returns when it is gone."""
        if self._process is not None:
            await stop_child(self._process, patience=15)

    def said(self) -> str:
        return self._log.read_text(errors="replace")


class GatewayProcess(Process):
    """`python -m worker gateway`, always on the same port; `token` is an API key for it."""

    def __init__(self, folder: Path, name: str, port: int, env: dict[str, str], token: str) -> None:
        command = [sys.executable, "-m", "worker", "gateway", "--gateway-port", str(port)]
        self.url = f"http://127.0.0.1:{port}"
        env = {**env, "TURNKEEPER_PUBLIC_URL": self.url}  # What platforms sign.
        super().__init__(command, folder / f"{name}.log", "gateway is running", env)
        self.ws_url = f"ws://127.0.0.1:{port}"
        self.token = token
        self.headers = {"Authorization": f"Bearer {token}"}


@dataclass
class Stand:
    """Everything that a call goes through. `sessions` is the Python client, to compare with."""

    sessions: VoiceSessions
    settings: Settings
    worker: Process
    gateway: GatewayProcess
    other: GatewayProcess
    """Another instance of the gateway, on the same server."""


@asynccontextmanager
async def stand(server: EmbeddedServer, folder: Path) -> AsyncIterator[Stand]:
    """Server, worker and two gateways, ready for calls."""
    queue = f"channels-{uuid4().hex[:8]}"
    forms = folder / "forms"
    forms.mkdir()
    (forms / "claim.yaml").write_text(FORM)
    make_key_file(folder / "keys.json")
    settings = read_settings(
        task_queue=queue,
        tenant=queue,
        forms=forms,
        turn_deadline=30.0,
        keys=f"file:{folder / 'keys.json'}",
        key_store=f"sqlite:{folder / 'keys.db'}",
        twilio_auth_token=TWILIO_TOKEN,
    )
    scopes: tuple[Scope, ...] = ("talk", "read", "operate", "erase")
    token = await ApiKeys.of(settings).make("tests", queue, scopes, None)
    env = _environment(server, settings)
    worker = Process(_worker(server, queue, folder, forms), folder / "worker.log", "READY", env)
    gateways = [
        GatewayProcess(folder, name, free_port(), env, token) for name in ("gateway", "other")
    ]
    processes = [worker, *gateways]
    try:
        await asyncio.gather(*(process.start() for process in processes))
        async with VoiceSessions.connect(address=server.address, settings=settings) as sessions:
            yield Stand(sessions, settings, worker, *gateways)
    finally:
        await asyncio.gather(*(process.stop() for process in reversed(processes)))


def _worker(server: EmbeddedServer, queue: str, folder: Path, forms: Path) -> list[str]:
    known = folder / "forms.json"
    known.write_bytes(TypeAdapter(list[Form]).dump_json(list(load_folder(forms).values())))
    return [sys.executable, str(WORKER), server.address, queue, str(known)]


def _environment(server: EmbeddedServer, settings: Settings) -> dict[str, str]:
    return {
        "TEMPORAL_ADDRESS": server.address,
        "TEMPORAL_CONFIG_FILE": os.devnull,
        "TURNKEEPER_TASK_QUEUE": settings.task_queue,
        "TURNKEEPER_TENANT": settings.tenant,
        "TURNKEEPER_FORMS": str(settings.forms),
        "TURNKEEPER_TURN_DEADLINE": str(settings.turn_deadline),
        "TURNKEEPER_KEYS": settings.keys or "",
        "TURNKEEPER_KEY_STORE": settings.key_store or "",
        "TURNKEEPER_TWILIO_AUTH_TOKEN": TWILIO_TOKEN,
        "TURNKEEPER_LOG_FORMAT": "json",
    }


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    import socket

    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port
