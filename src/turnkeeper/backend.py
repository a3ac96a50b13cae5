"""Where sessions live, seen from a client: the seam between what an agent calls and Temporal.

`turnkeeper.temporal.TemporalBackend` is the real one, `turnkeeper.testing.MemoryBackend` the one
for tests of agents. Both raise the errors of `turnkeeper.errors` and nothing else.
"""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Protocol

from turnkeeper.contract import (
    Cancel,
    Connect,
    Disconnect,
    HandOff,
    Migrate,
    Opening,
    Outcome,
    Put,
    Reply,
    SessionState,
    Status,
    Transcript,
    Turn,
)
from turnkeeper.erasure import ErasureCertificate, ErasureOrder, Step
from turnkeeper.export import ExportedSession
from turnkeeper.forms.model import Frozen


class SessionSummary(Frozen):
    """A row of a listing."""

    session_id: str
    form: str = ""
    status: Status | None = None
    """None of a session in a namespace without our search attributes."""
    field: str | None = None
    running: bool = True
    started_at: datetime
    closed_at: datetime | None = None


class Sought(Frozen):
    """Which sessions are looked for: those that all of this is true of."""

    form: str | None = None
    status: Status | None = None
    field: str | None = None
    """The field that is asked: that of a caller who talks may be two minutes behind."""
    transport_id: str | None = None
    """That of the newest leg which has one."""
    begun_before: datetime | None = None
    """A session is renewed after some forty messages, and begins anew so in Temporal's list."""
    running: bool | None = None
    query: str | None = None
    """A list filter of Temporal's besides, in its own words. It is not checked: whoever gives it
    may read the namespace anyway."""


class DeliveryAttempts(Frozen):
    """How sending a form goes that its receiver has not taken yet."""

    attempts: int
    """Begun so far, the one that may be on its way included."""
    last_failure: str = ""
    next_at: datetime | None = None
    """When it is tried again; None while an attempt is on its way."""


class Backend(Protocol):
    """One method a message. `session_id` is the workflow id."""

    async def connect(self, session_id: str, opening: Opening, connect: Connect) -> Reply:
        """Restore or create, in one atomic call: the only one that can create a session."""

    async def turn(self, session_id: str, turn: Turn) -> Reply: ...

    async def post_turn(self, session_id: str, turn: Turn) -> None: ...

    async def outcome(self, session_id: str, key: str) -> Outcome:
        """How a turn ended, by its update id or its utterance's name."""

    async def disconnect(self, session_id: str, gone: Disconnect) -> None: ...

    async def cancel(self, session_id: str, cancel: Cancel) -> Reply: ...

    async def hand_off(self, session_id: str, hand_off: HandOff) -> Reply: ...

    async def migrate(self, session_id: str, migrate: Migrate) -> SessionState: ...

    async def put(self, session_id: str, put: Put) -> SessionState: ...

    async def state(self, session_id: str) -> SessionState: ...

    async def transcript(self, session_id: str) -> Transcript: ...

    async def attempts(self, session_id: str) -> DeliveryAttempts | None:
        """How the delivery goes that is under way; None when none is."""

    async def erase(
        self, order: ErasureOrder, on_step: Callable[[Step], None]
    ) -> ErasureCertificate:
        """Erase all that there is under a session's id, and wait for the end."""

    async def begin_erasure(self, order: ErasureOrder) -> None:
        """The same, and not wait."""

    async def export(self, session_id: str, *, secrets: bool) -> tuple[ExportedSession, ...]:
        """Every session that there is under the id, the newest first."""

    def list(
        self, prefix: str, sought: Sought, *, limit: int | None, transport: str | None = None
    ) -> AsyncIterator[SessionSummary]:
        """Sessions whose id begins with `prefix`: running ones, then others, each newest first.
        `transport` is what `turnkeeper.security.identity.transport_key` makes of the one that is
        sought."""

    async def count(self, prefix: str, sought: Sought, *, transport: str | None = None) -> int:
        """How many there are of them."""

    async def identity_key(self, tenant: str) -> bytes:
        """The key that makes the subjects of a tenant's callers."""

    async def require_reachable(self) -> None:
        """Raises StoreUnavailable where nothing answers now; tries once."""

    async def close(self) -> None: ...
