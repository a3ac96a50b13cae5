"""What every benchmark stands on: one embedded server in a temporary folder, and workers in
processes of their own, as in production."""

import asyncio
import contextlib
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from turnkeeper.errors import TurnkeeperError
from worker.child import start_child, stop_child
from worker.dev import point_temporal_at
from worker.server import EmbeddedServer

PATIENCE_SECONDS = 10.0
FORMS = Path(__file__).resolve().parent.parent / "forms"
TURNKEEPER = ("worker", "--forms", str(FORMS))


class BenchmarkError(TurnkeeperError):
    """What was measured is not what was meant to be: no figure is given."""


@contextlib.asynccontextmanager
async def rig() -> AsyncIterator[EmbeddedServer]:
    """A server with an empty database, where `TEMPORAL_*` of this process and its children points.

    Turnkeeper's own settings are the defaults: `TURNKEEPER_*` of the environment are left out.
    """
    for variable in [name for name in os.environ if name.startswith("TURNKEEPER_")]:
        del os.environ[variable]
    with tempfile.TemporaryDirectory(prefix="turnkeeper-benchmark-") as folder:
        async with EmbeddedServer(Path(folder)) as server:
            point_temporal_at(server)
            yield server


@contextlib.asynccontextmanager
async def worker_process(module: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m module arguments` while the context is open; its log is shown if it dies."""
    with tempfile.TemporaryFile() as log:
        process = await start_child([sys.executable, "-m", module, *arguments], log)
        try:
            yield process
            if process.returncode is not None:
                log.seek(0)
                raise BenchmarkError(
                    f"the worker {module} ended by itself:\n{log.read().decode(errors='replace')}"
                )
        finally:
            await stop_child(process, PATIENCE_SECONDS)
