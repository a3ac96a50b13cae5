"""The worker process that `dev` keeps running, stopped at a bad moment."""

import asyncio
import signal
from collections.abc import Sequence
from typing import IO

import pytest

from worker import dev, worker_process
from worker.child import start_child


async def test_a_worker_that_is_being_started_again_is_stopped_by_a_signal_and_not_killed(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    started: list[asyncio.subprocess.Process] = []
    again = asyncio.Event()

    async def watched(command: Sequence[str], output: IO[bytes]) -> asyncio.subprocess.Process:
        if started:
            again.set()
            await asyncio.sleep(0)  # Here the test leaves.
        started.append(await start_child(command, output))
        return started[-1]

    monkeypatch.setattr(dev, "RESTART_SECONDS", 0.0)
    monkeypatch.setattr(worker_process, "start_child", watched)
    async with asyncio.timeout(20):
        async with dev._kept_worker() as worker:
            await worker.kill()
            await again.wait()
        killed, stopped = started
    assert killed.returncode == -signal.SIGKILL
    assert stopped.returncode in (0, -signal.SIGTERM)
