"""Each process says whether it lives and whether it can work, to whoever asks."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.durable.conftest import World
from turnkeeper.errors import StoreUnavailable
from turnkeeper.gateway.access.ways import Open
from turnkeeper.gateway.app import create_app
from turnkeeper.gateway.health import Check, Readiness
from turnkeeper.testing import MemorySessions
from worker.health import Health
from worker.server import EmbeddedServer, free_port

WITHIN = 30.0
"""Seconds until a process must have come so far."""

FORM = 'form: note\nfields: [{name: what, type: text, prompt: "What?"}]\n'


@asynccontextmanager
async def running(*arguments: str, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m worker` with no Temporal settings but these; stopped in the end."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("TEMPORAL_", "OTEL"))}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "worker", *arguments,
        env=inherited | {"TEMPORAL_CONFIG_FILE": os.devnull} | environment,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def answer(port: int, path: str) -> tuple[int, dict[str, object]]:
    """What a kubelet gets, which asks at an address that is no name of the process."""
    async with httpx.AsyncClient() as client:
        got = await client.get(f"http://127.0.0.1:{port}{path}", headers={"Host": "10.9.8.7:1"})
    return got.status_code, json.loads(got.text)


async def until(port: int, path: str, status: int) -> dict[str, object]:
    """The answer with that status; others, and none at all, are waited over."""
    async with asyncio.timeout(WITHIN):
        while True:
            try:
                found, body = await answer(port, path)
                if found == status:
                    return body
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("deployment", ["", pytest.param("health", marks=pytest.mark.long)])
async def test_a_worker_is_live_at_once_and_ready_once_it_polls(
    server: EmbeddedServer, tmp_path: Path, deployment: str
) -> None:
    (tmp_path / "note.yaml").write_text(FORM)
    port = free_port()
    versioned = {"TURNKEEPER_DEPLOYMENT": deployment, "TURNKEEPER_BUILD_ID": deployment and "1"}
    async with running(
        TURNKEEPER_HEALTH=f"127.0.0.1:{port}",
        TURNKEEPER_FORMS=str(tmp_path),
        TURNKEEPER_TASK_QUEUE=f"health-{uuid4().hex[:8]}",
        TEMPORAL_ADDRESS=server.address,
        **versioned,
    ) as process:
        assert await until(port, "/livez", 200) == {"status": "live"}
        body = await until(port, "/readyz", 200)
        assert body == {"status": "ready", "checks": {"temporal": "ok", "pollers": "ok"}}
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(WITHIN):
            assert await process.wait() == 0


async def test_a_worker_that_was_asked_to_stop_is_ready_no_more_while_it_finishes(
    world: World,
) -> None:
    health, worker = Health(), world.worker()
    assert not await passes(health.require_pollers)
    health.connected(world.client)
    async with worker:
        assert not await passes(health.require_pollers)
        with health.polling(worker):
            async with asyncio.timeout(WITHIN):
                while not await passes(health.require_pollers):
                    await asyncio.sleep(0.05)
        assert not await passes(health.require_pollers)
        await health.require_temporal()


async def passes(check: Check) -> bool:
    try:
        await check()
    except StoreUnavailable:
        return False
    return True


async def test_a_worker_whose_server_is_not_there_yet_is_live_and_not_ready(
    tmp_path: Path,
) -> None:
    (tmp_path / "note.yaml").write_text(FORM)
    port = free_port()
    async with running(
        TURNKEEPER_HEALTH=f"127.0.0.1:{port}",
        TURNKEEPER_FORMS=str(tmp_path),
        TEMPORAL_ADDRESS=f"127.0.0.1:{free_port()}",
    ):
        await until(port, "/livez", 200)
        body = await until(port, "/readyz", 503)
        assert body["checks"] == {"temporal": "failing", "pollers": "failing"}


async def test_a_gateway_is_ready_when_temporal_answers_whoever_asks_and_by_whatever_name() -> None:
    async with MemorySessions([]) as sessions:
        app = create_app(sessions, access=Open())
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://10.9.8.7") as client:
            ready = await client.get("/readyz")
            assert (ready.status_code, ready.json()["checks"]) == (200, {"temporal": "ok"})
            assert ready.headers["cache-control"] == "no-store"
            assert (await client.get("/openapi.json")).status_code == 421
            foreign = await client.get("/readyz", headers={"Origin": "https://evil.example"})
            assert foreign.status_code == 403
        away = create_app(sessions, access=Open())
        transport = httpx.ASGITransport(away)
        async with httpx.AsyncClient(transport=transport, base_url="http://10.9.8.7") as client:
            with sessions.unreachable():
                asked = await client.get("/readyz")
                assert (asked.status_code, asked.json()["status"]) == (503, "not ready")
                assert (await client.get("/livez")).status_code == 200


async def test_however_many_ask_at_once_temporal_is_asked_once() -> None:
    asked = 0

    async def check() -> None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)

    readiness = Readiness({"temporal": check})
    found = await asyncio.gather(*(readiness.failing() for _ in range(50)))
    assert (asked, found[-1]) == (1, {"temporal": False})


async def test_why_a_check_fails_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    failing = True

    async def check() -> None:
        if failing:
            raise StoreUnavailable("nobody is there")

    readiness = Readiness({"temporal": check}, good_for=0.0)
    for _ in range(3):
        await readiness.failing()
    failing = False
    await readiness.failing()
    said = [record.getMessage() for record in caplog.records]
    assert len([line for line in said if "not ready" in line]) == 1
    assert len([line for line in said if "ready again" in line]) == 1
