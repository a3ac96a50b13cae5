"""A key that appears beside an erasure, or outlives its session's runs, is shredded too."""

import asyncio
from contextlib import suppress

import pytest
from temporalio.api.common.v1 import Payload, WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest

from activities import erasure as erasing
from tests.durable.conftest import World
from tests.security.conftest import Place, encrypted
from tests.security.erasing import assert_gone
from turnkeeper.client import VoiceSession
from turnkeeper.connection import connect
from turnkeeper.erasure import ERASURE, ErasureCertificate, ErasureOrder, Reason, Step, retention_id
from turnkeeper.errors import KeyShredded, SessionNotFound
from turnkeeper.security.codec import SessionCodec
from turnkeeper.security.converter import SessionDataConverter
from turnkeeper.security.key_rows import Rows
from turnkeeper.security.key_store import SessionId, StoredKey, database
from turnkeeper.visibility import described
from worker.server import EmbeddedServer


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

        await sessions.erase(session.id, on_step=ring)
        rung = await ringing[0]
        assert not rung.restored
        with suppress(SessionNotFound):  # It was erased too, or it began after that and goes on.
            assert (await rung.turn("4321")).field == "theft"
        await sessions.erase(session.id)
        assert await place.store.live(SessionId("default", session.id)) is None
        await assert_gone(world, sessions, session)


@encrypted
async def test_a_key_that_a_session_got_between_shred_and_deletion_is_shredded_too(
    world: World, quick: EmbeddedServer, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world.worker(), world.sessions() as sessions:
        session = await sessions.open("claim", caller="+14155550101")
        await session.turn("4321")
        elsewhere = (await connect(quick.address, settings=world.settings)).data_converter
        assert isinstance(elsewhere, SessionDataConverter)
        made: list[StoredKey] = []

        async def delete_late(session_id: str, run_id: str) -> None:
            """The caller rings a process that never had the key, and makes one."""
            if not made:
                await elsewhere.make_key("default", session_id)
                key = await place.store.live(SessionId("default", session_id))
                made.extend([key] if key is not None else [])
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
    """Who speaks to the one that is gone makes no key; who begins another one does."""
    async with world.worker(), world.sessions() as sessions:
        session = await sessions.open("claim", caller="+14155550101")
        first = await sessions.erase(session.id)
        with pytest.raises(SessionNotFound):
            await session.turn("4321")
        assert await place.store.live(SessionId("default", session.id)) is None
        assert await sessions.erase(session.id) == first
        await sessions.open("claim", caller="+14155550101")
        run = await world.handle(session.id).describe()
        await deleted_by_temporal(world, run.id, run.run_id)
        second = await sessions.erase(session.id)
        assert (second.runs_deleted, second.keys_shredded) == (0, 1)
        assert await place.store.live(SessionId("default", session.id)) is None
        assert await sessions.erase(session.id) == second


@encrypted
@pytest.mark.parametrize("certified", [True, False], ids=["the keys alone", "all of it"])
async def test_what_a_restored_key_store_opens_again_is_shut_by_erasing_again(
    world: World, place: Place, *, certified: bool
) -> None:
    """The backup is older than the erasure: it has the key, and no certificate."""
    plain, rows = Payload(data=b"said"), database(place.store_url)
    async with world.worker(), world.sessions() as sessions:
        session = await sessions.open("claim", caller="+14155550101")
        key_of = SessionId("default", session.id)
        kept = await SessionCodec(place.keyring(), session=key_of).encode([plain])
        backup = await place.store.live(key_of)
        assert backup is not None
        first = await sessions.erase(session.id)
        restore(rows, backup)
        if not certified:
            rows.run("DELETE FROM erasures RETURNING session_id")
        assert await SessionCodec(place.keyring(), session=key_of).decode(kept) == [plain]
        again = await sessions.erase(session.id)
        assert again.certificate_id != first.certificate_id
        assert (again.runs_deleted, again.keys_shredded) == (0, 1)
        assert await place.store.live(key_of) is None
        with pytest.raises(KeyShredded):
            await SessionCodec(place.keyring(), session=key_of).decode(kept)
        assert await sessions.erase(session.id) == again


def restore(rows: Rows, key: StoredKey) -> None:
    """Puts a key's row back as it was in a backup."""
    assert key.wrapped is not None
    changed = rows.run(
        "UPDATE session_keys SET wrapped = :wrapped, shredded_at = NULL WHERE key_id = :key_id"
        " RETURNING key_id",
        wrapped=key.wrapped.data,
        key_id=key.key_id,
    )
    assert len(changed) == 1
