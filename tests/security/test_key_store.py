"""The key store: what all processes agree on, and what a shred leaves."""

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload

from tests.security.conftest import OTHER, SESSION, Place
from turnkeeper.errors import SettingsError, StoreUnavailable
from turnkeeper.security.codec import KEY_ID, SessionCodec
from turnkeeper.security.key_store import NewKey, SessionId, StoredKey, key_store, new_key_id
from turnkeeper.security.keys import WrappedKey

ROOT = Path(__file__).parents[2]
WRAPPED = WrappedKey("1", b"\x00wrapped\xff-bytes-of-a-key")


def key(
    session: SessionId = SESSION, wrapped: WrappedKey = WRAPPED, tenant: str = "acme"
) -> NewKey:
    return NewKey(new_key_id(), tenant, session, wrapped)


async def test_a_key_is_found_by_its_id_and_by_its_session(anywhere: Place) -> None:
    added = key()
    stored = await anywhere.store.add(added)
    assert stored == await anywhere.store.find(added.key_id) == await anywhere.store.live(SESSION)
    assert (stored.key_id, stored.tenant, stored.session) == (added.key_id, "acme", SESSION)
    assert (stored.wrapped, stored.shredded_at) == (WRAPPED, None)
    assert abs(stored.created_at - datetime.now(UTC)) < timedelta(minutes=1)


async def test_what_is_not_there_is_none(anywhere: Place) -> None:
    assert await anywhere.store.find(new_key_id()) is None
    assert await anywhere.store.live(SESSION) is None


async def test_a_session_has_one_live_key_that_of_who_was_first(anywhere: Place) -> None:
    first = await anywhere.store.add(key())
    assert await anywhere.store.add(key()) == first
    assert (await anywhere.store.add(key(OTHER))).session == OTHER
    assert (await anywhere.store.counts("acme")).live == {"1": 2}


async def test_processes_that_race_for_a_new_sessions_key_agree(anywhere: Place) -> None:
    """The store is new too: who is first makes its table."""
    said = await asyncio.to_thread(raced, anywhere, 4)
    payloads = [Payload.FromString(bytes.fromhex(line)) for line in said]
    assert len({payload.metadata[KEY_ID] for payload in payloads}) == 1
    decoded = await SessionCodec(anywhere.keyring(), session=SESSION).decode(payloads)
    assert [payload.data for payload in decoded] == [b'"hi"'] * 4
    assert (await anywhere.store.counts("acme")).live == {"1": 1}


def raced(place: Place, count: int) -> list[str]:
    """What `count` processes encrypted, each with the key that it found or made."""
    script = str(ROOT / "tests/security/key_process.py")
    command = [sys.executable, script, f"file:{place.key_file}"]
    racers = [
        subprocess.Popen(
            [*command, place.store_url, SESSION.workflow_id],
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(count)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    return [racer.communicate(timeout=60)[0] for racer in racers]


async def test_keys_are_there_after_a_restart(anywhere: Place) -> None:
    stored = await anywhere.store.add(key())
    assert await anywhere.store.find(stored.key_id) == stored


async def test_a_shred_leaves_a_tombstone_without_the_bytes(anywhere: Place) -> None:
    stored = await anywhere.store.add(key())
    assert await anywhere.store.shred(SESSION) == 1
    assert await anywhere.store.live(SESSION) is None
    gone = await anywhere.store.find(stored.key_id)
    assert gone is not None
    assert (gone.wrapped, gone.session) == (None, SESSION)
    assert gone.shredded_at is not None
    assert await anywhere.store.shredded_within(60) == [stored.key_id]


async def test_a_second_shred_is_none_and_the_session_may_begin_anew(anywhere: Place) -> None:
    before = await anywhere.store.add(key())
    assert [await anywhere.store.shred(SESSION) for _ in range(2)] == [1, 0]
    after = await anywhere.store.add(key())
    assert after.key_id != before.key_id
    assert (await anywhere.store.counts("acme")).shredded == 1


async def test_a_shred_touches_no_other_session(anywhere: Place) -> None:
    await anywhere.store.add(key())
    other = await anywhere.store.add(key(OTHER))
    await anywhere.store.shred(SESSION)
    assert await anywhere.store.live(OTHER) == other


async def test_the_file_holds_no_shredded_bytes(place: Place) -> None:
    store, held = place.store, {f"session-{n}": os.urandom(200) for n in range(60)}
    for name, data in held.items():
        await store.add(key(SessionId("default", name), WrappedKey("1", data)))
    assert all(data in everything(place.folder) for data in held.values())
    shredded = list(held)[::2]
    for name in shredded:
        await store.shred(SessionId("default", name))
    left = everything(place.folder)
    assert [name for name, data in held.items() if data in left] == list(held)[1::2]


async def test_the_file_is_for_its_owner_alone(place: Place) -> None:
    await place.store.add(key())
    modes = {path.name: path.stat().st_mode & 0o777 for path in place.folder.glob("keys.db*")}
    assert set(modes.values()) == {0o600}


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("keys.db*")))


async def test_outdated_keys_come_in_batches_and_each_once(anywhere: Place) -> None:
    for number in range(7):
        await anywhere.store.add(key(SessionId("default", f"session-{number}")))
    await anywhere.store.add(key(OTHER, WrappedKey("2", b"new")))
    await anywhere.store.add(key(SESSION, tenant="globex"))
    seen: list[StoredKey] = []
    while batch := await anywhere.store.outdated("acme", "2", seen[-1].key_id if seen else "", 3):
        seen += batch
    assert len({row.key_id for row in seen}) == len(seen) == 7
    assert dict((await anywhere.store.counts("acme")).live) == {"1": 7, "2": 1}


async def test_a_rewrap_loses_against_a_shred_and_against_another_rewrap(anywhere: Place) -> None:
    store = anywhere.store
    stored, other = await store.add(key()), await store.add(key(OTHER))
    newer = WrappedKey("2", b"newer")
    assert await store.rewrap(stored, newer)
    assert not await store.rewrap(stored, WrappedKey("3", b"late"))
    assert (await store.live(SESSION) or stored).wrapped == newer
    await store.shred(OTHER)
    assert not await store.rewrap(other, newer)
    assert await store.live(OTHER) is None


@pytest.mark.parametrize("url", ["postgresql://voice:hunter2@127.0.0.1:9/keys"])
async def test_a_store_that_does_not_answer_is_no_answer_about_keys(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("turnkeeper.security.postgres_rows.WAIT_SECONDS", 0.2)
    with pytest.raises(StoreUnavailable) as caught:
        await key_store(url).find(new_key_id())
    assert "hunter2" not in str(caught.value)


async def test_a_file_that_is_no_database_is_a_store_that_does_not_answer(tmp_path: Path) -> None:
    (tmp_path / "keys.db").write_text("something else, " * 100)
    with pytest.raises(StoreUnavailable, match="DatabaseError"):
        await key_store(f"sqlite:{tmp_path / 'keys.db'}").live(SESSION)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("redis://keys", "must begin with one of sqlite:, postgresql:, postgres:"),
        ("sqlite:/nowhere/at/all/keys.db", "there is no folder /nowhere/at/all"),
        ("postgresql://voice:hunter2@[/keys", "is not a PostgreSQL URL"),
    ],
)
def test_a_wrong_url_is_one_sentence_without_its_password(url: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence) as caught:
        key_store(url)
    assert "hunter2" not in str(caught.value)
