"""One-use tickets: what one opens, once, and what is kept of it."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.channels.access.letting_in import NOT_LET_IN, TALKS, is_empty, refused
from tests.channels.credentials import CALLER, Credentials
from tests.channels.streaming import Caller, Gateway
from turnkeeper.contract import DEFAULT_TENANT
from turnkeeper.errors import (
    Unauthenticated,
)
from turnkeeper.gateway.access.principal import Principal
from turnkeeper.gateway.access.tickets import Purpose, Tickets


async def test_a_ticket_opens_one_socket_for_whom_it_was_made(
    here: Gateway, given: Credentials, tickets: Tickets
) -> None:
    caller = Principal(DEFAULT_TENANT, frozenset({"talk"}), caller=CALLER)
    ticket = (await Tickets.of(given.settings).issue(caller, "stream")).ticket
    line = await Caller.at(here)
    assert (await line.asks(type="hello", token=ticket))["type"] == "welcome"
    opened = await line.asks(type="open", form="claim")
    assert opened["session_id"] == await here.sessions.session_id("claim", CALLER)
    second = await Caller.at(here)
    await second.sends(type="hello", token=ticket)
    await refused(second)


async def test_a_socket_that_came_with_a_ticket_ends_with_the_token_behind_it(
    here: Gateway, tickets: Tickets
) -> None:
    soon = Principal(DEFAULT_TENANT, frozenset({"talk"}), expires_at=time.time() + 1)
    line = await Caller.at(here)
    await line.asks(type="hello", token=(await tickets.issue(soon, "stream")).ticket)
    await line.asks(type="open", form="claim", caller=CALLER)
    assert await line.closed() == NOT_LET_IN


@pytest.mark.parametrize("purpose", ["events", "relay"])
async def test_a_ticket_of_another_purpose_opens_nothing_and_is_used_up(
    here: Gateway, tickets: Tickets, purpose: Purpose
) -> None:
    ticket = (await tickets.issue(TALKS, purpose)).ticket
    line = await Caller.at(here)
    await line.sends(type="hello", token=ticket)
    await refused(line)
    with pytest.raises(Unauthenticated):
        await tickets.redeem(ticket, purpose)
    assert await is_empty(here)


# --- tickets themselves ---------------------------------------------------------------------------


async def test_of_many_gateways_one_redeems_a_ticket(given: Credentials) -> None:
    gateways = [Tickets.of(given.settings) for _ in range(4)]
    ticket = (await gateways[0].issue(TALKS, "stream")).ticket
    tried = (one.redeem(ticket, "stream") for one in gateways * 3)
    came = await asyncio.gather(*tried, return_exceptions=True)
    assert [one for one in came if not isinstance(one, Unauthenticated)] == [TALKS]


async def test_a_ticket_is_good_for_half_a_minute_by_the_databases_clock(
    given: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    from turnkeeper.gateway.access import tickets as module

    assert module.LIFE_SECONDS == 30
    monkeypatch.setattr(module, "LIFE_SECONDS", -1)
    held = Tickets.of(given.settings)
    late = await held.issue(TALKS, "stream")
    with pytest.raises(Unauthenticated, match="expired"):
        await held.redeem(late.ticket, "stream")


async def test_a_ticket_ends_with_the_token_that_it_was_made_with() -> None:
    ended = Principal(DEFAULT_TENANT, frozenset({"talk"}), expires_at=time.time() - 1)
    held = Tickets()
    with pytest.raises(Unauthenticated, match="has expired"):
        await held.redeem((await held.issue(ended, "stream")).ticket, "stream")


async def test_the_database_holds_neither_a_ticket_nor_whose_it_is(
    tmp_path: Path,
) -> None:
    given = Credentials.made(tmp_path)
    caller = Principal(DEFAULT_TENANT, frozenset({"talk"}), caller=CALLER, key_id="wanted")
    ticket = (await Tickets.of(given.settings).issue(caller, "stream")).ticket
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("keys.db*"))
    assert b"tickets" in kept
    for secret in (ticket, ticket.removeprefix("tt_"), CALLER, CALLER[1:], "wanted"):
        assert secret.encode() not in kept
