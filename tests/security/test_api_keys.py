"""API keys in every database that a key store may be in."""

import asyncio
from pathlib import Path

import pytest

from tests.security.conftest import Place
from turnkeeper.errors import InvalidInput, Unauthenticated
from turnkeeper.gateway.access.api_keys import ApiKeys


async def test_a_key_is_good_until_its_end_and_a_name_has_two_at_once(anywhere: Place) -> None:
    keys = ApiKeys.of(anywhere.settings())
    ended = await keys.make("agent", "acme", ("talk",), -1)
    with pytest.raises(Unauthenticated, match="run out"):
        await keys.principal(ended)
    old = await keys.make("agent", "acme", ("talk", "read"), None)
    new = await keys.make("agent", "acme", ("talk",), 3600)
    with pytest.raises(InvalidInput, match="2 keys 'agent'"):
        await keys.make("agent", "acme", ("talk",), None)
    assert (await keys.principal(old)).scopes == {"talk", "read"}
    assert 3500 < (await keys.principal(new)).seconds_left < 3602  # Of the database's clock.
    assert not await keys.revoke("other", old.split("_")[1])
    assert await keys.revoke("acme", old.split("_")[1])
    listed = [(row.name, row.is_live) for row in await keys.list("acme")]
    assert sorted(listed) == [("agent", False), ("agent", False), ("agent", True)]
    assert await keys.list("other") == []


async def test_another_process_learns_of_a_revocation_in_time(anywhere: Place) -> None:
    here, now = ApiKeys.of(anywhere.settings()), [0.0]
    there = ApiKeys.of(anywhere.settings())
    there._clock = lambda: now[0]
    key = await here.make("agent", "acme", ("talk",), None)
    assert (await there.principal(key)).tenant == "acme"
    await here.revoke("acme", key.split("_")[1])
    now[0] = 15.1
    with pytest.raises(Unauthenticated, match="revoked"):
        await there.principal(key)


async def test_two_that_are_made_at_once_are_two(anywhere: Place) -> None:
    makers = [ApiKeys.of(anywhere.settings()) for _ in range(2)]
    made = await asyncio.gather(*(one.make("agent", "acme", ("talk",), None) for one in makers))
    assert {(await ApiKeys.of(anywhere.settings()).principal(key)).tenant for key in made} == {
        "acme"
    }


async def test_the_database_holds_no_key(place: Place, tmp_path: Path) -> None:
    key = await ApiKeys.of(place.settings()).make("agent", "acme", ("talk",), None)
    held = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert key.split("_")[1].encode() in held
    assert key.split("_")[2].encode() not in held
