"""API keys: for programs of a tenant, made with `turnkeeper access make` and shown once.

    tk_<id>_<secret>        12 and 52 letters of base32: 60 and 256 random bits

The database has the id and an HMAC of the key and its scopes (SHA-256; RFC 2104). The HMAC's key is
derived from the tenant's identity key, which the key store has wrapped: who reads the table, or
writes to it, makes no key that is good, and gives none another tenant or other scopes.
"""

import base64
import hashlib
import hmac
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

from turnkeeper.errors import InvalidInput, SettingsError, Unauthenticated
from turnkeeper.gateway.access.principal import Principal, Scope, known_scopes
from turnkeeper.security.access_rows import LIVE_A_NAME, ApiKeyRow, ApiKeyRows
from turnkeeper.security.identity import require_part

if TYPE_CHECKING:
    from turnkeeper.settings import Settings

PREFIX = "tk_"
"""How a key begins, so that it is known for one, by us and by scanners for leaked secrets."""
ID_LETTERS = 12
SECRET_LETTERS = 52
SEEN_AGAIN_AFTER = 15.0
"""Seconds for which a gateway goes by what it read of a key: a revocation is seen by then."""
KEPT = 10_000
"""Keys that are remembered."""
KEPT_MISSES = 1_000
"""Ids that are no key's, remembered apart: made-up ones push no key out."""

_KEY = re.compile(rf"tk_([a-z2-7]{{{ID_LETTERS}}})_[a-z2-7]{{{SECRET_LETTERS}}}")
_DERIVED = b"turnkeeper/api-key/1"

T = TypeVar("T")

IdentityKey = Callable[[str], Awaitable[bytes]]
"""The identity key of a tenant, such as `Keyring.identity_key`."""


class ApiKeys:
    """Knows API keys, and makes them.

    Args:
        rows: where they are kept.
        identity_key: of their tenants.
        clock: seconds that only go up; tests have their own.
    """

    def __init__(
        self,
        rows: ApiKeyRows,
        identity_key: IdentityKey,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rows = rows
        self._identity_key = identity_key
        self._clock = clock
        self._seen: OrderedDict[str, tuple[float, ApiKeyRow]] = OrderedDict()
        self._missed: OrderedDict[str, float] = OrderedDict()

    @classmethod
    def of(cls, settings: "Settings") -> "ApiKeys":
        """Those in the key store's database. Raises SettingsError where there is none."""
        from turnkeeper.security.converter import keyring
        from turnkeeper.security.key_store import database

        if settings.key_store is None:
            raise SettingsError(
                "API keys are kept beside the keys of sessions, and none are set: set"
                " TURNKEEPER_KEYS (file:PATH, env:NAME or aws-kms:KEY) and TURNKEEPER_KEY_STORE"
                " (sqlite:PATH or postgresql://...)"
            )
        return cls(ApiKeyRows(database(settings.key_store)), keyring(settings).identity_key)

    async def principal(self, token: str | None) -> Principal:
        """Raises Unauthenticated, StoreUnavailable."""
        parts = _KEY.fullmatch(token or "")
        if token is None or parts is None:
            raise Unauthenticated("it is no API key")
        row = await self._row(parts[1])
        if row is None:
            raise Unauthenticated("there is no such API key")
        if not hmac.compare_digest(row.mac, await self._mac(row.tenant, token, row.scopes)):
            raise Unauthenticated("it is not the API key of that id", row.id)
        if not row.is_live:
            raise Unauthenticated("the API key was revoked or has run out", row.id)
        ends = row.expires_at.timestamp() if row.expires_at else None
        return Principal(row.tenant, known_scopes(row.scopes), key_id=row.id, expires_at=ends)

    def is_new(self, token: str) -> bool:
        """Whether the key store would have to say if there is such a key: it was not heard of yet,
        or is made up."""
        parts = _KEY.fullmatch(token)
        return parts is not None and parts[1] not in self._seen and not self._is_missed(parts[1])

    async def make(
        self, name: str, tenant: str, scopes: Iterable[Scope], seconds: int | None
    ) -> str:
        """A new key, which nobody can read again. It runs out after so many seconds.

        Raises:
            InvalidInput: two keys of this name are good already; the name or tenant is no id.
            StoreUnavailable, KeyUnknown: of the key store.
        """
        require_part("tenant", tenant)
        require_part("name", name)
        key_id = _letters(8)[:ID_LETTERS]
        key = f"{PREFIX}{key_id}_{_letters(32)}"
        given = sorted(scopes)
        mac = await self._mac(tenant, key, given)
        if not await self._rows.add(key_id, name, tenant, given, mac, seconds):
            raise InvalidInput(
                f"there are {LIVE_A_NAME} keys {name!r} that are good: revoke the older one"
                " (turnkeeper access list, turnkeeper access revoke ID)"
            )
        return key

    async def list(self, tenant: str) -> list[ApiKeyRow]:
        """A tenant's keys, by name, each the oldest first; those that are good no more too."""
        return await self._rows.of(tenant)

    async def revoke(self, tenant: str, key_id: str) -> bool:
        """False if there is no such key, or it was revoked before."""
        return await self._rows.revoke(tenant, key_id)

    async def _row(self, key_id: str) -> ApiKeyRow | None:
        """As it is, or was a moment ago; that there is none is kept as well."""
        read_at, row = self._seen.get(key_id, (float("-inf"), None))
        if self._is_recent(read_at) or self._is_missed(key_id):
            return row
        now, row = self._clock(), await self._rows.find(key_id)
        if row is None:
            self._seen.pop(key_id, None)
            _keep(self._missed, key_id, now, KEPT_MISSES)
        else:
            _keep(self._seen, key_id, (now, row), KEPT)
        return row

    def _is_missed(self, key_id: str) -> bool:
        return self._is_recent(self._missed.get(key_id, float("-inf")))

    def _is_recent(self, read_at: float) -> bool:
        return self._clock() - read_at <= SEEN_AGAIN_AFTER

    async def _mac(self, tenant: str, key: str, scopes: Sequence[str]) -> bytes:
        derived = hmac.digest(await self._identity_key(tenant), _DERIVED, hashlib.sha256)
        return hmac.digest(derived, " ".join((key, *scopes)).encode(), hashlib.sha256)


def _keep(kept: OrderedDict[str, T], key_id: str, what: T, most: int) -> None:
    """At most so many, and of more the newest."""
    kept[key_id] = what
    kept.move_to_end(key_id)
    while len(kept) > most:
        kept.popitem(last=False)


def _letters(count: int) -> str:
    """So many random bytes in base32, in lower case."""
    return base64.b32encode(secrets.token_bytes(count)).decode().rstrip("=").lower()
