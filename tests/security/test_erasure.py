"""Erasing sessions on a real server, with keys and without."""

import asyncio
from datetime import UTC, datetime

import pytest

from tests.durable.conftest import World
from tests.durable.test_delivery import receiver
from tests.security.conftest import Place, encrypted, in_clear
from tests.security.erasing import assert_gone, condition
from turnkeeper.erasure import ErasureCertificate
from turnkeeper.errors import SessionNotFound, StoreUnavailable
from turnkeeper.forms.model import Deliver
from turnkeeper.security.certificates import certificates
from turnkeeper.security.key_store import SessionId
from worker.dev import keep_wiped
from worker.server import EmbeddedServer
from workflows.submission import RETRIES
from workflows.voice_session import MESSAGES_PER_RUN


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
