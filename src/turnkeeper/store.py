"""The store alone, for agents that hold their own dialogue: get, set, delete.

    store = SessionStore(sessions, ttl=timedelta(hours=24))
    record = await store.get("user-42")            # None: there is none. An error: nobody knows.
    await store.set("user-42", {"city": "Oslo"}, last_turn="to Oslo, please", version=0)

Records live in the same workflows as forms do, so a write is in history before `set` returns.
A store error never looks like "no session", and a write based on an old record is refused
(`StaleWrite`) rather than laid over a newer one.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from turnkeeper.client import VoiceSessions
from turnkeeper.contract import STORE_FORM, Put, SessionState
from turnkeeper.dialogue.status import OPEN
from turnkeeper.errors import SessionClosed, SessionNotFound, StaleWrite
from turnkeeper.forms.model import Frozen, Scalar


class StoredSession(Frozen):
    """A record: what an agent keeps of one conversation."""

    session_id: str
    form_answers: dict[str, Scalar]
    last_turn: str | None
    updated_at: datetime
    version: int
    """Pass it to `set`: the write is refused if the record has changed since."""


class SessionStore:
    """Get, set and delete records by a key of your own: a user id, a phone number.

    Args:
        sessions: where they live.
        ttl: time without a write after which a record is gone; by default seven days.
    """

    def __init__(self, sessions: VoiceSessions, ttl: timedelta | None = None) -> None:
        self._sessions = sessions
        self._ttl = ttl

    async def get(self, key: str) -> StoredSession | None:
        """The record, or None when there is none.

        Raises:
            StoreUnavailable: whether there is one can't be known now.
        """
        try:
            state = await self._sessions.state(await self._id(key))
        except SessionNotFound:
            return None
        return _record(state) if state.status in OPEN and state.turns else None

    async def set(
        self,
        key: str,
        form_answers: Mapping[str, Scalar],
        *,
        last_turn: str | None = None,
        version: int = 0,
    ) -> StoredSession:
        """Write a record whole, over the version that it is based on; the record as it is now.

        Args:
            form_answers: all of the answers; what is not here is removed.
            last_turn: the caller's last words, if they are to be kept.
            version: of the record that this was made from; 0 for a new one.

        Raises:
            StaleWrite: it has changed since, or is there already (version 0), or is gone.
            StoreUnavailable: it may or may not be written; `get` tells.
        """
        if version == 0:
            version = await self._begin(key)
        put = Put(
            request_id=secrets.token_hex(8),
            version=version,
            form_answers=dict(form_answers),
            last_turn=last_turn,
        )
        try:
            return _record(await self._sessions.put(await self._id(key), put))
        except (SessionNotFound, SessionClosed) as error:
            raise StaleWrite("the record was deleted, or its time ran out, since it was read; "
                             "set it with version 0 to begin it again") from error  # fmt: skip

    async def delete(self, key: str) -> bool:
        """End the record; False when there was none."""
        session_id = await self._id(key)
        try:
            if (await self._sessions.state(session_id)).status == "cancelled":
                return False
            await self._sessions.cancel(session_id, "deleted")
        except (SessionNotFound, SessionClosed):
            return False
        return True

    async def _begin(self, key: str) -> int:
        """Create the record; its version, or StaleWrite when somebody already has."""
        if (present := await self.get(key)) is not None:
            raise StaleWrite(
                f"there is a record already, at version {present.version}; get it first"
            )
        session = await self._sessions.open(STORE_FORM, key, channel="store", ttl=self._ttl)
        state = await session.state()
        if state.turns:
            raise StaleWrite(f"somebody else began it meanwhile: version {state.version}; get it")
        return state.version

    async def _id(self, key: str) -> str:
        return await self._sessions.session_id(STORE_FORM, key)


def _record(state: SessionState) -> StoredSession:
    return StoredSession(
        session_id=state.session_id,
        form_answers=state.form_answers,
        last_turn=state.last_turn.heard if state.last_turn else None,
        updated_at=state.updated_at,
        version=state.version,
    )
