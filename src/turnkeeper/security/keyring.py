"""The data keys that this process has unwrapped: a session's key is fetched once, then kept.

A turn of a session that was seen before costs no call of the key store or of the key provider. The
price is that other processes learn of a shred a little later:

- each process asks its key store every `ASK_EVERY` seconds, beside its work, which keys were
  shredded since it asked last, and forgets these. "Since" is by the store's clock: one that stood
  still for hours, in a suspended machine as well, whose own clocks stood too, has missed none;
- one that can't reach its store goes on with what it has for `TRUSTED_FOR` seconds after the store
  last answered, then forgets everything and asks for each session again.

So who erases a session deletes its runs once more `ASK_EVERY` seconds after it shredded the key: a
caller who rings again meanwhile may have been given a session under the key that is gone.
"""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TypeVar
from weakref import WeakSet, ref

from turnkeeper.errors import KeyShredded, KeyUnknown, PayloadRefused, StoreUnavailable
from turnkeeper.security.aead import AESGCM, associated, new_key
from turnkeeper.security.identity import tenant_of
from turnkeeper.security.key_store import (
    KeyStore,
    NewKey,
    SessionId,
    StoredKey,
    identity_of,
    new_key_id,
)
from turnkeeper.security.keys import KeyProvider
from turnkeeper.telemetry import logger

CAPACITY = 10_000
"""Keys that are kept, about 1 KiB each; twice the sessions that a worker caches."""
ASK_EVERY = 15.0
TRUSTED_FOR = 600.0

_BOUND = "turnkeeper/payload/1"

Keyed = TypeVar("Keyed", "DataKey", StoredKey)

_log = logger(__name__)


@dataclass(frozen=True, slots=True, repr=False)
class DataKey:
    """A session's key, ready for use."""

    key_id: str
    tenant: str
    session: SessionId
    cipher: AESGCM
    belongs_to: bytes
    """Associated data of all that the session encrypts."""


class Keyring:
    """The data keys of sessions, each wrapped by the key of the tenant that its id names.

    Args:
        provider: has the keys of the tenants.
        store: has the wrapped data keys.
        capacity: how many keys are kept, the least recently used goes first.
    """

    def __init__(self, provider: KeyProvider, store: KeyStore, capacity: int = CAPACITY) -> None:
        self.provider = provider
        self.store = store
        self._capacity = capacity
        self._keys: OrderedDict[str, DataKey] = OrderedDict()
        self._live: dict[SessionId, str] = {}
        self._identity: dict[str, bytes] = {}
        self._asked_at = time.monotonic()
        self._told_at: int | None = None
        self._watched: WeakSet[asyncio.AbstractEventLoop] = WeakSet()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asking: set[asyncio.Task[None]] = set()

    async def of_session(self, session: SessionId) -> DataKey:
        """The key that the session's content is encrypted with; made if it has none: for who begins
        the session.

        Raises KeyUnknown, StoreUnavailable, SettingsError; InvalidInput for what is no session.
        """
        known = await self.find(session)
        if known is not None:
            return known
        return await self._held(await self._add(session, tenant_of(session.workflow_id)))

    async def find(self, session: SessionId) -> DataKey | None:
        """The session's key; None where it has none. Raises as `of_session` does."""
        self._watch()
        known = self._keys.get(self._live.get(session, ""))
        if known is not None:
            self._keys.move_to_end(known.key_id)
            return known
        await self._begin_telling()
        stored = await self.store.live(session)
        return await self._held(stored) if stored is not None else None

    async def of_id(
        self, key_id: str, session: SessionId | None = None, tenant: str | None = None
    ) -> DataKey:
        """The key of that id. Given a session, it must be one of its keys; given a tenant, another
        tenant's key is as unknown as one that is not there.

        Raises KeyUnknown, KeyShredded, PayloadRefused (another session's), StoreUnavailable,
        SettingsError.
        """
        self._watch()
        known = self._keys.get(key_id)
        if known is not None:
            self._keys.move_to_end(key_id)
            return _of(known, session, tenant)
        await self._begin_telling()
        stored = await self.store.find(key_id)
        if stored is None:
            raise _not_there(key_id)
        return await self._unwrapped(_of(stored, session, tenant))

    async def identity_key(self, tenant: str) -> bytes:
        """The tenant's identity key: fetched once, and made if the tenant has none.

        Raises KeyUnknown, StoreUnavailable, SettingsError.
        """
        key = self._identity.get(tenant)
        if key is None:
            owner = identity_of(tenant)
            stored = await self.store.live(owner) or await self._add(owner, tenant)
            key = self._identity[tenant] = await self._opened(stored)
        return key

    async def shred(self, session: SessionId) -> int:
        """Destroys the session's keys for everyone; how many there were. Again: 0."""
        count = await self.store.shred(session)
        for key_id in [key.key_id for key in self._keys.values() if key.session == session]:
            self._forget(key_id)
        return count

    # --- from the store ---------------------------------------------------------------------------

    async def _add(self, session: SessionId, tenant: str) -> StoredKey:
        wrapped = await self.provider.wrap(tenant, new_key())
        return await self.store.add(NewKey(new_key_id(), tenant, session, wrapped))

    async def _opened(self, stored: StoredKey) -> bytes:
        if stored.wrapped is None:
            raise KeyShredded(f"the key {stored.key_id} was shredded; what it encrypted is gone")
        return await self.provider.unwrap(stored.tenant, stored.wrapped)

    async def _held(self, stored: StoredKey) -> DataKey:
        """The key, and from now on its session's."""
        key = await self._unwrapped(stored)
        self._live[key.session] = key.key_id
        return key

    async def _unwrapped(self, stored: StoredKey) -> DataKey:
        cipher = AESGCM(await self._opened(stored))
        key = DataKey(stored.key_id, stored.tenant, stored.session, cipher, _belongs_to(stored))
        self._keys[key.key_id] = key
        while len(self._keys) > self._capacity:
            self._forget(next(iter(self._keys)))
        return key

    # --- forgetting -------------------------------------------------------------------------------

    def _forget(self, key_id: str) -> None:
        key = self._keys.pop(key_id, None)
        if key is not None and self._live.get(key.session) == key_id:
            del self._live[key.session]

    def _watch(self) -> None:
        """Sees to it that the store is asked while this loop runs, and that nothing is kept too
        long where it doesn't answer."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._begin_watch(loop)
        if time.monotonic() - self._asked_at > TRUSTED_FOR:
            self._keys.clear()
            self._live.clear()
            self._asked_at = time.monotonic()  # What is fetched from now on is as the store has it.

    async def _begin_telling(self) -> None:
        """Before the first key is fetched: from this time of the store's on, each shred counts."""
        if self._told_at is None:
            self._told_at = await self.store.clock()

    def _begin_watch(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        if loop not in self._watched:
            self._watched.add(loop)
            loop.call_later(ASK_EVERY, _ask_soon, ref(self), loop)

    def begin_asking(self, loop: asyncio.AbstractEventLoop) -> None:
        task = loop.create_task(self.ask())
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def ask(self) -> None:
        """Asks the store once which keys were shredded, and forgets them."""
        since = time.monotonic()
        try:
            now = await self.store.clock()
            untold = now - (now if self._told_at is None else self._told_at)
            # Longer by what a fetch or a shred that was under way then may have taken.
            shredded = await self.store.shredded_within(untold + int(TRUSTED_FOR + 4 * ASK_EVERY))
        except StoreUnavailable as error:
            _log.warning(
                "the key store does not answer; going on with known keys", reason=str(error)
            )
            return
        for key_id in shredded:
            self._forget(key_id)
        self._asked_at, self._told_at = since, now


def _ask_soon(watched: ref[Keyring], loop: asyncio.AbstractEventLoop) -> None:
    """Again and again, for as long as somebody has the keyring."""
    keyring = watched()
    if keyring is not None:
        loop.call_later(ASK_EVERY, _ask_soon, watched, loop)
        keyring.begin_asking(loop)


def _belongs_to(stored: StoredKey) -> bytes:
    session = stored.session
    return associated(_BOUND, session.namespace, session.workflow_id, stored.key_id)


def _of(key: Keyed, session: SessionId | None, tenant: str | None) -> Keyed:
    if tenant is not None and key.tenant != tenant:
        raise _not_there(key.key_id)
    if session is not None and key.session != session:
        raise PayloadRefused("content that another session stored was put here")
    return key


def _not_there(key_id: str) -> KeyUnknown:
    return KeyUnknown(f"the key store has no key {key_id}")
