"""Tickets in the key store's database, SQLite and PostgreSQL."""

import asyncio

from tests.security.conftest import Place
from turnkeeper.security.key_store import database
from turnkeeper.security.ticket_rows import TicketRows


async def test_of_many_processes_one_takes_a_ticket(anywhere: Place) -> None:
    gateways = [TicketRows(database(anywhere.store_url)) for _ in range(4)]
    await gateways[0].put("one", b"sealed", 30)
    took = await asyncio.gather(*(gateway.take("one") for gateway in gateways * 3))
    assert [sealed for sealed in took if sealed is not None] == [b"sealed"]


async def test_a_ticket_that_has_expired_is_not_taken_and_goes_with_the_next(
    anywhere: Place,
) -> None:
    store = database(anywhere.store_url)
    rows = TicketRows(store)
    await rows.put("late", b"sealed", -1)
    assert await rows.take("late") is None
    await rows.put("later", b"sealed", -1)
    await rows.put("good", b"sealed", 30)
    assert [row[0] for row in store.run("SELECT name FROM tickets")] == ["good"]


async def test_a_name_that_was_never_noted_gives_nothing(anywhere: Place) -> None:
    assert await TicketRows(database(anywhere.store_url)).take("never") is None
