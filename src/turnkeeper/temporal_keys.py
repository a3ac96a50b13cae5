"""Who makes the key of a session: whoever begins it, and nobody else.

So a session that is not there gets no key by being spoken to: nothing would ever be under that key,
and whoever erases the session would be told of a key that was never one of it.
"""

from temporalio.client import Client

from turnkeeper.errors import KeyUnknown
from turnkeeper.security.converter import SessionDataConverter, identity_key


class Keys:
    """The keys of the sessions in one namespace; without any, where nothing is encrypted."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def identity(self, tenant: str) -> bytes:
        """Raises KeyUnknown, StoreUnavailable, SettingsError."""
        return await identity_key(self._client.data_converter, tenant)

    async def make(self, session_id: str) -> None:
        """For a session that is about to begin, or goes on. Raises as `identity` does."""
        if (keys := self._converter) is not None:
            await keys.make_key(self._client.namespace, session_id)

    async def require(self, session_id: str) -> None:
        """For a session that is spoken to; of one that was seen before it asks nobody.

        Raises:
            RPCError: Temporal's word of a session that is not there.
            KeyUnknown: it is there, and its key is not: an empty key store is no caller's fault.
            StoreUnavailable, SettingsError: that can't be known now.
        """
        keys = self._converter
        if keys is None or await keys.has_key(self._client.namespace, session_id):
            return
        await self._client.get_workflow_handle(session_id).describe()
        if not keys.accepts_plaintext:
            raise KeyUnknown(
                f"the key store has no key of the session {session_id}, which is there: another "
                "key store began it, or it is being erased"
            )

    @property
    def _converter(self) -> SessionDataConverter | None:
        converter = self._client.data_converter
        return converter if isinstance(converter, SessionDataConverter) else None
