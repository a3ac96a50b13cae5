"""Moves a tenant's keys to the current version of the tenant key: the data keys of its sessions,
and its identity key.

Sessions go on meanwhile, also those whose key is being moved: the data key stays the same, only
what wraps it changes. It goes through the keys in order, in batches, and takes those that another
version wraps: cut short, it is simply run again; run again, it finds nothing to do.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from turnkeeper.errors import KeyUnknown
from turnkeeper.security.key_store import StoredKey
from turnkeeper.security.keyring import Keyring
from turnkeeper.security.keys import KeyVersions

BATCH = 100


@dataclass(frozen=True, slots=True)
class TenantKeys:
    """A tenant's keys: versions of the tenant key, live session keys by the version that wraps
    them, and shredded ones. `identity` is the version that wraps the identity key."""

    tenant: str
    versions: KeyVersions
    live: dict[str, int]
    shredded: int
    identity: str | None

    @property
    def outdated(self) -> int:
        """Live keys, that of the identity among them, which another version than the current one
        wraps."""
        wraps = Counter(self.live) + Counter(() if self.identity is None else (self.identity,))
        return wraps.total() - wraps[self.versions.current]


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """What became of the keys: `unknown` ones are wrapped by a version that is not here."""

    rewrapped: int
    unknown: int


async def tenant_keys(keyring: Keyring, tenant: str) -> TenantKeys:
    """What there is. Raises StoreUnavailable, KeyUnknown, SettingsError."""
    counts = await keyring.store.counts(tenant)
    versions = await keyring.provider.versions()
    return TenantKeys(tenant, versions, dict(counts.live), counts.shredded, counts.identity)


async def rewrap(
    keyring: Keyring,
    tenant: str,
    on_progress: Callable[[int], None] = lambda _: None,
    batch: int = BATCH,
) -> Rewrapped:
    """Rewraps all of a tenant's keys; `on_progress` hears how many a batch went through.

    Raises StoreUnavailable, SettingsError; what was done until then is done.
    """
    current = (await keyring.provider.versions()).current
    rewrapped = unknown = 0
    after = ""
    while keys := await keyring.store.outdated(tenant, current, after, batch):
        for key in keys:
            try:
                rewrapped += await _rewrap(keyring, key)
            except KeyUnknown:
                unknown += 1
        after = keys[-1].key_id
        on_progress(len(keys))
    return Rewrapped(rewrapped, unknown)


async def _rewrap(keyring: Keyring, key: StoredKey) -> bool:
    """False if it was shredded, or rewrapped by another process, in the meantime."""
    if key.wrapped is None:
        return False
    data_key = await keyring.provider.unwrap(key.tenant, key.wrapped)
    return await keyring.store.rewrap(key, await keyring.provider.wrap(key.tenant, data_key))
