"""The sessions of several tenants, for a process that serves them all.

async with Tenants.connect() as tenants:
    session = await tenants.of("acme").open("roadside_claim", caller="+14155550100")

A tenant's name is in its sessions' ids, its callers are hashed with its own identity key, and its
content is encrypted with keys that its own tenant key wraps. So tenants can share a namespace; with
`TURNKEEPER_TENANT_NAMESPACE` each has one of its own, and workers that poll it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from turnkeeper.client import VoiceSessions
from turnkeeper.security.identity import require_part
from turnkeeper.settings import Settings, read_settings

if TYPE_CHECKING:
    from temporalio.client import Client


class Tenants:
    """Sessions in Temporal, by tenant, over one connection. Use `connect`."""

    def __init__(self, client: "Client", settings: Settings) -> None:
        self._client = client
        self._settings = settings
        self._sessions: dict[str, VoiceSessions] = {}

    @classmethod
    @asynccontextmanager
    async def connect(
        cls, *, address: str | None = None, settings: Settings | None = None
    ) -> AsyncIterator["Tenants"]:
        """Use as `async with Tenants.connect() as tenants`. Nothing is sent before the first call.

        Args:
            address: `host:port`; by default what `temporalio.envconfig` says, else localhost:7233.
            settings: instead of those of the environment; whose tenant they name does not matter.
        """
        from turnkeeper.connection import connect
        from turnkeeper.local_server import beside

        settings = settings or beside(read_settings(), address)
        tenants = cls(await connect(address, settings=settings, lazy=True), settings)
        try:
            yield tenants
        finally:
            await tenants.close()

    def of(self, tenant: str) -> VoiceSessions:
        """The tenant's sessions; they last as long as these `Tenants`, and need no `async with`.

        Every name that has the form of one is a tenant: who may speak for whom is checked before.

        Raises:
            InvalidInput: a tenant can't be called so.
        """
        sessions = self._sessions.get(tenant)
        if sessions is None:
            sessions = self._sessions[tenant] = self._made(tenant)
        return sessions

    def _made(self, tenant: str) -> VoiceSessions:
        from temporalio.client import Client

        from turnkeeper.connection import target_namespace
        from turnkeeper.temporal import TemporalBackend

        require_part("tenant", tenant)
        settings = self._settings.model_copy(update={"tenant": tenant})
        shared = self._client.config()
        shared["namespace"] = target_namespace(settings=settings)
        backend = TemporalBackend(
            Client(**shared), settings.task_queue, settings.turn_deadline, settings.key_store
        )
        return VoiceSessions(backend, settings)

    async def close(self) -> None:
        """Waits a moment for turns whose sender was cancelled."""
        for sessions in self._sessions.values():
            await sessions.__aexit__(None, None, None)
