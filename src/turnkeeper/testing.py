"""For your own tests: the same sessions, forms and errors, in memory, without a server.

    async with MemorySessions([form]) as sessions:
        agent = MyAgent(sessions)
        ...
        assert sessions.delivered[0].answers == {...}

It is no stand-in with a life of its own: what hosts a session here is what hosts it in a workflow
(`turnkeeper.session`), and the dialogue is the dialogue. Time only passes when `clock.advance` is
called; `unreachable()` is a store that cannot be reached.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4
from zoneinfo import ZoneInfo

from turnkeeper.backend import DeliveryAttempts, SessionSummary, Sought
from turnkeeper.client import VoiceSessions
from turnkeeper.contract import (
    STORE_FORM,
    Cancel,
    Connect,
    Disconnect,
    HandOff,
    Message,
    Migrate,
    Opening,
    Outcome,
    Put,
    Reply,
    SessionState,
    Transcript,
    Turn,
)
from turnkeeper.dialogue.decide import decide
from turnkeeper.dialogue.events import Decision
from turnkeeper.dialogue.migrate import migrate as migrated
from turnkeeper.dialogue.state import DialogueState
from turnkeeper.erasure import ErasureCertificate, ErasureOrder, Step
from turnkeeper.errors import (
    InvalidInput,
    SessionError,
    SessionNotFound,
    StoreUnavailable,
    UnknownForm,
)
from turnkeeper.export import ExportedSession, exported
from turnkeeper.forms.free import FREE_FORM
from turnkeeper.forms.model import Form, Frozen, Scalar
from turnkeeper.security.identity import PUBLIC_KEY
from turnkeeper.session import Session
from turnkeeper.settings import Settings, read_settings
from turnkeeper.values.reading import Context

if TYPE_CHECKING:
    from turnkeeper.relay_caller import RelayCaller as RelayCaller
    from turnkeeper.relay_caller import calling as calling


def __getattr__(name: str) -> object:
    """`RelayCaller` and `calling` need the extra `gateway`: they are imported when asked for."""
    if name not in ("RelayCaller", "calling"):
        raise AttributeError(f"module 'turnkeeper.testing' has no attribute {name!r}")
    from turnkeeper import relay_caller

    return getattr(relay_caller, name)


class Clock:
    """A clock that stands still until it is advanced."""

    def __init__(self, now: datetime | None = None) -> None:
        self.now = now or datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
        """A Monday afternoon, unless told otherwise."""

    def advance(self, by: timedelta) -> None:
        self.now += by


class DeliveredForm(Frozen):
    """What a receiver would have got."""

    session_id: str
    form: str
    version: str
    answers: dict[str, Scalar]


class MemoryBackend:
    """Sessions in a dict, one message at a time."""

    def __init__(self, forms: Iterable[Form], clock: Clock, settings: Settings) -> None:
        self.forms = {form.form: form for form in forms}
        self.forms[STORE_FORM] = FREE_FORM
        self._clock = clock
        self._settings = settings
        self._sessions: dict[str, Session] = {}
        self._openings: dict[str, Opening] = {}
        self._certificates: dict[str, ErasureCertificate] = {}
        self.delivered: list[DeliveredForm] = []
        self.reachable = True

    async def connect(self, session_id: str, opening: Opening, connect: Connect) -> Reply:
        self._require_reachable()
        session = self._running(session_id) or self._begin(session_id, opening)
        base = session.admit_connect(connect)
        if isinstance(base, Reply):
            return base
        self._sessions[session_id] = session
        reply = session.take_connect(connect, self._decide(session, base, connect))
        self._submit(session)
        return reply

    async def turn(self, session_id: str, turn: Turn) -> Reply:
        session = self._found(session_id)
        base = session.admit(turn)
        if isinstance(base, Reply):
            return base
        reply = session.take(turn, base, self._decide(session, base, turn))
        self._submit(session)
        return reply

    async def post_turn(self, session_id: str, turn: Turn) -> None:
        session = self._running(session_id)
        if session is None:  # As a signal to a closed workflow: nobody is there to take it.
            self._found(session_id).require_open()
            return
        try:
            await self.turn(session_id, turn)
        except SessionError as error:
            session.ledger.fail(turn, type(error).__name__, str(error))

    async def outcome(self, session_id: str, key: str) -> Outcome:
        return self._found(session_id).ledger.outcome(key)

    async def disconnect(self, session_id: str, gone: Disconnect) -> None:
        self._found(session_id).disconnect(gone, self._clock.now)

    async def cancel(self, session_id: str, cancel: Cancel) -> Reply:
        return self._request(session_id, cancel)

    async def hand_off(self, session_id: str, hand_off: HandOff) -> Reply:
        return self._request(session_id, hand_off)

    def _request(self, session_id: str, request: Cancel | HandOff) -> Reply:
        session = self._found(session_id)
        base = session.admit_request(request)
        if isinstance(base, Reply):
            return base
        return session.take_request(request, self._decide(session, base, request))

    async def migrate(self, session_id: str, migrate: Migrate) -> SessionState:
        session = self._found(session_id)
        known = session.ledger.has_request(migrate.request_id)
        if not known and session.admit_migration(migrate):
            deployed = self._deployed(self._openings[session_id])
            new = session.form_before if migrate.back and session.form_before else deployed
            state, on_line = session.dialogue, session.hears(self._clock.now)
            context = self._context(new)
            events = migrated(session.form, new, state, migrate, context, on_line=on_line)
            session.take_migration(migrate, new, events)
        return session.state(self._clock.now)

    async def put(self, session_id: str, put: Put) -> SessionState:
        session = self._found(session_id)
        if not session.ledger.has_request(put.request_id):
            session.require_version(put.version)
            decision = self._decide(session, session.dialogue, put)
            session.take_command(put.request_id, decision)
            self._submit(session)
        return session.state(self._clock.now)

    async def state(self, session_id: str) -> SessionState:
        return self._found(session_id).state(self._clock.now)

    async def transcript(self, session_id: str) -> Transcript:
        return self._found(session_id).transcript()

    async def attempts(self, session_id: str) -> DeliveryAttempts | None:
        """None: the receiver in memory takes every form at once."""
        self._found(session_id)
        return None

    async def erase(
        self, order: ErasureOrder, on_step: Callable[[Step], None]
    ) -> ErasureCertificate:
        self._require_reachable()
        if self._sessions.pop(order.session_id, None) is not None:
            self._certificates[order.session_id] = ErasureCertificate(
                **order.model_dump(include={"session_id", "tenant", "reason"}),
                certificate_id=str(uuid4()),
                namespace="memory",
                requested_at=self._clock.now,
                completed_at=self._clock.now,
                runs_deleted=1,
                keys_shredded=0,
            )
        if order.session_id not in self._certificates:
            raise SessionNotFound.of(order.session_id)
        return self._certificates[order.session_id]

    async def begin_erasure(self, order: ErasureOrder) -> None:
        await self.erase(order, lambda _: None)

    async def export(self, session_id: str, *, secrets: bool) -> tuple[ExportedSession, ...]:
        return (exported(self._found(session_id), self._clock.now, secrets=secrets),)

    async def list(
        self, prefix: str, sought: Sought, *, limit: int | None, transport: str | None = None
    ) -> AsyncIterator[SessionSummary]:
        found = self._sought(prefix, sought, transport)
        for row in sorted(found, key=lambda r: (r.running, r.started_at), reverse=True)[:limit]:
            yield row

    async def count(self, prefix: str, sought: Sought, *, transport: str | None = None) -> int:
        return len(self._sought(prefix, sought, transport))

    def _sought(
        self, prefix: str, sought: Sought, transport: str | None
    ) -> Sequence[SessionSummary]:
        self._require_reachable()
        if sought.query is not None:
            raise InvalidInput("sessions in memory know no list filter of Temporal's")
        rows = [
            _summary(self._found(key), self._clock.now)
            for key, session in self._sessions.items()
            if key.startswith(prefix) and transport in (None, session.ledger.transport)
        ]
        return [row for row in rows if _is_sought(row, sought)]

    async def identity_key(self, tenant: str) -> bytes:
        """The one that everybody knows: ids in tests are the same at every run."""
        return PUBLIC_KEY

    async def require_reachable(self) -> None:
        self._require_reachable()

    async def close(self) -> None:
        """The sessions stay: open `VoiceSessions` on the same backend again to go on."""

    def _begin(self, session_id: str, opening: Opening) -> Session:
        self._openings[session_id] = opening
        return Session.begin(session_id, self._deployed(opening), uuid4().hex[:12])

    def _deployed(self, opening: Opening) -> Form:
        form = self.forms.get(opening.form)
        if form is None:
            raise UnknownForm(f"no worker has a form {opening.form!r}")
        settled = {
            "region": form.region or self._settings.region,
            "timezone": form.timezone or self._settings.timezone,
            "abandon_after": opening.ttl or form.abandon_after,
        }
        return form.model_copy(update=settled)

    def _running(self, session_id: str) -> Session | None:
        """The session that goes on answering under this id, if there is one."""
        session = self._sessions.get(session_id)
        if session is None:
            return None
        session.run_out(self._clock.now)
        return None if session.is_over(self._clock.now) else session

    def _found(self, session_id: str) -> Session:
        self._require_reachable()
        session = self._sessions.get(session_id)
        if session is None:
            raise SessionNotFound.of(session_id)
        session.run_out(self._clock.now)
        return session

    def _require_reachable(self) -> None:
        if not self.reachable:
            raise StoreUnavailable("the store cannot be reached (a test said so)")

    def _decide(self, session: Session, base: DialogueState, message: Message) -> Decision:
        return decide(session.form, base, message, self._context(session.form))

    def _context(self, form: Form) -> Context:
        return Context(
            now=self._clock.now.astimezone(ZoneInfo(form.timezone or "UTC")),
            region=form.region or "US",
            language=form.language,
        )

    def _submit(self, session: Session) -> None:
        """The receiver in memory takes every form at once."""
        if session.dialogue.status != "submitting":
            return
        form = session.form
        self.delivered.append(
            DeliveredForm(
                session_id=session.id,
                form=form.form,
                version=form.version,
                answers=session.dialogue.values(),
            )
        )
        session.move("completed", self._clock.now)


class MemorySessions(VoiceSessions):
    """`VoiceSessions` in memory.

    Args:
        forms: the forms that "the workers" have.
        clock: the time for every session; it stands still by default.
        settings: region, time zone, tenant, prefix.
    """

    def __init__(
        self,
        forms: Iterable[Form],
        *,
        clock: Clock | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.clock = clock or Clock()
        settings = settings or read_settings()
        self._memory = MemoryBackend(forms, self.clock, settings)
        super().__init__(self._memory, settings)

    def deploy(self, *forms: Form) -> None:
        """From now on "the workers" have these versions of forms."""
        self._memory.forms |= {form.form: form for form in forms}

    @property
    def delivered(self) -> list[DeliveredForm]:
        """Every form that was submitted, in order."""
        return self._memory.delivered

    @contextmanager
    def unreachable(self) -> Iterator[None]:
        """Inside, every call raises StoreUnavailable."""
        self._memory.reachable = False
        try:
            yield
        finally:
            self._memory.reachable = True


def _is_sought(row: SessionSummary, sought: Sought) -> bool:
    same = ("form", "status", "field", "running")
    begun = sought.begun_before
    return all(getattr(sought, name) in (None, getattr(row, name)) for name in same) and (
        begun is None or row.started_at < begun
    )


def _summary(session: Session, now: datetime) -> SessionSummary:
    """As Temporal's list has it, whoever is on the line."""
    state, dialogue = session.state(now), session.dialogue
    return SessionSummary(
        session_id=state.session_id,
        form=state.form,
        status=dialogue.status,
        field=state.field,
        running=not session.is_closed,
        started_at=dialogue.created_at or now,
        closed_at=state.updated_at if session.is_closed else None,
    )
