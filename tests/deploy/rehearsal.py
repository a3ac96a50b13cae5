"""A deploy and its roll-back with real processes, while callers are on the line.

An embedded server, workers as `python -m worker` from two trees (see `releases`), callers as client
processes (see `callers`), and the `temporal` command for what an operator does. What came of it is
a `Report`; what was broken is a sentence each in it.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from tests.deploy.deployment import DRAIN_WINDOW, WITHIN, Deployment, until
from tests.deploy.journal import Entry, Opened, Reader, Took, broken
from tests.deploy.releases import FIRST_FIELD, FORM, ROOT, Release, first_release, second_release
from turnkeeper.client import VoiceSession, VoiceSessions
from turnkeeper.settings import Versioning, read_settings
from worker.child import kill_child, start_child
from worker.server import NAMESPACE, EmbeddedServer

Stop = Literal["SIGTERM", "SIGKILL"]

DEPLOYMENT = "rehearsal"
SETTINGS = ("TEMPORAL_", "TURNKEEPER_", "OTEL_", "PYTHONPATH")
"""How the variables begin that a rehearsal sets itself, or leaves out."""
CLIENT_PROCESSES = 2
IDLE_CALLERS = 2
"""Those who answered one question, hung up, and are silent through all of it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is rehearsed. `stops` are how the old build ends at the deploy, and at the roll-back."""

    callers: int = 50
    versioning: Versioning = "auto_upgrade"
    stops: tuple[Stop, Stop] = ("SIGTERM", "SIGTERM")
    gap: float = 4.0
    """Seconds between two turns of a caller."""


@dataclass(slots=True)
class Move:
    """Another build taking over; times are seconds since the epoch."""

    build_id: str
    stop: Stop
    began: float
    current_at: float = 0.0
    stopped_at: float = 0.0
    ended: float = 0.0
    longest_wait: float = 0.0
    """Seconds that the caller who waited longest meanwhile waited for an answer."""


@dataclass
class Report:
    """What came of a rehearsal."""

    plan: Plan
    moves: list[Move] = field(default_factory=list)
    turns: int = 0
    legs: int = 0
    by_new_rule: int = 0
    """Turns that the changed rule decided."""
    median_wait: float = 0.0
    longest_wait: float = 0.0
    broken: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


@dataclass
class Worker:
    """A worker process of one release."""

    release: Release
    log: Path
    process: asyncio.subprocess.Process

    async def running(self) -> None:
        async with asyncio.timeout(WITHIN):
            while b"worker is running" not in self.log.read_bytes():
                assert self.process.returncode is None, self.log.read_text()
                await asyncio.sleep(0.05)

    async def stop(self, how: Stop) -> int:
        """Its exit status."""
        self.process.send_signal(signal.Signals[how])
        async with asyncio.timeout(WITHIN):
            return await self.process.wait()


@dataclass(frozen=True, slots=True)
class Stage:
    """What stands while the builds come and go."""

    address: str
    """The server's."""
    sessions: VoiceSessions
    deployment: Deployment


class Rehearsal:
    """One plan, carried out in `folder`; `say` is told each step, in words for a person."""

    def __init__(self, folder: Path, plan: Plan, say: Callable[[str], None] = print) -> None:
        self.plan = plan
        self.report = Report(plan)
        self._folder = folder
        self._say = say
        self._journals = folder / "journals"
        self._reader = Reader(self._journals)
        self._children: list[asyncio.subprocess.Process] = []
        self._strangers = 0

    @property
    def entries(self) -> Sequence[Entry]:
        """What callers have written down so far."""
        return self._reader.look()

    async def run(self) -> Report:
        """The deploy, the roll-back, and what every caller has in the end."""
        self._journals.mkdir(parents=True)
        first, second = first_release(self._folder), second_release(self._folder)
        async with self._stage() as stage:
            worker = await self._start(stage, first)
            await stage.deployment.make_current(first.build_id)
            await self._new_sessions_have(stage, first)
            idle = [await _fall_silent(stage.sessions, number) for number in range(IDLE_CALLERS)]
            clients = await self._callers_talk(stage)
            for release, how in zip((second, first), self.plan.stops, strict=True):
                worker = await self._move(stage, worker, release, how)
                for session in idle:
                    await self._check_idle(session, first)
            await self._callers_stop(clients)
        return self._reported(first)

    # --- the processes ----------------------------------------------------------------------------

    @asynccontextmanager
    async def _stage(self) -> AsyncIterator[Stage]:
        settings = read_settings()
        async with EmbeddedServer(self._folder / "data", extra_args=DRAIN_WINDOW) as server:
            address = server.address
            try:
                async with VoiceSessions.connect(
                    address=address, namespace=NAMESPACE, settings=settings
                ) as sessions:
                    yield Stage(address, sessions, Deployment(DEPLOYMENT, address))
            finally:
                for child in self._children:
                    await kill_child(child)

    async def _start(self, stage: Stage, release: Release) -> Worker:
        self._say(f"a worker of build {release.build_id} starts")
        log = self._folder / f"{release.build_id}-{len(self._children)}.log"
        environment = {
            "TEMPORAL_DEPLOYMENT_NAME": DEPLOYMENT,
            "TEMPORAL_WORKER_BUILD_ID": release.build_id,
            "TURNKEEPER_VERSIONING": self.plan.versioning,
            "TURNKEEPER_FORMS": str(release.tree / "forms"),
            "TURNKEEPER_LOG_FORMAT": "json",
            "PYTHONPATH": str(release.tree / "src"),
        }
        command = (sys.executable, "-m", "worker")
        process = await self._child(stage, command, log, release.tree, environment)
        worker = Worker(release, log, process)
        await worker.running()
        return worker

    async def _child(
        self,
        stage: Stage,
        command: Sequence[str],
        log: Path,
        cwd: Path,
        environment: Mapping[str, str],
    ) -> asyncio.subprocess.Process:
        """A process that knows of this machine's settings only what the rehearsal says."""
        bare = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
        temporal = {"TEMPORAL_ADDRESS": stage.address, "TEMPORAL_NAMESPACE": NAMESPACE}
        with log.open("wb") as output:
            child = await start_child(
                command, output, cwd=cwd, env={**bare, **temporal, **environment}
            )
        self._children.append(child)
        return child

    # --- callers ----------------------------------------------------------------------------------

    async def _callers_talk(self, stage: Stage) -> list[asyncio.subprocess.Process]:
        """Returns once each of them is in mid-form."""
        count = self.plan.callers
        self._say(f"{count} callers ring, and are in mid-form once each has answered twice")
        shares = [len(range(n, count, CLIENT_PROCESSES)) for n in range(CLIENT_PROCESSES)]
        clients, first = [], 0
        for share in filter(None, shares):
            numbers = [str(self._journals), str(first), str(share), str(self.plan.gap)]
            command = (sys.executable, "-m", "tests.deploy.callers", *numbers)
            log = self._folder / f"callers-{first}.log"
            clients.append(await self._child(stage, command, log, ROOT, {}))
            first += share
        await self._each_caller_had(2, since=0.0)
        return clients

    async def _each_caller_had(self, turns: int, since: float) -> None:
        """Waits until every caller has had so many turns that were begun after `since`. One that
        was refused has hung up: it is in the report, and nobody waits for it."""

        async def had() -> bool:
            done = dict.fromkeys(range(self.plan.callers), 0)
            for entry in self.entries:
                if isinstance(entry, Took) and entry.at > since:
                    done[entry.caller] += 1
                elif entry.kind == "refused":
                    done[entry.caller] = turns
            return all(count >= turns for count in done.values())

        await until(had)

    async def _callers_stop(self, clients: Sequence[asyncio.subprocess.Process]) -> None:
        self._say("the callers stop, and what they hold is compared with what they were told")
        (self._journals / "stop").touch()
        async with asyncio.timeout(WITHIN):
            for client in clients:
                if status := await client.wait():
                    self.report.broken.append(f"a client process ended with status {status}")

    async def _check_idle(self, session: VoiceSession, began: Release) -> None:
        state = await session.state()
        holds = (state.form_version, dict(state.form_answers), state.turns)
        if holds != (began.version, {FIRST_FIELD: "1234"}, 1):
            self.report.broken.append("a session that was silent meanwhile is not what it was")

    # --- the deploy -------------------------------------------------------------------------------

    async def _move(self, stage: Stage, old: Worker, release: Release, how: Stop) -> Worker:
        """Brings a build in and takes the old one out, with every caller on the line."""
        move, gone = Move(release.build_id, how, began=time.time()), old.release.build_id
        worker = await self._start(stage, release)
        await stage.deployment.make_current(release.build_id)
        move.current_at = time.time()
        self._say(f"build {release.build_id} is current")
        if self.plan.versioning == "pinned":
            await self._new_sessions_have(stage, release)
            await stage.deployment.wake_pinned(gone)
        if self.plan.versioning == "pinned" or how == "SIGTERM":
            await stage.deployment.drained(gone)
            self._say(f"build {gone} is drained")
        await self._stop(old, how)
        move.stopped_at = time.time()
        await self._each_caller_had(2, since=move.stopped_at)
        move.ended = time.time()
        self.report.moves.append(move)
        await self._new_sessions_have(stage, release)
        return worker

    async def _stop(self, worker: Worker, how: Stop) -> None:
        build_id = worker.release.build_id
        self._say(f"{how} to the worker of build {build_id}")
        status = await worker.stop(how)
        if how == "SIGTERM" and status != 0:
            self.report.broken.append(f"the worker of build {build_id} ended with status {status}")

    async def _new_sessions_have(self, stage: Stage, release: Release) -> None:
        """Waits for it: task queues hear of another current build within a second or so."""

        async def has() -> bool:
            self._strangers += 1
            session = await stage.sessions.open(FORM, caller=f"stranger-{self._strangers}")
            return (await session.state()).form_version == release.version

        await until(has)
        self._say(f"new callers get version {release.version} of the form")

    # --- what came of it --------------------------------------------------------------------------

    def _reported(self, first: Release) -> Report:
        report, entries = self.report, self.entries
        took = [entry for entry in entries if isinstance(entry, Took)]
        legs = [entry for entry in entries if isinstance(entry, Opened)]
        report.turns, report.legs = len(took), len(legs)
        report.by_new_rule = sum(entry.by_new_rule for entry in took)
        for move in report.moves:
            move.longest_wait = max(_waits(entries, move.began, move.ended), default=0.0)
        waits = sorted(_waits(entries))
        report.median_wait, report.longest_wait = waits[len(waits) // 2], waits[-1]
        report.broken += broken(entries, first.fields)
        silent = self.plan.callers - len({entry.caller for entry in legs})
        if silent:
            report.broken.append(f"{silent} callers never got through")
        return report


async def _fall_silent(sessions: VoiceSessions, number: int) -> VoiceSession:
    session = await sessions.open(FORM, caller=f"idle-{number}")
    await session.turn("1 2 3 4")
    await session.hang_up()
    return session


def _waits(
    entries: Sequence[Entry], since: float = 0.0, until: float = float("inf")
) -> list[float]:
    """How long callers waited for each answer that was under way in that time, in seconds."""
    return [e.wait for e in entries if e.at + e.wait >= since and e.at <= until]
