"""The subject in a session's id: it finds the session again, and nobody finds the caller by it."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from tests.security.conftest import Place, world_of
from turnkeeper.client import VoiceSessions
from turnkeeper.connection import connect
from turnkeeper.errors import KeyUnknown, StoreUnavailable
from turnkeeper.security.identity import PUBLIC_KEY, subject_of
from turnkeeper.security.key_file import FileKeys, make_key_file
from turnkeeper.security.key_store import SessionId
from turnkeeper.security.rewrapping import rewrap
from turnkeeper.settings import Settings
from turnkeeper.temporal import TemporalBackend
from worker.server import EmbeddedServer

NUMBER = "+14155550100"
NOBODY_THERE = "127.0.0.1:9"
RACER = Path(__file__).with_name("identity_process.py")


async def sessions_of(settings: Settings) -> VoiceSessions:
    """Of another process: its own connection and keys. Where Temporal is does not matter."""
    client = await connect(NOBODY_THERE, settings=settings, lazy=True)
    return VoiceSessions(TemporalBackend(client, settings.task_queue), settings)


async def id_of(place: Place, caller: str = NUMBER, **settings: object) -> str:
    sessions = await sessions_of(place.settings(**settings))
    return await sessions.session_id("claim", caller)


async def test_two_spellings_are_one_id_in_every_process_and_it_holds_no_number(
    anywhere: Place,
) -> None:
    ids = {await id_of(anywhere, caller) for caller in (NUMBER, "(415) 555-0100", f"tel:{NUMBER}")}
    assert len(ids) == 1
    prefix, _, subject = ids.pop().rpartition(":")
    assert prefix == "voice:session:acme:claim"
    assert subject != subject_of(PUBLIC_KEY, "acme", NUMBER)
    assert not any(digits in subject for digits in ("4155550100", "5550100", "0100"))


async def test_another_tenant_and_another_key_store_have_other_ids(
    place: Place, tmp_path: Path
) -> None:
    ids = {
        await id_of(place),
        (await id_of(place, tenant="globex")).replace("globex", "acme"),
        await id_of(place, key_store=f"sqlite:{tmp_path / 'other.db'}"),
        await id_of(place, keys=None, key_store=None),
    }
    assert len(ids) == 4


async def test_processes_that_make_the_identity_key_at_once_have_one(place: Place) -> None:
    command: list[str | Path] = [
        sys.executable,
        RACER,
        f"file:{place.key_file}",
        place.store_url,
        NUMBER,
    ]
    racers = [
        await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE) for _ in range(2)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert await racer.stdout.readline() == b"ready\n"
    said = await asyncio.gather(*(racer.communicate(b"go\n") for racer in racers))
    assert {out.decode().strip() for out, _ in said} == {await id_of(place)}


async def test_ids_outlive_rotation_rewrap_and_the_old_version(place: Place) -> None:
    before = await id_of(place)
    await FileKeys(place.key_file).rotate()
    assert await id_of(place) == before
    assert (await rewrap(place.keyring(), "acme")).rewrapped == 1
    document = json.loads(place.key_file.read_text())
    del document["keys"]["1"]
    place.key_file.write_text(json.dumps(document))
    assert await id_of(place) == before


async def test_shredding_every_session_leaves_the_identity_key(place: Place) -> None:
    before, ring = await id_of(place), place.keyring()
    session = SessionId("default", before)
    await ring.of_session(session)
    assert await ring.shred(session) == 1
    assert await id_of(place) == before


async def test_without_the_key_store_there_is_no_id_and_no_other_one(
    place: Place, tmp_path: Path
) -> None:
    sessions = await sessions_of(place.settings(key_store=f"sqlite:{tmp_path}"))
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await sessions.open("claim", caller=NUMBER)
    # Known once, it costs no call: neither store nor tenant key is there any more.
    known = await sessions_of(place.settings())
    before = await known.session_id("claim", NUMBER)
    for path in (*place.folder.glob("keys.db*"), place.key_file):
        path.unlink()
    assert await known.session_id("claim", NUMBER) == before


async def test_with_a_wrong_key_nobody_is_a_new_caller(
    place: Place, server: EmbeddedServer
) -> None:
    before = await id_of(place)
    wrong = place.folder / "wrong.json"
    make_key_file(wrong)
    world = await world_of(server, place.settings(keys=f"file:{wrong}"))
    with pytest.raises(KeyUnknown):
        await world.sessions().open("claim", caller=NUMBER)
    assert [row async for row in world.client.list_workflows(f"WorkflowId = '{before}'")] == []
    assert await id_of(place) == before
