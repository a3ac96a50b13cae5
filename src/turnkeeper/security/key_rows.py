"""The key store in SQL: one table and nine statements, the same for every database.

Every statement is a transaction of its own. That a session has at most one live key is an index of
the database, so it holds between processes. All times are whole seconds since 1970 by the
database's clock: a process whose own clock is wrong misses no shred.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, cast

from turnkeeper.security.key_store import (
    KeyCounts,
    NewKey,
    SessionId,
    StoredKey,
    identity_of,
)
from turnkeeper.security.keys import WrappedKey

Value = str | int | bytes | None
Row = Sequence[Value]


@dataclass(frozen=True, slots=True)
class Dialect:
    """What databases say differently."""

    blob: str
    now: str


class Rows(Protocol):
    """A database. Its methods block, may be called from any thread, and raise StoreUnavailable.

    The first use makes what `schema.TABLES` says, where it is not there yet.
    """

    dialect: Dialect

    def is_made(self) -> bool:
        """Whether it has been used before; asking makes nothing."""
        ...

    def run(self, statement: str, **values: Value) -> list[Row]:
        """Runs one statement, whose `:name`s are `values`; the rows that it gives."""
        ...

    def wipe(self) -> None:
        """Lets go of what deleted values have left behind, as far as the database can."""
        ...


SCHEMA = (
    """
    CREATE TABLE IF NOT EXISTS session_keys (
        key_id TEXT PRIMARY KEY,
        tenant TEXT NOT NULL,
        namespace TEXT NOT NULL,
        session_id TEXT NOT NULL,
        version TEXT NOT NULL,
        wrapped {blob},
        created_at BIGINT NOT NULL,
        shredded_at BIGINT,
        CHECK ((wrapped IS NULL) = (shredded_at IS NOT NULL))
    )
    """,
    """
    CREATE UNIQUE INDEX IF NOT EXISTS one_live_key ON session_keys (namespace, session_id)
    WHERE shredded_at IS NULL
    """,
    """
    CREATE INDEX IF NOT EXISTS shredded_keys ON session_keys (shredded_at)
    WHERE shredded_at IS NOT NULL
    """,
)

_COLUMNS = "key_id, tenant, namespace, session_id, version, wrapped, created_at, shredded_at"
_FIND = f"SELECT {_COLUMNS} FROM session_keys WHERE key_id = :key_id"
_LIVE = f"""
    SELECT {_COLUMNS} FROM session_keys
    WHERE namespace = :namespace AND session_id = :session_id AND shredded_at IS NULL
"""
_ADD = f"""
    INSERT INTO session_keys ({_COLUMNS})
    VALUES (:key_id, :tenant, :namespace, :session_id, :version, :wrapped, {{now}}, NULL)
    ON CONFLICT DO NOTHING
"""
_SHRED = """
    UPDATE session_keys SET wrapped = NULL, shredded_at = {now}
    WHERE namespace = :namespace AND session_id = :session_id AND shredded_at IS NULL
    RETURNING key_id
"""
_CLOCK = "SELECT {now}"
_SHREDDED = "SELECT key_id FROM session_keys WHERE shredded_at >= {now} - :seconds"
_OUTDATED = f"""
    SELECT {_COLUMNS} FROM session_keys
    WHERE tenant = :tenant AND version <> :current AND shredded_at IS NULL AND key_id > :after
    ORDER BY key_id LIMIT :limit
"""
_REWRAP = """
    UPDATE session_keys SET wrapped = :wrapped, version = :version
    WHERE key_id = :key_id AND wrapped = :before
    RETURNING key_id
"""
_COUNTS = """
    SELECT version, namespace, shredded_at IS NOT NULL, COUNT(*) FROM session_keys
    WHERE tenant = :tenant GROUP BY 1, 2, 3 ORDER BY 1
"""


class SqlKeyStore:
    """A `KeyStore` in a database; each call runs in a thread."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def find(self, key_id: str) -> StoredKey | None:
        return _first(await self._run(_FIND, key_id=key_id))

    async def live(self, session: SessionId) -> StoredKey | None:
        return _first(await self._run(_LIVE, **_named(session)))

    async def add(self, key: NewKey) -> StoredKey:
        while True:
            await self._run(
                _ADD,
                key_id=key.key_id,
                tenant=key.tenant,
                version=key.wrapped.version,
                wrapped=key.wrapped.data,
                **_named(key.session),
            )
            # None if it was shredded at once: then there is room for another.
            if (live := await self.live(key.session)) is not None:
                return live

    async def shred(self, session: SessionId) -> int:
        shredded = await self._run(_SHRED, **_named(session))
        # After one that was cut short too: the second says 0, and finishes it.
        await asyncio.to_thread(self._rows.wipe)
        return len(shredded)

    async def clock(self) -> int:
        return cast(int, (await self._run(_CLOCK))[0][0])

    async def shredded_within(self, seconds: int) -> list[str]:
        return [str(row[0]) for row in await self._run(_SHREDDED, seconds=seconds)]

    async def outdated(self, tenant: str, current: str, after: str, limit: int) -> list[StoredKey]:
        rows = await self._run(_OUTDATED, tenant=tenant, current=current, after=after, limit=limit)
        return [_stored(row) for row in rows]

    async def rewrap(self, key: StoredKey, wrapped: WrappedKey) -> bool:
        if key.wrapped is None:
            return False
        changed = await self._run(
            _REWRAP,
            key_id=key.key_id,
            version=wrapped.version,
            wrapped=wrapped.data,
            before=key.wrapped.data,
        )
        return bool(changed)

    async def counts(self, tenant: str) -> KeyCounts:
        live: Counter[str] = Counter()
        shredded, identity = 0, None
        for version, namespace, gone, count in await self._run(_COUNTS, tenant=tenant):
            if gone:
                shredded += cast(int, count)
            elif namespace == identity_of(tenant).namespace:
                identity = str(version)
            else:
                live[str(version)] += cast(int, count)
        return KeyCounts(live, shredded, identity)

    async def _run(self, statement: str, **values: Value) -> list[Row]:
        dialect = self._rows.dialect
        text = statement.replace("{now}", dialect.now)
        return await asyncio.to_thread(lambda: self._rows.run(text, **values))


def _named(session: SessionId) -> dict[str, Value]:
    return {"namespace": session.namespace, "session_id": session.workflow_id}


def _first(rows: list[Row]) -> StoredKey | None:
    return _stored(rows[0]) if rows else None


def _stored(row: Row) -> StoredKey:
    key_id, tenant, namespace, session_id, version, wrapped, created_at, shredded_at = row
    return StoredKey(
        key_id=str(key_id),
        tenant=str(tenant),
        session=SessionId(str(namespace), str(session_id)),
        wrapped=WrappedKey(str(version), wrapped) if isinstance(wrapped, bytes) else None,
        created_at=_moment(created_at),
        shredded_at=_moment(shredded_at) if shredded_at is not None else None,
    )


def _moment(seconds: Value) -> datetime:
    return datetime.fromtimestamp(cast(int, seconds), UTC)
