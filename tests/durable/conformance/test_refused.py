"""What cannot be sent, or is a write too late, is refused and spoils nothing."""

from datetime import date
from typing import Any, cast

import pytest

from turnkeeper.client import VoiceSessions
from turnkeeper.contract import MAX_TURN_BYTES, Put
from turnkeeper.errors import InvalidInput, SessionNotFound, StaleWrite, TurnTooLarge
from turnkeeper.store import SessionStore

# --- what cannot be sent --------------------------------------------------------------------------


async def test_a_turn_that_is_too_large_is_not_sent(sessions: VoiceSessions) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    with pytest.raises(TurnTooLarge, match="over the limit"):
        await session.turn("x" * (MAX_TURN_BYTES + 1))
    assert (await session.turn("4321")).recorded == {"policy": "4321"}


@pytest.mark.parametrize(
    "content",
    [
        {"event": "bogus"},
        {"answers": {"day": date(2026, 3, 1)}},
        {"answers": {"policy": float("inf")}},
        {"text": "half a \ud83d"},
        {"utterance_id": "u" * 201},
    ],
)
async def test_what_cannot_be_sent_is_refused_without_being_quoted(
    sessions: VoiceSessions, content: dict[str, object]
) -> None:
    session = await sessions.open("claim", caller="+14155550101")
    with pytest.raises(InvalidInput) as refused:
        await session.turn(**cast(Any, content))
    assert "2026" not in str(refused.value)
    assert (await session.turn("4321")).recorded == {"policy": "4321"}


async def test_a_transport_id_that_is_too_long_opens_nothing(sessions: VoiceSessions) -> None:
    with pytest.raises(InvalidInput):
        await sessions.open("claim", caller="+14155550101", transport_id="x" * 100_000)
    with pytest.raises(SessionNotFound):
        await sessions.state(await sessions.session_id("claim", "+14155550101"))


# --- the store ------------------------------------------------------------------------------------


async def test_a_put_that_is_sent_again_is_one_write(sessions: VoiceSessions) -> None:
    store = SessionStore(sessions)
    record = await store.set("user-42", {"city": "Oslo"})
    put = Put(request_id="r1", version=record.version, form_answers={"city": "Bergen"})
    first = await sessions.put(record.session_id, put)
    assert (await sessions.put(record.session_id, put)).version == first.version


async def test_a_refused_write_spoils_nobody_elses(sessions: VoiceSessions) -> None:
    store = SessionStore(sessions)
    record = await store.set("user-42", {"city": "Oslo"})
    with pytest.raises(StaleWrite):
        await store.set("user-42", {"city": "Lost"})
    assert (await store.set("user-42", {"city": "Bergen"}, version=record.version)).version
    assert await store.get("nobody") is None


async def test_a_record_that_is_too_large_is_not_sent(sessions: VoiceSessions) -> None:
    store = SessionStore(sessions)
    with pytest.raises(TurnTooLarge):
        await store.set("user-42", {"all": "x" * 300_000})
    assert await store.get("user-42") is None
