"""What encryption adds to a turn.

Run from the root of the repository: `uv run python -m benchmarks.encryption`. See README.md here.
"""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import click

from benchmarks.figures import Round
from benchmarks.report import Ratio, Report
from benchmarks.rig import TURNKEEPER, rig, worker_process
from benchmarks.turn import Road, TurnkeeperRoad, timed_rounds
from turnkeeper import VoiceSessions
from turnkeeper.connection import connect
from turnkeeper.security.key_file import make_key_file
from turnkeeper.settings import read_settings
from turnkeeper.temporal import TemporalBackend
from worker.process import run_command

PLAIN, ENCRYPTED, AGAIN = "in clear", "encrypted", "in clear again"
"""The third is the first once more: what the two differ by is what the machine adds by itself."""

TARGETS = {ENCRYPTED: 1.05}
"""How many times as long as in clear an encrypted turn may take at most, p50."""

RATIOS = (Ratio("times_in_clear", "times in clear", to=PLAIN, digits=3),)


@click.command()
@click.option("--rounds", default=40, show_default=True, help="Claims that are timed.")
@click.option("--json", "as_json", is_flag=True, help="Rows as JSON.")
def main(rounds: int, as_json: bool) -> None:
    """Time turns with and without encryption, turn by turn on one server."""
    run_command(lambda: _main(rounds, as_json))


async def _main(rounds: int, as_json: bool) -> None:
    report = Report(await measure(rounds), RATIOS, TARGETS)
    click.echo(report.text(as_json=as_json))


async def measure(rounds: int) -> list[Round]:
    """The times of `rounds` claims; each turn is made in every kind, in changing order."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(rig())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        make_key_file(folder / "tenant-keys.json")
        keys = {
            "TURNKEEPER_KEYS": f"file:{folder / 'tenant-keys.json'}",
            "TURNKEEPER_KEY_STORE": f"sqlite:{folder / 'keys.db'}",
        }
        roads: dict[str, Road] = {}
        for kind, variables in ((PLAIN, {}), (ENCRYPTED, keys), (AGAIN, {})):
            queue = kind.replace(" ", "-")
            line = _line(server.address, {**variables, "TURNKEEPER_TASK_QUEUE": queue})
            roads[kind] = TurnkeeperRoad(await stack.enter_async_context(line))
        return await timed_rounds(roads, rounds)


@asynccontextmanager
async def _line(address: str, variables: dict[str, str]) -> AsyncIterator[VoiceSessions]:
    """A client, and a `python -m worker` for it alone, both with `variables` in the environment."""
    async with AsyncExitStack() as stack:
        with _environment(variables):
            settings = read_settings()
            client = await connect(address, settings=settings)
            await stack.enter_async_context(worker_process(*TURNKEEPER))
        backend = TemporalBackend(client, settings.task_queue)
        yield await stack.enter_async_context(VoiceSessions(backend, settings))


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            del os.environ[name]


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.encryption")
