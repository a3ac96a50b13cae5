"""The demo's worker: `python -m worker` as a process of its own, to be killed and started again."""

import asyncio
import sys
from pathlib import Path

from turnkeeper.errors import TurnkeeperError
from worker.child import kill_child, start_child, stop_child

_ROOT = Path(__file__).parent.parent
_READY = "worker is running"
_READY_WITHIN = 60.0
_LOOK_EVERY = 0.02


class WorkerProcess:
    """A worker on this process's Temporal with the forms of a folder; its log is a file."""

    def __init__(self, forms: Path, log: Path) -> None:
        self._command = (sys.executable, "-m", "worker", "--forms", str(forms))
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Returns when it takes sessions. Raises TurnkeeperError with its log when it does not."""
        with self._log.open("wb") as output:
            self._process = await start_child(self._command, output, cwd=_ROOT)
        try:
            async with asyncio.timeout(_READY_WITHIN):
                while _READY not in self._said():
                    if self._process.returncode is not None:
                        raise self._failed()
                    await asyncio.sleep(_LOOK_EVERY)
        except TimeoutError:
            raise self._failed() from None

    async def kill(self) -> None:
        """SIGKILL, as a crash would; returns when it is gone."""
        if self._process is not None:
            await kill_child(self._process)

    async def stop(self) -> None:
        """SIGTERM; returns when it is gone."""
        if self._process is not None:
            await stop_child(self._process, patience=10.0)

    def _said(self) -> str:
        return self._log.read_text(errors="replace")

    def _failed(self) -> TurnkeeperError:
        return TurnkeeperError(f"The worker did not start. It said:\n{self._said()[-2000:]}")
