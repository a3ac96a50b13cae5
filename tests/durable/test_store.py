"""The store alone: get, set, delete, and no error that looks like "no session"."""

import pytest

from turnkeeper.client import VoiceSessions
from turnkeeper.errors import StaleWrite, StoreUnavailable
from turnkeeper.settings import read_settings
from turnkeeper.store import SessionStore
from worker.server import free_port


@pytest.fixture
def store(sessions: VoiceSessions) -> SessionStore:
    return SessionStore(sessions)


async def test_what_was_set_is_what_is_got(store: SessionStore) -> None:
    assert await store.get("user-42") is None
    written = await store.set("user-42", {"city": "Oslo", "guests": 4, "late": True, "fee": 1.5},
                              last_turn="to Oslo, please")  # fmt: skip
    read = await store.get("user-42")
    assert read == written
    assert read is not None
    assert read.form_answers == {"city": "Oslo", "guests": 4, "late": True, "fee": 1.5}
    assert read.last_turn == "to Oslo, please"


async def test_a_write_replaces_the_answers_whole(store: SessionStore) -> None:
    first = await store.set("user-42", {"city": "Oslo", "guests": 4})
    await store.set("user-42", {"city": "Bergen"}, version=first.version)
    record = await store.get("user-42")
    assert record is not None
    assert record.form_answers == {"city": "Bergen"}


async def test_of_two_who_begin_a_record_at_once_the_later_is_told_and_overwrites_nothing(
    store: SessionStore, sessions: VoiceSessions
) -> None:
    class LookedBefore(SessionStore):
        """Whose look was before the other's write."""

        async def get(self, key: str) -> None:
            return None

    await store.set("user-42", {"city": "Oslo"})
    with pytest.raises(StaleWrite, match="meanwhile"):
        await LookedBefore(sessions).set("user-42", {"city": "Bergen"})
    record = await store.get("user-42")
    assert record is not None
    assert record.form_answers == {"city": "Oslo"}


async def test_a_write_over_an_older_record_is_refused_and_nothing_is_lost(
    store: SessionStore,
) -> None:
    first = await store.set("user-42", {"city": "Oslo"})
    await store.set("user-42", {"city": "Bergen"}, version=first.version)
    with pytest.raises(StaleWrite, match="get it again"):
        await store.set("user-42", {"city": "Lost"}, version=first.version)
    with pytest.raises(StaleWrite, match="there is a record already"):
        await store.set("user-42", {"city": "Lost"})
    record = await store.get("user-42")
    assert record is not None
    assert record.form_answers == {"city": "Bergen"}


async def test_a_deleted_record_is_gone_and_can_be_begun_again(store: SessionStore) -> None:
    first = await store.set("user-42", {"city": "Oslo"})
    assert await store.delete("user-42")
    assert not await store.delete("user-42")
    assert await store.get("user-42") is None
    with pytest.raises(StaleWrite, match="version 0"):
        await store.set("user-42", {"city": "Oslo"}, version=first.version)
    await store.set("user-42", {"city": "Narvik"})
    record = await store.get("user-42")
    assert record is not None
    assert record.form_answers == {"city": "Narvik"}


async def test_a_store_that_is_away_is_not_an_empty_store() -> None:
    settings = read_settings(turn_deadline=0.5)
    address = f"127.0.0.1:{free_port()}"
    async with VoiceSessions.connect(address=address, settings=settings) as sessions:
        with pytest.raises(StoreUnavailable):
            await SessionStore(sessions).get("user-42")
        with pytest.raises(StoreUnavailable):
            await SessionStore(sessions).set("user-42", {})
