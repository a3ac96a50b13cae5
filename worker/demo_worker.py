"""The demo's worker: one that says when it is ready."""

import asyncio
import os
from pathlib import Path

from turnkeeper.errors import TurnkeeperError
from worker.worker_process import WorkerProcess

_READY = "worker is running"
_READY_WITHIN = 60.0
_LOOK_EVERY = 0.02


class DemoWorker:
    """A worker on this process's Temporal with the forms of a folder; its log is a file."""

    def __init__(self, forms: Path, log: Path) -> None:
        os.environ["TURNKEEPER_FORMS"] = str(forms)
        self._worker = WorkerProcess()
        self._log = log
        self.kill, self.stop = self._worker.kill, self._worker.stop

    async def start(self) -> None:
        """Returns when it takes sessions. Raises TurnkeeperError with its log when it does not."""
        with self._log.open("wb") as output:
            await self._worker.start(output)
        try:
            async with asyncio.timeout(_READY_WITHIN):
                while _READY not in self._said():
                    if self._worker.status is not None:
                        raise self._failed()
                    await asyncio.sleep(_LOOK_EVERY)
        except TimeoutError:
            raise self._failed() from None

    def _said(self) -> str:
        return self._log.read_text(errors="replace")

    def _failed(self) -> TurnkeeperError:
        return TurnkeeperError(f"The worker did not start. It said:\n{self._said()[-2000:]}")
