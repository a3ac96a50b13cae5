"""Tickets that were issued and not used, in the key store's database: see
`turnkeeper.gateway.access.tickets`, by which each is named and encrypted.

Whoever deletes a row has it, and the database lets one do so: that makes a ticket good once, among
all processes. Times are whole seconds since 1970 by the database's clock.
"""

import asyncio

from turnkeeper.security.key_rows import Row, Rows, Value

SCHEMA = (
    """
    CREATE TABLE IF NOT EXISTS tickets (
        name TEXT PRIMARY KEY,
        sealed {blob} NOT NULL,
        expires_at BIGINT NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS tickets_that_expire ON tickets (expires_at)",
)

_PUT = """
    INSERT INTO tickets (name, sealed, expires_at)
    VALUES (:name, :sealed, {now} + CAST(:seconds AS BIGINT))
"""
_TAKE = "DELETE FROM tickets WHERE name = :name RETURNING sealed, expires_at >= {now}"
_DROP = "DELETE FROM tickets WHERE expires_at < {now}"


class TicketRows:
    """The rows. All methods raise StoreUnavailable where the database is out of reach."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def put(self, name: str, sealed: bytes, seconds: int) -> None:
        """Note a ticket for so long; those that have expired go."""
        await self._run(_DROP)
        await self._run(_PUT, name=name, sealed=sealed, seconds=seconds)

    async def take(self, name: str) -> bytes | None:
        """What was noted, and it is gone; None where there is nothing (any more)."""
        found = await self._run(_TAKE, name=name)
        if not found:
            return None
        sealed, is_in_time = found[0]
        return sealed if is_in_time and isinstance(sealed, bytes) else None

    async def _run(self, statement: str, **values: Value) -> list[Row]:
        text = statement.replace("{now}", self._rows.dialect.now)
        return await asyncio.to_thread(lambda: self._rows.run(text, **values))
