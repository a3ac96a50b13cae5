"""What a session takes: memory in a worker, events and bytes in history, time to rebuild it cold.

Run from the root of the repository: `uv run python -m benchmarks.size`. See README.md here.
"""

import asyncio
import json
import statistics
import subprocess
import time
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from uuid import uuid4

import click
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from benchmarks.claim import CLAIM, FORM
from benchmarks.figures import slope
from benchmarks.rig import TURNKEEPER, rig, worker_process
from turnkeeper import VoiceSession, VoiceSessions
from worker.process import run_command

AT_ONCE = 8
"""Sessions that are filled side by side: under Temporal's pollers, enough for two cores."""
STEPS = 5
"""Readings of memory; a line through them gives the memory of one session."""
WARM_UP = 50
"""Sessions before the first reading: what a worker loads once, it has loaded by then."""
OPEN_TURNS = CLAIM[:8]
LONG_TURNS = 38
"""With the connect one message fewer than a run takes (`workflows.voice_session`)."""
COLD_SESSIONS = 6
CACHE = 2
"""Sessions that the cold worker keeps: each read of six in a circle finds its session evicted."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """The readings; bytes and times of history are per turn, without the connect."""

    sessions: int
    worker_mib: float
    session_kib: float
    events_a_turn: float
    bytes_a_turn: float
    bytes_of_opening: int
    cold_ms: float
    warm_ms: float

    def table(self) -> str:
        rows = (
            ("memory of a worker without sessions", f"{self.worker_mib:.0f} MiB"),
            (f"memory of an open session after {len(OPEN_TURNS)} turns ({self.sessions} open)",
             f"{self.session_kib:.0f} KiB"),
            ("events a turn", f"{self.events_a_turn:.1f}"),
            ("history a turn", f"{self.bytes_a_turn:,.0f} bytes"),
            ("history of opening a session (its form is in it)",
             f"{self.bytes_of_opening:,} bytes"),
            (f"state of a session of {LONG_TURNS} turns, in the cache", f"{self.warm_ms:.0f} ms"),
            ("the same, rebuilt cold", f"{self.cold_ms:.0f} ms"),
        )  # fmt: skip
        return "\n".join(("| what | |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows)))


@click.command()
@click.option("--sessions", default=200, show_default=True, help="Sessions that are held open.")
@click.option("--json", "as_json", is_flag=True, help="The readings as JSON.")
def main(sessions: int, as_json: bool) -> None:
    """Measure what sessions take in memory, in history, and in time when rebuilt."""
    run_command(lambda: _main(sessions, as_json))


async def _main(sessions: int, as_json: bool) -> None:
    sizes = await measure(sessions)
    click.echo(json.dumps(asdict(sizes), indent=2) if as_json else sizes.table())


async def measure(sessions: int) -> Sizes:
    """All readings, on one server, each with a fresh worker process."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(rig())
        opened = await stack.enter_async_context(VoiceSessions.connect(address=server.address))
        client = await Client.connect(server.address)
        worker_mib, session_kib = await _memory(opened, sessions)
        async with worker_process(*TURNKEEPER):
            long = [await _filled(opened, LONG_TURNS) for _ in range(COLD_SESSIONS)]
            warm_ms = await _reads(long)
        opening, turns = await _history(client, long[0])
        async with worker_process(*TURNKEEPER, "--max-cached-sessions", str(CACHE)):
            await _reads(long)
            cold_ms = await _reads(long)
    return Sizes(
        sessions=sessions,
        worker_mib=worker_mib,
        session_kib=session_kib,
        events_a_turn=len(turns) / LONG_TURNS,
        bytes_a_turn=sum(turns) / LONG_TURNS,
        bytes_of_opening=sum(opening),
        cold_ms=cold_ms,
        warm_ms=warm_ms,
    )


# --- memory ---------------------------------------------------------------------------------------


async def _memory(opened: VoiceSessions, sessions: int) -> tuple[float, float]:
    """MiB of a worker without sessions, and KiB for each session that it holds."""
    async with worker_process(*TURNKEEPER) as worker:
        await _fill(opened, WARM_UP)
        readings = [(0.0, _resident_kib(worker.pid))]
        for step in range(1, STEPS + 1):
            wanted = sessions * step // STEPS
            await _fill(opened, wanted - int(readings[-1][0]))
            readings.append((float(wanted), _resident_kib(worker.pid)))
            click.echo(f"{wanted} of {sessions} sessions open", err=True)
    each = slope(readings)
    return (readings[0][1] - WARM_UP * each) / 1024, each


async def _fill(opened: VoiceSessions, sessions: int) -> None:
    """Open that many sessions and take each through `OPEN_TURNS`."""
    free = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with free:
            await _filled(opened, len(OPEN_TURNS))

    await asyncio.gather(*(one() for _ in range(sessions)))


def _resident_kib(pid: int) -> float:
    listed = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True
    )
    return float(listed.stdout)


# --- history and rebuilding -----------------------------------------------------------------------


async def _filled(opened: VoiceSessions, turns: int) -> VoiceSession:
    """A session after that many turns; the claim's date is corrected over and over at its end."""
    session = await opened.open(FORM, caller=f"caller-{uuid4()}")
    for number in range(turns):
        more = ("the date was monday", "the date was tuesday")[number % 2]
        await session.turn(OPEN_TURNS[number] if number < len(OPEN_TURNS) else more)
    return session


async def _reads(sessions: list[VoiceSession]) -> float:
    """Milliseconds to read a session's state, the median of one read each."""
    times = []
    for session in sessions:
        start = time.perf_counter()
        await session.state()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


async def _history(client: Client, session: VoiceSession) -> tuple[list[int], list[int]]:
    """Bytes of each event, of the opening and of the turns; a turn begins with its scheduled
    workflow task."""
    history = await client.get_workflow_handle(session.id).fetch_history()
    tasks = [
        index
        for index, event in enumerate(history.events)
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED
    ]
    sizes = [event.ByteSize() for event in history.events]
    first_turn = tasks[-LONG_TURNS]
    return sizes[:first_turn], sizes[first_turn:]


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.size")
