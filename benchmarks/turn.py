"""How long a turn takes, beside what Temporal takes for nothing at all.

Run from the root of the repository: `uv run python -m benchmarks.turn`. See README.md here.
"""

import asyncio
import random
import time
from contextlib import AsyncExitStack
from typing import Protocol
from uuid import uuid4

import click
from temporalio.client import Client, WorkflowHandle

from benchmarks.claim import ANSWERS, CLAIM, FORM
from benchmarks.figures import Round
from benchmarks.raw import ONLY_UPDATE, RAW, WITH_LOCAL_ACTIVITY
from benchmarks.report import Ratio, Report
from benchmarks.rig import TURNKEEPER, BenchmarkError, rig, worker_process
from turnkeeper import VoiceSession, VoiceSessions
from turnkeeper.temporal import TASK_TIMEOUT
from worker.process import run_command

UNSANDBOXED, SANDBOXED = "raw-unsandboxed", "raw-sandboxed"
"""Task queues of the two raw workers."""

FLOOR = "update"
LOCAL = "update + local activity"
TURN = "turnkeeper turn"
SANDBOX = ", sandboxed"

TARGETS = {FLOOR: 1.6, LOCAL + SANDBOX: 1.2}
"""How many times as long as each a full turn may take at most, p50; our worker is sandboxed."""

RATIOS = (
    Ratio("times_the_floor", "times the floor", to=FLOOR),
    Ratio("turn_is_times_this", "a full turn is times this", kind=TURN),
)

PAUSE_SECONDS = 0.03
"""Before each turn, in every kind: a caller takes longer, and what a server does after its answer
(it indexes search attributes) is not charged to the next kind."""
WARM_UP_ROUNDS = 3
ORDER = random.Random(0)
"""Fixed, so that two runs take the same order."""


class Road(Protocol):
    """One way to have turns answered."""

    async def begin(self) -> None:
        """A new caller; not timed."""

    async def turn(self, text: str) -> None:
        """One turn, until its reply is there; timed."""

    async def end(self) -> None:
        """The caller hangs up; not timed. Raises BenchmarkError if not all was done."""


class RawRoad:
    """A raw workflow's update of that name."""

    def __init__(self, client: Client, queue: str, update: str) -> None:
        self._client, self._queue, self._update = client, queue, update
        self._handle: WorkflowHandle[object, object] | None = None

    async def begin(self) -> None:
        self._handle = await self._client.start_workflow(
            RAW, id=f"raw-{uuid4()}", task_queue=self._queue, task_timeout=TASK_TIMEOUT
        )
        await self.turn("")

    async def turn(self, text: str) -> None:
        await self._known().execute_update(self._update, text, result_type=str)

    async def end(self) -> None:
        await self._known().signal("stop")

    def _known(self) -> WorkflowHandle[object, object]:
        if self._handle is None:
            raise BenchmarkError("a raw turn before the caller's first")
        return self._handle


class TurnkeeperRoad:
    """The whole of it: an agent's client, a claim, `python -m worker`."""

    def __init__(self, sessions: VoiceSessions) -> None:
        self._sessions = sessions
        self._session: VoiceSession | None = None

    async def begin(self) -> None:
        self._session = await self._sessions.open(FORM, caller=f"caller-{uuid4()}")

    async def turn(self, text: str) -> None:
        await self._known().turn(text)

    async def end(self) -> None:
        state = await self._known().state()
        wrong = {name for name, value in ANSWERS.items() if state.form_answers.get(name) != value}
        if wrong or state.status != "completed":
            raise BenchmarkError(
                f"a claim ended as {state.status} with these fields wrong: {sorted(wrong)};"
                " benchmarks/claim.py and forms/roadside_claim.yaml do not fit together"
            )

    def _known(self) -> VoiceSession:
        if self._session is None:
            raise BenchmarkError("a turn before the caller's first")
        return self._session


@click.command()
@click.option("--rounds", default=40, show_default=True, help="Claims that are timed.")
@click.option("--json", "as_json", is_flag=True, help="Rows as JSON.")
def main(rounds: int, as_json: bool) -> None:
    """Time full turns of Turnkeeper and raw updates of Temporal, turn by turn on one server."""
    run_command(lambda: _main(rounds, as_json))


async def _main(rounds: int, as_json: bool) -> None:
    report = Report(await measure(rounds), RATIOS, TARGETS)
    click.echo(report.text(as_json=as_json))


async def measure(rounds: int) -> list[Round]:
    """The times of `rounds` claims, each turn of which is followed by one of every other kind."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(rig())
        for queue in (UNSANDBOXED, SANDBOXED):
            flag = f"--{queue.removeprefix('raw-')}"
            await stack.enter_async_context(worker_process("benchmarks.raw_worker", queue, flag))
        await stack.enter_async_context(worker_process(*TURNKEEPER))
        sessions = await stack.enter_async_context(VoiceSessions.connect(address=server.address))
        roads = _roads(await Client.connect(server.address), sessions)
        return await timed_rounds(roads, rounds)


def _roads(client: Client, sessions: VoiceSessions) -> dict[str, Road]:
    return {
        FLOOR: RawRoad(client, UNSANDBOXED, ONLY_UPDATE),
        FLOOR + SANDBOX: RawRoad(client, SANDBOXED, ONLY_UPDATE),
        LOCAL: RawRoad(client, UNSANDBOXED, WITH_LOCAL_ACTIVITY),
        LOCAL + SANDBOX: RawRoad(client, SANDBOXED, WITH_LOCAL_ACTIVITY),
        TURN: TurnkeeperRoad(sessions),
    }


async def timed_rounds(roads: dict[str, Road], rounds: int) -> list[Round]:
    """Times the roads side by side; the first rounds are thrown away."""
    timed: list[Round] = []
    for number in range(-WARM_UP_ROUNDS, rounds):
        one = await _round(roads)
        if number >= 0:
            timed.append(one)
        click.echo(f"\rround {number + 1} of {rounds} ", nl=False, err=True)
    click.echo(err=True)
    return timed


async def _round(roads: dict[str, Road]) -> Round:
    """One claim on every road, turn by turn, in another order at each turn: what a turn leaves for
    the server to do afterwards must not always fall on the same neighbour."""
    times: dict[str, list[float]] = {kind: [] for kind in roads}
    for road in roads.values():
        await road.begin()
    kinds = list(roads)
    for text in CLAIM:
        ORDER.shuffle(kinds)
        for kind in kinds:
            times[kind].append(await _timed(roads[kind], text))
    for road in roads.values():
        await road.end()
    return times


async def _timed(road: Road, text: str) -> float:
    """Milliseconds."""
    await asyncio.sleep(PAUSE_SECONDS)
    start = time.perf_counter()
    await road.turn(text)
    return (time.perf_counter() - start) * 1000


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.turn")
