"""Sessions on a real server, where a key is late, gone, or a message is not what it says."""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Sequence
from dataclasses import replace

import pytest
from temporalio.api.common.v1 import Payloads, WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import SignalWorkflowExecutionRequest
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from tests.durable.conftest import World
from tests.security.conftest import Place
from tests.security.test_keyring import take_away
from turnkeeper.client import VoiceSession, VoiceSessions
from turnkeeper.connection import connect
from turnkeeper.contract import Turn
from turnkeeper.errors import KeyShredded, KeyUnknown, SessionNotFound, StoreUnavailable
from turnkeeper.security.codec import SessionCodec
from turnkeeper.security.converter import keyring
from turnkeeper.security.key_file import FileKeys
from turnkeeper.security.key_store import SessionId
from turnkeeper.settings import read_settings
from worker.server import EmbeddedServer


async def process(world: World, server: EmbeddedServer, **settings: object) -> World:
    """Another process of the same world: its own connection, cache and, where given, keys."""
    changed = world.settings.model_copy(update=settings)
    return replace(world, client=await connect(server.address, settings=changed), settings=changed)


async def stuck(world: World, session_id: str) -> str:
    """What the first failed workflow task of a session says, once there is one."""
    async with asyncio.timeout(20):
        while True:
            for event in await events(world, session_id):
                if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
                    return event.workflow_task_failed_event_attributes.failure.message
            await asyncio.sleep(0.02)


async def events(world: World, session_id: str) -> Sequence[HistoryEvent]:
    try:
        return (await world.handle(session_id).fetch_history()).events
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        return ()


async def id_of(world: World, caller: str) -> str:
    return await world.sessions().session_id("claim", caller)


async def test_a_worker_with_only_the_old_key_waits_and_goes_on_once_the_key_arrives(
    sealed: World, place: Place, server: EmbeddedServer
) -> None:
    behind = place.folder / "behind.json"
    shutil.copy(place.key_file, behind)
    await FileKeys(place.key_file).rotate()
    late = await process(sealed, server, keys=f"file:{behind}")
    async with late.worker(), sealed.sessions() as sessions:
        opening = asyncio.ensure_future(sessions.open("claim", caller="user-1"))
        session_id = await id_of(sealed, "user-1")
        said = await stuck(sealed, session_id)
        assert "version 2 of the tenant key is not among those here" in said
        description = await sealed.handle(session_id).describe()
        assert description.status == WorkflowExecutionStatus.RUNNING
        shutil.copy(place.key_file, behind)
        session = await opening
        await session.turn("4321")
        assert (await session.state()).form_answers == {"policy": "4321"}


async def test_beside_a_worker_with_only_the_old_key_another_one_serves_the_session(
    sealed: World, place: Place, server: EmbeddedServer
) -> None:
    behind = place.folder / "behind.json"
    shutil.copy(place.key_file, behind)
    await FileKeys(place.key_file).rotate()
    late = await process(sealed, server, keys=f"file:{behind}")
    async with late.worker(), sealed.worker(), sealed.sessions() as sessions:
        for number in range(3):
            session = await sessions.open("claim", caller=f"user-{number}")
            await session.turn("4321")
            assert (await session.state()).form_answers == {"policy": "4321"}


async def test_the_key_is_rotated_and_rewrapped_while_callers_are_on_the_line(
    sealed: World, place: Place, server: EmbeddedServer
) -> None:
    from turnkeeper.security.rewrapping import rewrap

    async with sealed.worker(max_cached_sessions=0), sealed.sessions() as sessions:
        before = await sessions.open("claim", caller="user-1")
        await before.turn("4321")
        await FileKeys(place.key_file).rotate()
        after = await sessions.open("claim", caller="user-2")
        await after.turn("4322")
        await before.turn("no")
        done = await rewrap(keyring(sealed.settings), sealed.settings.tenant)
        assert done.rewrapped == 2  # The first session's, and the identity key.
        await before.turn("yesterday")
        fresh = await process(sealed, server)
        async with fresh.sessions() as elsewhere:
            assert (await elsewhere.state(before.id)).form_answers["policy"] == "4321"


async def forge(world: World, session: VoiceSession, payloads: Payloads) -> None:
    """A signal from someone who can write to the namespace and has no key."""
    await world.client.workflow_service.signal_workflow_execution(
        SignalWorkflowExecutionRequest(
            namespace="default",
            workflow_execution=WorkflowExecution(workflow_id=session.id),
            signal_name="post_turn",
            input=payloads,
        )
    )


async def test_a_forged_or_moved_message_is_dropped_and_the_session_goes_on(
    sealed: World, server: EmbeddedServer
) -> None:
    plain = await connect(server.address, settings=read_settings())
    async with sealed.worker(), sealed.sessions() as sessions:
        session = await sessions.open("claim", caller="user-1")
        other = SessionId("default", (await sessions.open("claim", caller="user-2")).id)
        turn = Turn(epoch=session.epoch, leg=session.leg, utterance_id="forged", text="6666")
        unsealed = await plain.data_converter.encode([turn])
        moved = await SessionCodec(keyring(sealed.settings), session=other).encode(unsealed)
        own = await SessionCodec(
            keyring(sealed.settings), session=SessionId("default", session.id)
        ).encode(unsealed)
        changed = own[0].__deepcopy__()
        changed.data = changed.data[:-1] + bytes([changed.data[-1] ^ 1])
        for payload in (unsealed[0], moved[0], changed):
            await forge(sealed, session, Payloads(payloads=[payload]))
        await session.turn("4321", utterance_id="real")
        state = await session.state()
        assert (state.form_answers, state.turns) == ({"policy": "4321"}, 1)
        transcript = await session.transcript()
        assert "6666" not in transcript.model_dump_json()
        # The same message, as the session's own key encrypts it, would have been taken.
        await forge(sealed, session, Payloads(payloads=own))
        async with asyncio.timeout(10):
            while (await session.state()).turns < 2:
                await asyncio.sleep(0.02)


def spoken_to(sessions: VoiceSessions, session_id: str) -> list[Awaitable[object]]:
    """Every message to a session, and every question about one."""
    nobody = sessions.attach(session_id, 1)
    return [
        nobody.turn("4321"),
        nobody.post_turn("4321"),
        nobody.reply_to("u1"),
        nobody.state(),
        sessions.transcript(session_id),
        sessions.cancel(session_id),
        sessions.hand_off(session_id),
        sessions.migrate(session_id),
        sessions.export(session_id),
        sessions.erase(session_id),
    ]


async def test_with_an_empty_key_store_no_session_looks_as_if_it_were_not_there(
    sealed: World, place: Place, server: EmbeddedServer
) -> None:
    empty = await process(sealed, server, key_store=f"sqlite:{place.folder / 'empty.db'}")
    async with sealed.worker(), sealed.sessions() as sessions, empty.sessions() as misled:
        session = await sessions.open("claim", caller="user-1")
        with pytest.raises(KeyUnknown, match="another key store began it"):
            await misled.attach(session.id, session.leg, session.epoch).turn("4321")
        with pytest.raises(KeyUnknown, match="another key store began it"):
            await misled.cancel(session.id)


@pytest.mark.parametrize("in_clear", [False, True], ids=["encrypted", "in clear too"])
async def test_who_speaks_to_a_session_that_never_was_makes_no_key(
    sealed: World, place: Place, server: EmbeddedServer, *, in_clear: bool
) -> None:
    elsewhere = await process(sealed, server, accept_plaintext=in_clear)
    never = await id_of(sealed, "never-was")
    async with elsewhere.sessions() as sessions:
        await sessions.attach(never, 1).hang_up()  # There is nothing to do.
        for told in spoken_to(sessions, never):
            with pytest.raises(SessionNotFound) as refused:
                await told
            assert str(refused.value) == str(SessionNotFound.of(never))
    assert await place.store.live(SessionId("default", never)) is None
    assert (await place.store.counts(sealed.settings.tenant)).live == {}


async def test_a_session_that_began_in_clear_goes_on_and_gets_a_key_where_that_is_read(
    sealed: World, place: Place, server: EmbeddedServer
) -> None:
    bare = await process(sealed, server, keys=None, key_store=None)
    async with bare.worker(), bare.sessions() as sessions:
        session = await sessions.open("claim", caller="user-1")
    reading = await process(sealed, server, accept_plaintext=True)
    async with reading.worker(), reading.sessions() as sessions:
        before = sessions.attach(session.id, session.leg, session.epoch)
        assert (await before.turn("4321")).recorded == {"policy": "4321"}
        await before.post_turn("no", utterance_id="u2")
        async with asyncio.timeout(10):
            while await before.reply_to("u2") is None:
                await asyncio.sleep(0.02)
    assert await place.store.live(SessionId("default", session.id)) is not None


async def test_without_the_key_store_a_session_is_not_said_not_to_be_there(
    sealed: World, place: Place, server: EmbeddedServer
) -> None:
    async with sealed.worker(), sealed.sessions() as sessions:
        session = await sessions.open("claim", caller="user-1")
        elsewhere = await process(sealed, server)
        take_away(place)
        async with elsewhere.sessions(deadline=1) as others:
            with pytest.raises((StoreUnavailable, KeyUnknown)):
                await others.attach(session.id, session.leg, session.epoch).turn("4321")
        assert (await session.turn("4321")).recorded == {"policy": "4321"}


async def test_a_process_without_keys_neither_reads_nor_changes_a_session(
    sealed: World, server: EmbeddedServer
) -> None:
    bare = await process(sealed, server, keys=None, key_store=None)
    async with sealed.worker(), sealed.sessions() as sessions:
        session = await sessions.open("claim", caller="user-1")
        await session.turn("4321")
        async with bare.sessions() as outside:
            with pytest.raises(KeyUnknown, match="TURNKEEPER_KEYS is not set here"):
                await outside.state(session.id)
        assert (await session.state()).form_answers == {"policy": "4321"}


async def test_a_shredded_session_is_unreadable_and_no_worker_retries_it_hot(
    sealed: World, server: EmbeddedServer
) -> None:
    async with sealed.worker(), sealed.sessions() as sessions:
        session = await sessions.open("claim", caller="user-1")
        await session.turn("4321")
    await keyring(sealed.settings).shred(SessionId("default", session.id))
    fresh = await process(sealed, server)
    description = await fresh.handle(session.id).describe()
    with pytest.raises(KeyShredded):
        await description.static_summary()
    async with fresh.worker():
        started = time.monotonic()
        await forge(sealed, session, Payloads())
        assert "was shredded" in await stuck(sealed, session.id)
        seconds = 4
        await asyncio.sleep(seconds)  # A rate is measured over a time.
        tried = await attempts(sealed, session.id)
        print(f"{tried} attempts in {time.monotonic() - started:.1f} s")
        assert tried <= 2 + seconds
        description = await fresh.handle(session.id).describe()
        assert description.status == WorkflowExecutionStatus.RUNNING
    assert (await keyring(sealed.settings).store.counts(sealed.settings.tenant)).live == {}
    await fresh.handle(session.id).terminate()


async def attempts(world: World, session_id: str) -> int:
    description = await world.handle(session_id).describe()
    return description.raw_description.pending_workflow_task.attempt
