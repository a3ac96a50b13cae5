"""Made-up API keys: what each costs the key store, and what they cost who has a good one."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.channels.issuer import Issuer
from turnkeeper.contract import DEFAULT_TENANT
from turnkeeper.errors import TooManyRequests, Unauthenticated
from turnkeeper.gateway.access import api_keys
from turnkeeper.gateway.access.api_keys import PREFIX, ApiKeys
from turnkeeper.gateway.access.gate import Gate, OneTenant
from turnkeeper.gateway.access.limits import Limits
from turnkeeper.gateway.access.tokens import tokens_of
from turnkeeper.gateway.access.ways import Access, ByBeginning
from turnkeeper.gateway.codec import CodecServer, codec_app
from turnkeeper.gateway.doorway import NoForms, Site
from turnkeeper.gateway.secret_fields import SecretFields
from turnkeeper.security.access_rows import ApiKeyRow, ApiKeyRows
from turnkeeper.security.converter import keyring
from turnkeeper.security.identity import PUBLIC_KEY
from turnkeeper.security.key_file import make_key_file
from turnkeeper.security.sqlite_rows import SqliteRows
from turnkeeper.settings import read_settings
from turnkeeper.testing import MemorySessions

STRANGER, OFFICE = "203.0.113.7", "198.51.100.1"


class CountedRows(ApiKeyRows):
    """Counts what is asked of the database."""

    asked = 0

    async def find(self, key_id: str) -> ApiKeyRow | None:
        self.asked += 1
        return await super().find(key_id)


async def identity_key(tenant: str) -> bytes:
    return PUBLIC_KEY


@dataclass
class Place:
    """API keys, a gate that takes them, and what time it is."""

    rows: CountedRows
    keys: ApiKeys
    gate: Gate
    now: list[float]

    async def make(self, name: str = "agent") -> str:
        return await self.keys.make(name, DEFAULT_TENANT, ("talk", "decode"), None)

    async def cost(self, token: str, address: str = STRANGER, *, good: bool = False) -> int:
        """Look-ups for one request, which is let in or not."""
        before = self.rows.asked
        try:
            await self.gate.of_token(token, address)
        except Unauthenticated:
            assert not good
        else:
            assert good
        return self.rows.asked - before


def made_up(number: int) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz"
    return f"tk_{letters[number // 26] * 11}{letters[number % 26]}_{'a' * 52}"


@pytest_asyncio.fixture(loop_scope="session")
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    now = [1000.0]
    rows = CountedRows(SqliteRows(tmp_path / "keys.db"))
    keys = ApiKeys(rows, identity_key, clock=lambda: now[0])
    tokens = tokens_of(read_settings(**Issuer().settings(tmp_path)))
    access: Access = ByBeginning({PREFIX: keys, "": tokens})
    async with MemorySessions([]) as sessions:
        limits = Limits(failures="3/minute")
        gate = Gate(access, OneTenant(sessions), Site(), DEFAULT_TENANT, limits=limits)
        yield Place(rows, keys, gate, now)


async def test_a_made_up_key_is_looked_up_once_in_a_quarter_of_a_minute(place: Place) -> None:
    assert [await place.cost(made_up(1)) for _ in range(2)] == [1, 0]
    place.now[0] += api_keys.SEEN_AGAIN_AFTER + 1
    assert await place.cost(made_up(1)) == 1


async def test_made_up_keys_push_no_key_out_and_are_not_all_remembered(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_keys, "KEPT", 5)
    monkeypatch.setattr(api_keys, "KEPT_MISSES", 10)
    good = await place.make()
    assert await place.cost(good, good=True) == 1
    for number in range(50):
        assert await place.cost(made_up(number), f"203.0.113.{number}") == 1
    assert await place.cost(good, good=True) == 0
    assert len(place.keys._missed) == 10


async def test_from_an_address_over_its_limit_only_keys_that_are_known_are_let_in(
    place: Place,
) -> None:
    known, unknown = await place.make("known"), await place.make("unknown")
    assert await place.cost(known, OFFICE, good=True) == 1
    assert [await place.cost(made_up(number)) for number in range(3)] == [1, 1, 1]
    asked = place.rows.asked
    for token in (*(made_up(number) for number in range(3, 20)), unknown):
        with pytest.raises(TooManyRequests):
            await place.gate.of_token(token, STRANGER)
    assert place.rows.asked == asked
    place.now[0] += api_keys.SEEN_AGAIN_AFTER + 1  # It is read again, as it may be revoked.
    assert await place.cost(known, STRANGER, good=True) == 1
    assert await place.cost(unknown, OFFICE, good=True) == 1
    assert await place.cost(unknown, STRANGER, good=True) == 0


async def test_a_revocation_is_seen_after_a_quarter_of_a_minute_wherever_the_key_comes_from(
    place: Place,
) -> None:
    key = await place.make()
    assert await place.cost(key, good=True) == 1
    for number in range(3):
        await place.cost(made_up(number))
    assert await place.keys.revoke(DEFAULT_TENANT, key.split("_")[1])
    place.now[0] += api_keys.SEEN_AGAIN_AFTER + 1
    with pytest.raises(TooManyRequests):  # Not a 401, as that address is over its limit.
        await place.gate.of_token(key, STRANGER)
    assert await place.cost(key, OFFICE) == 0


async def test_the_codec_server_looks_no_more_up_for_a_stranger_than_the_gateway(
    place: Place, tmp_path: Path
) -> None:
    make_key_file(tmp_path / "keys.json")
    settings = read_settings(
        keys=f"file:{tmp_path / 'keys.json'}", key_store=f"sqlite:{tmp_path / 'keys.db'}"
    )
    async with MemorySessions([]) as sessions:
        server = CodecServer(keyring(settings), SecretFields(lambda _: sessions, NoForms()))
        app = codec_app(server, place.gate.access, ())
        transport = httpx.ASGITransport(app, client=(STRANGER, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://codec") as client:
            for number in range(60):
                sent = {"authorization": f"Bearer {made_up(number)}"}
                shown = await client.post("/default/decode", content=b"as it was", headers=sent)
                assert (shown.status_code, shown.content) == (200, b"as it was")
    assert place.rows.asked == 30
