"""The API keys of gateways, in the key store's database: see `turnkeeper.gateway.access.api_keys`.

A key itself is never here: `mac` is its HMAC. Times are whole seconds since 1970 by the database's
clock, so a key that has run out is refused by a process whose own clock is wrong.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from turnkeeper.security.key_rows import Row, Rows, Value

LIVE_A_NAME = 2
"""Keys of one name that are good at the same time: the old and the new one of a rotation."""

SCHEMA = (
    """
    CREATE TABLE IF NOT EXISTS api_keys (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        tenant TEXT NOT NULL,
        scopes TEXT NOT NULL,
        mac {blob} NOT NULL,
        created_at BIGINT NOT NULL,
        expires_at BIGINT,
        revoked_at BIGINT
    )
    """,
    "CREATE INDEX IF NOT EXISTS api_keys_of_tenants ON api_keys (tenant, name)",
)

_COLUMNS = "id, name, tenant, scopes, mac, created_at, expires_at, revoked_at"
_IS_LIVE = "revoked_at IS NULL AND (expires_at IS NULL OR expires_at > {now})"
_SELECT = f"SELECT {_COLUMNS}, {_IS_LIVE} FROM api_keys"
_FIND = f"{_SELECT} WHERE id = :id"
_LIST = f"{_SELECT} WHERE tenant = :tenant ORDER BY name, created_at, id"
_ADD = f"""
    INSERT INTO api_keys ({_COLUMNS})
    SELECT :id, :name, :tenant, :scopes, :mac, {{now}}, {{now}} + CAST(:seconds AS BIGINT), NULL
    WHERE (
        SELECT COUNT(*) FROM api_keys WHERE tenant = :tenant AND name = :name AND {_IS_LIVE}
    ) < {LIVE_A_NAME}
    RETURNING id
"""
_REVOKE = """
    UPDATE api_keys SET revoked_at = {now}
    WHERE tenant = :tenant AND id = :id AND revoked_at IS NULL
    RETURNING id
"""


@dataclass(frozen=True, slots=True, repr=False)
class ApiKeyRow:
    """One key."""

    id: str
    name: str
    tenant: str
    scopes: tuple[str, ...]
    mac: bytes
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    is_live: bool
    """Neither revoked nor run out."""


class ApiKeyRows:
    """The rows. All methods raise StoreUnavailable where the database is out of reach."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def find(self, key_id: str) -> ApiKeyRow | None:
        found = await self._run(_FIND, id=key_id)
        return _row(found[0]) if found else None

    async def of(self, tenant: str) -> list[ApiKeyRow]:
        """Every key of a tenant, those that are good no more too."""
        return [_row(row) for row in await self._run(_LIST, tenant=tenant)]

    async def add(
        self,
        key_id: str,
        name: str,
        tenant: str,
        scopes: Sequence[str],
        mac: bytes,
        seconds: int | None,
    ) -> bool:
        """Adds a key that runs out after so many seconds; False if the name has two live ones."""
        values = {"id": key_id, "name": name, "tenant": tenant, "scopes": " ".join(scopes)}
        return bool(await self._run(_ADD, **values, mac=mac, seconds=seconds))

    async def revoke(self, tenant: str, key_id: str) -> bool:
        """False if there is no such key, or it was revoked before."""
        return bool(await self._run(_REVOKE, tenant=tenant, id=key_id))

    async def _run(self, statement: str, **values: Value) -> list[Row]:
        text = statement.replace("{now}", self._rows.dialect.now)
        return await asyncio.to_thread(lambda: self._rows.run(text, **values))


def _row(row: Row) -> ApiKeyRow:
    key_id, name, tenant, scopes, mac, created_at, expires_at, revoked_at, is_live = row
    return ApiKeyRow(
        id=str(key_id),
        name=str(name),
        tenant=str(tenant),
        scopes=tuple(str(scopes).split()),
        mac=cast(bytes, mac),
        created_at=_moment(created_at),
        expires_at=_moment(expires_at) if expires_at is not None else None,
        revoked_at=_moment(revoked_at) if revoked_at is not None else None,
        is_live=bool(is_live),
    )


def _moment(seconds: Value) -> datetime:
    return datetime.fromtimestamp(cast(int, seconds), UTC)
