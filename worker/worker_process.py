"""`python -m worker` as a child of this process: to be killed, and started again."""

import asyncio
import sys
from typing import IO

from worker.child import kill_child, start_child, stop_child

_STOP_WITHIN = 30.0
"""Over the drain of a worker."""


class WorkerProcess:
    """A worker with this process's environment and folder; its log goes where `start` is told."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None

    @property
    def status(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.returncode if self._process else None

    async def start(self, output: IO[bytes]) -> None:
        """Returns once there is a process; it takes sessions about two seconds later."""
        self._process = await start_child((sys.executable, "-m", "worker"), output)

    async def ended(self) -> int:
        """Waits for it to end, however it does; its exit status."""
        return await self._process.wait() if self._process else 0

    async def kill(self) -> None:
        """SIGKILL, as a crash would; returns when it is gone."""
        if self._process is not None:
            await kill_child(self._process)

    async def stop(self) -> None:
        """SIGTERM; returns when it is gone."""
        if self._process is not None:
            await stop_child(self._process, _STOP_WITHIN)
