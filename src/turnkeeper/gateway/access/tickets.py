"""One-use tickets: a token for where a token may be seen, such as in a browser or in TwiML.

    ticket = await tickets.issue(principal, "stream")
    principal = await tickets.redeem(ticket.ticket, "stream")  # once

A ticket is 256 random bits, which nothing here keeps: from them are derived the name under which it
is stored and the key that what it stands for is encrypted with. So who reads the store can neither
use a ticket nor see whose it is, and one that was issued for another purpose does not open.
"""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, Self

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import TypeAdapter

from turnkeeper.errors import Unauthenticated
from turnkeeper.gateway.access.principal import Principal
from turnkeeper.security.aead import (
    AESGCM,
    KEY_BYTES,
    InvalidTag,
    associated,
    open_sealed,
    seal,
)
from turnkeeper.settings import Settings

LIFE_SECONDS = 30
"""From issue to use: a browser uses it at once, a platform when it has read the TwiML."""
TICKET_BYTES = 32
PREFIX = "tt_"
"""How a ticket begins, so that nobody takes it for an API key."""
KEPT_IN_MEMORY = 10_000

Purpose = Literal["stream", "events", "relay"]
"""What a ticket opens: `/v1/stream`, a stream of server-sent events, ConversationRelay's socket."""

_PRINCIPAL = TypeAdapter(Principal)
_BOUND = "turnkeeper/ticket/1"
_NAME_BYTES = 16


@dataclass(frozen=True, slots=True)
class Ticket:
    """What `POST /v1/tickets` answers."""

    ticket: str
    expires_in: int
    """Seconds."""


class Marks(Protocol):
    """Where issued tickets are noted: each can be taken once, by any process that shares it."""

    async def put(self, name: str, sealed: bytes, seconds: int) -> None:
        """Note one for so long. Raises StoreUnavailable."""
        ...

    async def take(self, name: str) -> bytes | None:
        """What was noted, and it is gone; None where there is nothing (any more). Raises
        StoreUnavailable."""
        ...


class MemoryMarks:
    """In this process: its tickets are good at this gateway alone. The oldest go first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    async def put(self, name: str, sealed: bytes, seconds: int) -> None:
        self._kept[name] = (self._clock() + seconds, sealed)
        while len(self._kept) > KEPT_IN_MEMORY:
            self._kept.popitem(last=False)

    async def take(self, name: str) -> bytes | None:
        until, sealed = self._kept.pop(name, (0.0, b""))
        return sealed if sealed and self._clock() <= until else None


class Tickets:
    """Issues and redeems tickets."""

    def __init__(self, marks: Marks | None = None) -> None:
        self._marks = marks or MemoryMarks()

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """In the key store's database; in this process's memory where none is set, and then they
        are good at this gateway alone."""
        if settings.key_store is None:
            return cls()
        from turnkeeper.security.key_store import database
        from turnkeeper.security.ticket_rows import TicketRows

        return cls(TicketRows(database(settings.key_store)))

    async def issue(self, principal: Principal, purpose: Purpose) -> Ticket:
        """A ticket that lets its bearer in as `principal`, once, for that purpose.

        Raises StoreUnavailable: none was issued.
        """
        ticket = PREFIX + secrets.token_urlsafe(TICKET_BYTES)
        name, key = _derived(ticket)
        sealed = seal(key, _PRINCIPAL.dump_json(principal), associated(_BOUND, purpose))
        await self._marks.put(name, sealed, LIFE_SECONDS)
        return Ticket(ticket, LIFE_SECONDS)

    async def redeem(self, ticket: str, purpose: Purpose) -> Principal:
        """Whom a ticket lets in; it is used up, whatever comes of it.

        Raises:
            Unauthenticated: it is none, was used, has expired, or is for another purpose.
            StoreUnavailable: that can't be known now.
        """
        name, key = _derived(ticket)
        sealed = await self._marks.take(name)
        if sealed is None:
            raise Unauthenticated("the ticket is not known, was used, or has expired")
        try:
            plain = open_sealed(key, sealed, associated(_BOUND, purpose))
        except InvalidTag:
            raise Unauthenticated("the ticket is for another purpose") from None
        principal = _PRINCIPAL.validate_json(plain)
        if principal.expires_at is not None and principal.expires_at <= time.time():
            raise Unauthenticated("the token that the ticket was made with has expired")
        return principal


def _derived(ticket: str) -> tuple[str, AESGCM]:
    """The name under which a ticket is noted, and the key to what is noted there."""
    secret = ticket.encode(errors="replace")  # It came from outside: it may be any text.
    name = HKDF(SHA256(), _NAME_BYTES, None, b"turnkeeper/ticket/name").derive(secret)
    key = HKDF(SHA256(), KEY_BYTES, None, b"turnkeeper/ticket/key").derive(secret)
    return name.hex(), AESGCM(key)
