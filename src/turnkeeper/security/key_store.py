"""Where the wrapped data keys of sessions live: what `TURNKEEPER_KEY_STORE` names.

| URL | what it is |
|---|---|
| `sqlite:PATH` | a file, for the processes of one machine |
| `postgresql://...` | a database, for many machines; needs `turnkeeper[postgres]` |

One row a key. A session has at most one live key, which the first process to begin it adds; a
tenant's identity key (`turnkeeper.security.identity`) is a row in the same way. To erase
a session its keys are shredded: the wrapped bytes are deleted, and the row stays as a tombstone, so
that "shredded" and "not here" are never mixed up.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from turnkeeper.errors import SettingsError
from turnkeeper.security.keys import WrappedKey

if TYPE_CHECKING:
    from turnkeeper.security.key_rows import Rows


class SessionId(NamedTuple):
    """A session among all of Temporal. A tuple, since it is looked up several times a turn."""

    namespace: str
    workflow_id: str


def identity_of(tenant: str) -> SessionId:
    """What a tenant's identity key is kept under; no session's namespace is empty."""
    return SessionId("", tenant)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A data key to be added, wrapped."""

    key_id: str
    tenant: str
    session: SessionId
    wrapped: WrappedKey


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A row: `wrapped` is None once it is shredded. Times are the store's own, in UTC."""

    key_id: str
    tenant: str
    session: SessionId
    wrapped: WrappedKey | None
    created_at: datetime
    shredded_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyCounts:
    """How many session keys a tenant has: live ones by version of the tenant key, and tombstones.
    `identity` is the version that wraps the identity key; None where none was needed yet."""

    live: Mapping[str, int]
    shredded: int
    identity: str | None = None


class KeyStore(Protocol):
    """The rows. All methods raise StoreUnavailable where the store is out of reach."""

    async def find(self, key_id: str) -> StoredKey | None:
        """The row of that id, live or a tombstone."""
        ...

    async def live(self, session: SessionId) -> StoredKey | None:
        """The session's live key."""
        ...

    async def add(self, key: NewKey) -> StoredKey:
        """The session's live key: this one, or that of a process which was first."""
        ...

    async def shred(self, session: SessionId) -> int:
        """Deletes the session's wrapped keys; how many there were. Again: 0."""
        ...

    async def clock(self) -> int:
        """The store's own time: whole seconds since 1970."""
        ...

    async def shredded_within(self, seconds: int) -> list[str]:
        """The ids of keys that were shredded in the last `seconds` by the store's own clock."""
        ...

    async def outdated(self, tenant: str, current: str, after: str, limit: int) -> list[StoredKey]:
        """Live keys that another version wraps, with an id over `after`, in order of id."""
        ...

    async def rewrap(self, key: StoredKey, wrapped: WrappedKey) -> bool:
        """Puts `wrapped` in place of `key.wrapped`; False if the row has changed since."""
        ...

    async def counts(self, tenant: str) -> KeyCounts:
        """Of one tenant."""
        ...


def new_key_id() -> str:
    """128 random bits, as 32 hexadecimal digits."""
    return secrets.token_hex(16)


def key_store(url: str) -> KeyStore:
    """What `url` names; it is opened when first used. Raises SettingsError with one sentence."""
    from turnkeeper.security.key_rows import SqlKeyStore

    return SqlKeyStore(database(url))


def database(url: str) -> "Rows":
    """The database of `url`, in which other tables of ours are as well; see `schema`."""
    scheme, _, place = url.partition(":")
    make = _DATABASES.get(scheme)
    if make is None or not place:
        schemes = ", ".join(f"{name}:" for name in _DATABASES)
        raise SettingsError(f"TURNKEEPER_KEY_STORE must begin with one of {schemes}")
    return make(url)


def _sqlite(url: str) -> "Rows":
    from turnkeeper.security.sqlite_rows import SqliteRows

    return SqliteRows(url.partition(":")[2])


def _postgres(url: str) -> "Rows":
    try:
        from turnkeeper.security.postgres_rows import PostgresRows
    except ImportError as error:
        raise SettingsError(
            "TURNKEEPER_KEY_STORE is postgresql://..., which needs turnkeeper[postgres]"
            f" ({error.name} is missing)"
        ) from None
    return PostgresRows(url)


_DATABASES: dict[str, Callable[[str], "Rows"]] = {
    "sqlite": _sqlite,
    "postgresql": _postgres,
    "postgres": _postgres,
}
