"""A session is found by its call's own id: a CallSid, a room name. In Temporal and in memory."""

import asyncio

import pytest

from tests.durable.conftest import World
from turnkeeper.client import VoiceSessions
from turnkeeper.contract import ATTRIBUTE_TRANSPORT, MAX_TRANSPORT_ID, Connect, Opening
from turnkeeper.security.identity import PUBLIC_KEY, transport_key
from turnkeeper.visibility import attribute_of

CALLER = "+14155550101"


async def found(sessions: VoiceSessions, transport_id: str) -> list[str]:
    return [row.session_id async for row in sessions.list(transport_id=transport_id)]


async def becomes(sessions: VoiceSessions, transport_id: str, wanted: list[str]) -> None:
    """Wait until a search finds these; visibility follows history, a little later."""
    async with asyncio.timeout(10):
        while await found(sessions, transport_id) != wanted:
            await asyncio.sleep(0.05)


async def test_a_session_is_found_by_the_id_of_its_newest_call(anywhere: VoiceSessions) -> None:
    session = await anywhere.open("claim", CALLER, transport_id="CA81")
    other = await anywhere.open("claim", "+14155550102", transport_id="CA82")
    await becomes(anywhere, "CA81", [session.id])
    await becomes(anywhere, "CA82", [other.id])
    await anywhere.open("claim", CALLER, transport_id="CA83")
    await becomes(anywhere, "CA83", [session.id])
    assert await found(anywhere, "CA81") == []


async def test_a_leg_without_an_id_leaves_the_session_to_be_found_by_the_one_before(
    anywhere: VoiceSessions,
) -> None:
    session = await anywhere.open("claim", CALLER, transport_id="CA81")
    await anywhere.open("claim", CALLER)
    await becomes(anywhere, "CA81", [session.id])


QUOTES = "x' OR TurnkeeperForm = 'claim"


@pytest.mark.parametrize("odd", [QUOTES, 'room "a"', "back\\slash'", "täglich 🙂", "a%_b", "--'"])
async def test_whatever_an_id_has_in_it_is_looked_for_and_nothing_else(
    anywhere: VoiceSessions, odd: str
) -> None:
    await anywhere.open("claim", "+14155550102", transport_id="CA1")
    assert await found(anywhere, odd) == []
    session = await anywhere.open("claim", CALLER, transport_id=odd)
    await becomes(anywhere, odd, [session.id])


async def test_an_id_is_found_however_long_it_is(anywhere: VoiceSessions) -> None:
    long = "room-" + "x" * 2 * MAX_TRANSPORT_ID + "\x00"
    session = await anywhere.open("claim", CALLER, transport_id=long)
    await becomes(anywhere, long, [session.id])
    assert (await session.turn("4321")).recorded == {"policy": "4321"}


async def test_an_empty_id_finds_nothing(anywhere: VoiceSessions) -> None:
    await anywhere.open("claim", CALLER)
    assert await found(anywhere, "") == []


async def test_another_tenants_call_is_not_found(world: World, sessions: VoiceSessions) -> None:
    session = await sessions.open("claim", CALLER, transport_id="CA-of-one-tenant")
    await becomes(sessions, "CA-of-one-tenant", [session.id])
    world.settings = world.settings.model_copy(update={"tenant": "another"})
    async with world.sessions() as others:
        assert await found(others, "CA-of-one-tenant") == []


async def test_the_id_itself_is_not_indexed_but_its_key(
    world: World, sessions: VoiceSessions
) -> None:
    session = await sessions.open("claim", CALLER, transport_id="CA-secret-81")
    await becomes(sessions, "CA-secret-81", [session.id])
    indexed = attribute_of(await world.handle(session.id).describe(), ATTRIBUTE_TRANSPORT)
    assert indexed == transport_key(PUBLIC_KEY, world.settings.tenant, "CA-secret-81")


async def test_a_client_of_before_there_were_keys_is_found_by_the_id_in_clear(
    world: World, sessions: VoiceSessions
) -> None:
    key = await sessions.session_id("claim", CALLER)
    opening = Opening(form="claim", tenant=world.settings.tenant)
    connect = Connect(connect_id="c1", transport_id="room 'a'")
    await sessions.backend_of(key).connect(key, opening, connect)
    indexed = attribute_of(await world.handle(key).describe(), ATTRIBUTE_TRANSPORT)
    assert indexed == "room _a_"


async def test_an_empty_id_is_not_indexed(world: World, sessions: VoiceSessions) -> None:
    session = await sessions.open("claim", CALLER)
    await session.hang_up()
    await session.state()  # What was signalled before is done.
    description = await world.handle(session.id).describe()
    assert attribute_of(description, ATTRIBUTE_TRANSPORT) is None
