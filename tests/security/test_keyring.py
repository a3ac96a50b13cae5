"""The keys that a process holds: no call for a session that was seen, and no key held too long."""

import asyncio
import time
from types import SimpleNamespace

import pytest

from tests.security.conftest import OTHER, SESSION, Place
from turnkeeper.errors import KeyShredded, KeyUnknown, StoreUnavailable
from turnkeeper.security import keyring as module
from turnkeeper.security.key_rows import Dialect, SqlKeyStore
from turnkeeper.security.key_store import SessionId
from turnkeeper.security.keyring import Keyring
from turnkeeper.security.sqlite_rows import SqliteRows


def take_away(place: Place) -> None:
    """Neither store nor tenant key can be reached: a folder is where the store's file was."""
    for path in (*place.folder.glob("keys.db*"), place.key_file):
        path.rename(place.folder / f"away-{path.name}")
    (place.folder / "keys.db").mkdir()


def give_back(place: Place) -> None:
    (place.folder / "keys.db").rmdir()
    for path in place.folder.glob("away-*"):
        path.rename(place.folder / path.name.removeprefix("away-"))


async def test_a_session_that_was_seen_costs_no_call_of_store_or_provider(place: Place) -> None:
    ring = place.keyring()
    key = await ring.of_session(SESSION)
    take_away(place)
    assert await ring.of_session(SESSION) is key
    assert await ring.of_id(key.key_id, SESSION) is key
    with pytest.raises((StoreUnavailable, KeyUnknown)):
        await ring.of_session(OTHER)


async def test_who_only_looks_for_a_key_makes_none(place: Place) -> None:
    ring = place.keyring()
    assert await ring.find(SESSION) is None
    assert await place.store.live(SESSION) is None
    key = await place.keyring().of_session(SESSION)
    found = await ring.find(SESSION)
    assert found is not None
    assert found.key_id == key.key_id
    take_away(place)
    assert await ring.find(SESSION) is found
    with pytest.raises(StoreUnavailable):
        await ring.find(OTHER)


async def test_a_store_that_is_away_is_no_answer_about_keys(place: Place) -> None:
    take_away(place)
    with pytest.raises(StoreUnavailable):
        await place.keyring().of_id("0" * 32)


async def test_what_is_held_is_bounded_and_the_least_used_goes_first(place: Place) -> None:
    ring = place.keyring()
    small = Keyring(ring.provider, ring.store, capacity=2)
    first = await small.of_session(SESSION)
    await small.of_session(OTHER)
    await small.of_session(SESSION)
    await small.of_session(SessionId("default", "voice:session:acme:claim:user-3"))
    take_away(place)
    assert await small.of_session(SESSION) is first
    with pytest.raises(StoreUnavailable):
        await small.of_session(OTHER)


async def test_who_shreds_forgets_at_once(place: Place) -> None:
    ring = place.keyring()
    key = await ring.of_session(SESSION)
    assert [await ring.shred(SESSION) for _ in range(2)] == [1, 0]
    with pytest.raises(KeyShredded):
        await ring.of_id(key.key_id)
    assert (await ring.of_session(SESSION)).key_id != key.key_id


async def test_other_processes_learn_of_a_shred_by_themselves(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ASK_EVERY", 0.05)
    monkeypatch.setattr(module, "TRUSTED_FOR", 60.0)
    ring, other = place.keyring(), place.keyring()
    key, kept = await ring.of_session(SESSION), await ring.of_session(OTHER)
    await other.shred(SESSION)
    async with asyncio.timeout(10):
        while True:
            try:
                await ring.of_id(key.key_id)
            except KeyShredded:
                break
            await asyncio.sleep(0.01)
    take_away(place)
    assert await ring.of_session(OTHER) is kept


@pytest.mark.parametrize("stands_too", [False, True], ids=["its clock goes on", "its clock stands"])
async def test_a_process_that_stood_still_for_hours_learns_of_a_shred_before_it(
    place: Place, monkeypatch: pytest.MonkeyPatch, *, stands_too: bool
) -> None:
    """Its clock stands where the machine was suspended, and goes on where the process was."""
    rows, hours = SqliteRows(place.folder / "keys.db"), 3600 * 5
    ring = Keyring(place.keyring().provider, SqlKeyStore(rows))
    key, kept = await ring.of_session(SESSION), await ring.of_session(OTHER)
    await ring.ask()
    await place.keyring().shred(SESSION)
    rows.dialect = Dialect(blob="BLOB", now=f"({rows.dialect.now} + {hours})")
    if not stands_too:
        later = time.monotonic() + hours
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: later))
    await ring.ask()
    with pytest.raises(KeyShredded):
        await ring.of_id(key.key_id)
    assert await ring.of_id(kept.key_id) is kept


async def test_without_its_store_a_process_goes_on_and_then_holds_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = place.keyring()
    key = await ring.of_session(SESSION)
    take_away(place)
    await ring.ask()
    assert await ring.of_session(SESSION) is key
    monkeypatch.setattr(module, "TRUSTED_FOR", -1.0)
    with pytest.raises(StoreUnavailable):
        await ring.of_session(SESSION)
    monkeypatch.undo()
    give_back(place)
    assert (await ring.of_session(SESSION)).key_id == key.key_id


def test_a_shred_is_asked_for_longer_than_a_key_is_trusted() -> None:
    """Or one could be missed between two askings."""
    assert module.TRUSTED_FOR > module.ASK_EVERY > 0


async def test_no_key_shows_when_a_keyring_is_printed(place: Place) -> None:
    key = await place.keyring().of_session(SESSION)
    assert "cipher" not in repr(key)
    assert "DataKey object" in repr(key)
