"""Erasing sessions: on a real server, with keys and without, with workers killed in the middle."""

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from pydantic import TypeAdapter
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest

from activities import erasure as erasing
from tests.durable.conftest import World
from tests.durable.test_delivery import receiver
from tests.security.conftest import Place, world_of
from tests.security.searching import files, finds
from turnkeeper.client import VoiceSession, VoiceSessions
from turnkeeper.connection import connect
from turnkeeper.erasure import (
    ERASURE,
    ErasureCertificate,
    ErasureOrder,
    Reason,
    Step,
    retention_id,
)
from turnkeeper.errors import KeyShredded, SessionNotFound, StoreUnavailable
from turnkeeper.forms.load import parse_form
from turnkeeper.forms.model import Deliver, Form
from turnkeeper.security.certificates import certificates
from turnkeeper.security.key_store import SessionId, database
from turnkeeper.settings import read_settings
from turnkeeper.visibility import described
from worker.child import kill_child, start_child
from worker.dev import keep_wiped
from worker.server import EmbeddedServer
from workflows.submission import RETRIES
from workflows.voice_session import MESSAGES_PER_RUN

PROCESS = Path(__file__).with_name("erasing_process.py")
NOTE = """
form: note
title: Note
fields:
  - name: complaint
    type: text
    prompt: What is it?
  - name: more
    type: text
    prompt: What else?
"""
encrypted = pytest.mark.parametrize("world", ["encrypted"], indirect=True)
in_clear = pytest.mark.parametrize("world", ["in clear"], indirect=True)

QUEUES = [f"history.{queue}ProcessorUpdateAckInterval" for queue in ("transfer", "visibility")]
QUICK = [part for queue in QUEUES for part in ("--dynamic-config-value", f'{queue}="0.5s"')]
"""Temporal deletes a closed run once its queues are past the run's end, of which it makes a note
each half minute."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def quick(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedServer]:
    """A server that deletes closed runs at once."""
    folder = tmp_path_factory.mktemp("temporal")
    async with EmbeddedServer(folder, extra_args=tuple(QUICK)) as server:
        yield server


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes learn of a shred at once, and an erasure needn't wait for them."""
    monkeypatch.setattr("turnkeeper.security.keyring.ASK_EVERY", 0.3)
    monkeypatch.setattr("activities.erasure.LISTED_WITHIN", timedelta(seconds=0.2))


@pytest_asyncio.fixture(params=["encrypted", "in clear"], loop_scope="session")
async def world(request: pytest.FixtureRequest, quick: EmbeddedServer, place: Place) -> World:
    tenant = f"t-{uuid4().hex[:8]}"
    encrypted = request.param == "encrypted"
    settings = place.settings(tenant=tenant) if encrypted else read_settings(tenant=tenant)
    return await world_of(quick, settings)


async def assert_gone(world: World, sessions: VoiceSessions, session: VoiceSession) -> None:
    """It answers as one that never was, and Temporal has nothing of it."""
    never = await sessions.session_id("claim", "never-was")
    for call in (sessions.state, sessions.transcript, sessions.attempts, sessions.export):
        with pytest.raises(SessionNotFound) as of_none:
            await call(never)
        with pytest.raises(SessionNotFound) as of_erased:
            await call(session.id)
        assert str(of_erased.value) == str(of_none.value).replace(never, session.id)
    with pytest.raises(SessionNotFound):
        await session.turn("4321")
    assert session.id not in [row.session_id async for row in sessions.list()]
    assert await world.runs(session.id) == 0


async def test_an_open_session_is_gone_with_its_key_and_a_certificate_says_so(
    world: World, place: Place
) -> None:
    async with world.worker(), world.sessions() as sessions:
        session = await sessions.open("claim", caller="+14155550101")
        await session.turn("4321")
        certificate = await sessions.erase(session.id)
        sealed = world.settings.keys is not None
        assert certificate == ErasureCertificate(
            session_id=session.id,
            tenant=world.settings.tenant,
            namespace="default",
            reason="asked",
            runs_deleted=1,
            keys_shredded=int(sealed),
            **certificate.model_dump(include={"certificate_id", "requested_at", "completed_at"}),
        )
        assert certificate.requested_at < certificate.completed_at
        if sealed:
            key, kept = SessionId("default", session.id), certificates(place.store_url)
            assert await place.store.live(key) is None
            assert await kept.newest(key) == certificate
        await assert_gone(world, sessions, session)
        assert await sessions.erase(session.id) == certificate


@in_clear
async def test_without_a_worker_it_says_so_and_goes_on_when_there_is_one(world: World) -> None:
    async with world.worker(), world.sessions() as sessions:
        session = await sessions.open("claim", caller="+14155550101")
    async with world.sessions(deadline=1) as sessions:
        with pytest.raises(StoreUnavailable):
            await sessions.erase(session.id)
    async with world.worker(), world.sessions() as sessions:
        assert (await sessions.erase(session.id)).runs_deleted == 1
        await assert_gone(world, sessions, session)


@encrypted
async def test_a_caller_who_rings_meanwhile_is_not_left_with_a_session_without_a_key(
    world: World, place: Place
) -> None:
    ringing: list[asyncio.Task[VoiceSession]] = []
    async with world.worker(), world.sessions() as sessions:
        session = await sessions.open("claim", caller="+14155550101")

        def ring(step: Step) -> None:
            if step == "settling" and not ringing:
                opening = sessions.open("claim", caller="+14155550101")
                ringing.append(asyncio.ensure_future(opening))

        certificate = await sessions.erase(session.id, on_step=ring)
        assert not (await ringing[0]).restored
        assert certificate.runs_deleted == 2
        assert await place.store.live(SessionId("default", session.id)) is None
        await assert_gone(world, sessions, session)


@encrypted
async def test_a_key_that_a_session_got_between_shred_and_deletion_is_shredded_too(
    world: World, quick: EmbeddedServer, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = World(await connect(quick.address, settings=world.settings), world.settings)
    async with world.worker(), world.sessions() as sessions, elsewhere.sessions() as others:
        session = await sessions.open("claim", caller="+14155550101")
        await session.turn("4321")
        away = others.attach(session.id, session.leg, session.epoch)
        made: set[str] = set()

        async def delete_late(session_id: str, run_id: str) -> None:
            """A process that never had the key asks meanwhile: it makes one, and is answered."""
            async with asyncio.timeout(20):
                while not made:
                    with suppress(KeyShredded):
                        await away.turn("help")
                        key = await place.store.live(SessionId("default", session_id))
                        made.update([key.key_id] if key is not None else [])
            await delete(session_id, run_id)

        delete = erasing._delete
        monkeypatch.setattr(erasing, "_delete", delete_late)
        certificate = await sessions.erase(session.id)
        assert made
        assert await place.store.live(SessionId("default", session.id)) is None
        assert (certificate.runs_deleted, certificate.keys_shredded) == (1, 2)
        assert await sessions.erase(session.id) == certificate


@encrypted
@pytest.mark.parametrize("reason", ["asked", "kept_for"])
async def test_where_temporals_own_retention_was_first_the_key_is_shredded_all_the_same(
    world: World, place: Place, reason: Reason
) -> None:
    async with world.worker(), world.sessions() as sessions:
        session = await sessions.open("claim", caller="+14155550101")
        run = await world.handle(session.id).describe()
        await deleted_by_temporal(world, run.id, run.run_id)
        if reason == "asked":
            certificate = await sessions.erase(session.id)
        else:
            order = ErasureOrder(
                session_id=session.id,
                tenant=world.settings.tenant,
                reason=reason,
                first_run_id=run.run_id,
            )
            certificate = await world.client.execute_workflow(
                ERASURE,
                order,
                id=retention_id(session.id, session.epoch),
                task_queue=world.settings.task_queue,
                result_type=ErasureCertificate,
            )
        assert (certificate.reason, certificate.runs_deleted) == (reason, 0)
        assert certificate.keys_shredded == 1
        assert await place.store.live(SessionId("default", session.id)) is None
        assert await sessions.erase(session.id) == certificate


async def deleted_by_temporal(world: World, workflow_id: str, run_id: str) -> None:
    """As the namespace's retention does it: without a word to us."""
    run = WorkflowExecution(workflow_id=workflow_id, run_id=run_id)
    request = DeleteWorkflowExecutionRequest(namespace="default", workflow_execution=run)
    await world.client.workflow_service.delete_workflow_execution(request)
    async with asyncio.timeout(20):
        while await described(world.client, workflow_id) or await world.runs(workflow_id):
            await asyncio.sleep(0.05)


@encrypted
async def test_a_session_whose_runs_went_after_an_earlier_erasure_can_be_erased_too(
    world: World, place: Place
) -> None:
    """Unlike a key of today, which somebody made who spoke to the session that is gone."""
    async with world.worker(), world.sessions() as sessions:
        session = await sessions.open("claim", caller="+14155550101")
        first = await sessions.erase(session.id)
        with pytest.raises(SessionNotFound):
            await session.turn("4321")
        assert await place.store.live(SessionId("default", session.id)) is not None
        assert await sessions.erase(session.id) == first
        rows = database(place.store_url)
        rows.run("UPDATE session_keys SET created_at = created_at - 90000 RETURNING key_id")
        second = await sessions.erase(session.id)
        assert (second.runs_deleted, second.keys_shredded) == (0, 1)
        assert await place.store.live(SessionId("default", session.id)) is None


@pytest.mark.long
@in_clear
async def test_a_delivery_that_waits_for_its_receiver_is_not_tried_again(world: World) -> None:
    async with receiver(*[500] * 20) as desk, world.worker(), world.sessions() as sessions:
        world.forms["claim"] = world.forms["claim"].model_copy(
            update={"deliver": Deliver(url=desk.url)}
        )
        session = await sessions.open("claim", caller="+14155550101")
        await session.turn(answers={"policy": "4321", "theft": False, "day": "2026-03-01"})
        await session.turn("yes")
        await condition(lambda: len(desk.requests) == 2)
        await sessions.erase(session.id)
        tried = len(desk.requests)
        await asyncio.sleep(RETRIES.initial_interval.total_seconds() * 4.5)
        assert len(desk.requests) == tried


@encrypted
async def test_a_renewed_and_completed_session_is_gone_with_all_of_its_runs(world: World) -> None:
    async with world.worker(), world.sessions() as sessions:
        session = await sessions.open("claim", caller="+14155550101")
        for number in range(MESSAGES_PER_RUN):
            await session.turn(answers={"policy": f"{number:04}"})
        await session.turn(answers={"theft": False, "day": "2026-03-01"})
        await session.turn("yes")
        assert (await session.state()).status == "completed"
        certificate = await sessions.erase(session.id)
        await assert_gone(world, sessions, session)
        assert certificate.runs_deleted >= 2


@encrypted
async def test_what_never_was_can_not_be_erased_and_leaves_nothing_behind(world: World) -> None:
    async with world.worker(), world.sessions() as sessions:
        never = await sessions.session_id("claim", "never-was")
        with pytest.raises(SessionNotFound):
            await sessions.erase(never)
        with pytest.raises(SessionNotFound):
            await sessions.begin_erasure(never)
        assert await world.runs(f"{never}.erasure") == 0


@in_clear
async def test_a_caller_who_comes_back_begins_anew_and_can_be_erased_anew(world: World) -> None:
    async with world.worker(), world.sessions() as sessions:
        session = await sessions.open("claim", caller="+14155550101")
        await session.turn("4321")
        first = await sessions.erase(session.id)
        again = await sessions.open("claim", caller="+14155550101")
        assert (again.id, again.restored, again.leg) == (session.id, False, 1)
        await again.turn("1234")
        assert (await again.state()).form_answers == {"policy": "1234"}
        second = await sessions.erase(session.id)
        assert second.certificate_id != first.certificate_id
        await assert_gone(world, sessions, again)
        assert await sessions.erase(session.id) == second


# --- killed in the middle -------------------------------------------------------------------------


@dataclass
class Victim:
    """A session whose erasure is killed, what was said in it, and who else talks meanwhile."""

    world: World
    server: EmbeddedServer
    place: Place
    folder: Path
    said: str
    talked: int = 0

    async def worker_that_stays_at(self, point: str) -> asyncio.subprocess.Process:
        """A process that does all until it has done `point`."""
        forms = self.folder / "forms.json"
        forms.write_bytes(TypeAdapter(list[Form]).dump_json(list(self.world.forms.values())))
        log = self.folder / f"{point}.log"
        queue = self.world.settings.task_queue
        command = (sys.executable, str(PROCESS), self.server.address, queue, str(forms))
        with log.open("wb") as output:
            process = await start_child((*command, point, str(self.folder)), output)
        await condition(lambda: b"READY" in log.read_bytes() or process.returncode is not None)
        assert process.returncode is None, log.read_text()
        return process

    async def kill_at(self, point: str, process: asyncio.subprocess.Process) -> None:
        await condition((self.folder / point).exists)
        await kill_child(process)

    async def talk(self, sessions: VoiceSessions, caller: str, until: asyncio.Event) -> None:
        """A caller who loses nothing, whatever happens to others."""
        session = await sessions.open("claim", caller=caller)
        turns = 0
        while not until.is_set():
            reply = await session.turn(answers={"policy": f"{turns:04}"})
            assert reply.recorded == {"policy": f"{turns:04}"}
            turns, self.talked = turns + 1, self.talked + 1
            await asyncio.sleep(0.05)
        assert (await session.state()).turns == turns

    async def finds(self) -> set[str]:
        """Where what was said is still found: in Temporal's files, key store, logs."""
        await self.server.wipe()
        held = files(self.server.data) + files(self.folder) + files(self.place.folder)
        return finds([self.said], held)


async def condition(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.02)


async def nothing_left(victim: Victim) -> bool:
    """Temporal deletes the history itself a moment after the run."""
    for _ in range(50):
        if not await victim.finds():
            return True
        await asyncio.sleep(0.1)
    return False


async def erased_though_killed_at(
    points: Sequence[str], world: World, quick: EmbeddedServer, place: Place, folder: Path
) -> None:
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    said = "Q" + "".join(random.Random(seed).choices("abcdefghijkmnpqrstuvwxyz", k=14))
    victim = Victim(world, quick, place, folder, said)
    process = await victim.worker_that_stays_at(points[0])
    over = asyncio.Event()
    async with world.sessions(deadline=30) as sessions:
        session = await sessions.open("note", caller="+14155550101")
        await session.turn(said)
        for number in range(8):  # Enough for others' rows not to happen to cover all of it.
            await session.turn(answers={"complaint": f"{number} {said} " * 20})
        key = await place.store.live(SessionId("default", session.id))
        assert (key is None) == (await victim.finds() != set())
        others = [asyncio.ensure_future(victim.talk(sessions, f"c{n}", over)) for n in range(4)]
        erasing = asyncio.ensure_future(sessions.erase(session.id))
        await victim.kill_at(points[0], process)
        for point in points[1:]:
            await victim.kill_at(point, await victim.worker_that_stays_at(point))
        talked = victim.talked
        async with world.worker():
            certificate = await erasing
            assert (certificate.runs_deleted, certificate.keys_shredded) == (
                1,
                int(key is not None),
            )
            await assert_gone(world, sessions, session)
            assert await sessions.erase(session.id) == certificate
            await condition(lambda: victim.talked > talked)
            over.set()
            await asyncio.gather(*others)
        assert await nothing_left(victim)
        if key is not None:
            assert key.wrapped is not None
            assert key.wrapped.data not in files(place.folder)


@pytest.fixture
def handed_down(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of the world as the environment of the processes."""
    world.forms["note"] = parse_form(NOTE)
    for name in ("keys", "key_store", "tenant"):
        if (value := getattr(world.settings, name)) is not None:
            monkeypatch.setenv(f"TURNKEEPER_{name.upper()}", str(value))


@in_clear
@pytest.mark.usefixtures("handed_down")
async def test_a_worker_killed_in_mid_deletion_leaves_it_to_the_next_and_nothing_behind(
    world: World, quick: EmbeddedServer, place: Place, tmp_path: Path
) -> None:
    await erased_though_killed_at(["delete"], world, quick, place, tmp_path)


@encrypted
@pytest.mark.long
@pytest.mark.usefixtures("handed_down")
async def test_killed_after_each_of_its_steps_it_is_finished_all_the_same(
    world: World, quick: EmbeddedServer, place: Place, tmp_path: Path
) -> None:
    points = ["shred", "delete", "certify"]
    await erased_though_killed_at(points, world, quick, place, tmp_path)


@in_clear
async def test_the_development_server_empties_its_log_again_and_again(
    world: World, quick: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.dev.WIPE_SECONDS", 0.05)
    async with world.worker(), world.sessions() as sessions:
        await sessions.open("claim", caller="+14155550101")
    log = quick.data / "temporal.db-wal"
    assert log.stat().st_size > 0
    keeping = asyncio.ensure_future(keep_wiped(quick))
    await condition(lambda: log.stat().st_size == 0)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


async def test_either_database_keeps_each_certificate_once_and_finds_the_newest(
    anywhere: Place,
) -> None:
    kept, session = certificates(anywhere.store_url), SessionId("default", "s")
    assert await kept.newest(session) is None
    made = [
        ErasureCertificate(
            certificate_id=str(day),
            session_id="s",
            tenant="acme",
            namespace="default",
            reason="asked",
            requested_at=datetime(2026, 3, day, tzinfo=UTC),
            completed_at=datetime(2026, 3, day, 0, 0, 31, 500_000, tzinfo=UTC),
            runs_deleted=2,
            keys_shredded=1,
        )
        for day in (2, 1)
    ]
    for certificate in (*made, *made):
        await kept.add(certificate)
    assert await kept.newest(session) == made[0]
    assert await kept.newest(SessionId("other", "s")) is None
