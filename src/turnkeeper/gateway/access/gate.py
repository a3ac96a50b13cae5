"""The one way in: every channel asks the gate who it is that asks, and gets the door of that one.

principal = await gate.principal(request.headers.get("authorization"))
door = gate.door(principal)
await door.ours(session_id)  # SessionNotFound, unless this principal may know of it
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from turnkeeper.client import VoiceSessions
from turnkeeper.errors import Unauthenticated
from turnkeeper.gateway.access.limits import Limits
from turnkeeper.gateway.access.principal import Principal
from turnkeeper.gateway.access.tickets import Purpose, Tickets
from turnkeeper.gateway.access.ways import Access, Open, is_new
from turnkeeper.gateway.doorway import Doorway, Site, TenantSessions
from turnkeeper.telemetry import logger

__all__ = ["Access", "Gate", "OneTenant", "Open", "Tenants"]

_log = logger(__name__)


class Tenants(Protocol):
    """The sessions of every tenant, such as `turnkeeper.tenancy.Tenants`."""

    def of(self, tenant: str) -> VoiceSessions: ...


class OneTenant:
    """The sessions of one tenant: a token of another is good elsewhere, and not here."""

    def __init__(self, sessions: VoiceSessions) -> None:
        self._sessions = sessions

    def of(self, tenant: str) -> VoiceSessions:
        if tenant != self._sessions.settings.tenant:
            raise Unauthenticated("this gateway does not serve its tenant")
        return self._sessions


class Gate:
    """Who may come in, and to what.

    Args:
        access: knows tokens.
        tenants: has their sessions.
        site: what is the same for everyone.
        tenant: whose the calls of a platform are that signs its requests and has no token.
        tickets: in memory where none are given: then they are good at this process alone.
        limits: those of the settings' defaults where none are given.
    """

    def __init__(
        self,
        access: Access,
        tenants: Tenants,
        site: Site,
        tenant: str,
        tickets: Tickets | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.access = access
        self.site = site
        self.tenant = tenant
        self.tickets = tickets or Tickets()
        self.limits = limits or Limits()
        self._tenants = tenants
        self._held: dict[str, TenantSessions] = {}

    @property
    def is_open(self) -> bool:
        """Whether everyone is let in: then a platform's signature need not be checked either."""
        return isinstance(self.access, Open)

    async def principal(self, authorization: str | None, address: str = "") -> Principal:
        """Whom the value of a header `Authorization` speaks for; `address` is who sends it.

        Raises Unauthenticated, StoreUnavailable, TooManyRequests.
        """
        scheme, _, token = (authorization or "").partition(" ")
        return await self.of_token(token.strip() if scheme.lower() == "bearer" else None, address)

    async def of_token(self, token: str | None, address: str = "") -> Principal:
        """Whom a token speaks for that came another way, such as in a socket's first message."""
        if is_new(self.access, token):
            await self.limits.require_no_failures(address)
        try:
            principal = await self.access.principal(token or None)
        except Unauthenticated as error:
            await self.limits.failure(address)
            _log.warning("a token was refused", reason=str(error), key_id=error.key_id)
            raise
        await self.limits.request(principal)
        return principal

    async def of_ticket(self, ticket: str, purpose: Purpose, address: str = "") -> Principal:
        """Whom a ticket speaks for, which is used up."""
        try:
            return await self.tickets.redeem(ticket, purpose)
        except Unauthenticated as error:
            await self.limits.failure(address)
            _log.warning("a ticket was refused", reason=str(error))
            raise

    def waiting(self, address: str) -> AbstractContextManager[None]:
        """For a socket from there, until it has said whose it is. Raises TooManyRequests."""
        return nullcontext() if self.is_open else self.limits.waiting(address)

    def door(self, principal: Principal) -> Doorway:
        """What a principal reaches. Raises Unauthenticated: its tenant is not served here."""
        held = self._held.get(principal.tenant)
        if held is None:
            held = TenantSessions(self._tenants.of(principal.tenant))
            self._held[principal.tenant] = held
        return Doorway(self.site, held, principal, self.limits)

    def close(self) -> None:
        """The gateway stops: streams without an end are ended."""
        for held in self._held.values():
            held.feeds.close()
