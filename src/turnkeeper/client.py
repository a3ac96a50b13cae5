"""What a voice agent uses: open a caller's form, send turns, speak the replies.

async with VoiceSessions.connect() as sessions:
    session = await sessions.open("roadside_claim", caller="+14155550100")
    speak(session.reply.say)
    reply = await session.turn("last tuesday")
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self, TypeVar

from turnkeeper.backend import Backend, DeliveryAttempts, SessionSummary, Sought
from turnkeeper.contract import (
    MAX_PUT_BYTES,
    Cancel,
    Connect,
    HandOff,
    Migrate,
    Opening,
    Put,
    Reply,
    SessionState,
    Status,
    Transcript,
)
from turnkeeper.erasure import ErasureCertificate, ErasureOrder, Step
from turnkeeper.errors import InvalidInput, KeyShredded, SessionNotFound
from turnkeeper.export import SessionsExport
from turnkeeper.instruments import RESTORES
from turnkeeper.repeating import once
from turnkeeper.security.identity import (
    is_session_of,
    normal_caller,
    require_part,
    session_id,
    subject_of,
    transport_key,
)
from turnkeeper.sending import MAX_ID, TurnContent, sendable, token
from turnkeeper.settings import Settings, read_settings
from turnkeeper.telemetry.metrics import count
from turnkeeper.telemetry.traces import EPOCH, LEG, OPEN, STATUS, turn_span
from turnkeeper.voice_session import VoiceSession

__all__ = ["Connecting", "TurnContent", "VoiceSession", "VoiceSessions"]

T = TypeVar("T")

LEAVING_SECONDS = 5.0
"""How long leaving `async with` waits for turns whose sender was cancelled."""


class VoiceSessions:
    """The sessions of one tenant. Use `connect` for those in Temporal."""

    def __init__(self, backend: Backend, settings: Settings | None = None) -> None:
        self._backend = backend
        self._settings = settings or read_settings()
        self._sending: set[asyncio.Task[object]] = set()

    @classmethod
    def connect(
        cls,
        *,
        address: str | None = None,
        namespace: str | None = None,
        tenant: str | None = None,
        settings: Settings | None = None,
    ) -> "Connecting":
        """Sessions in Temporal; use as `async with VoiceSessions.connect() as sessions`.

        Nothing is sent yet: that Temporal can't be reached is said by the first call.

        Args:
            address: `host:port`; by default what `temporalio.envconfig` says, else localhost:7233.
            namespace: Temporal namespace; by default the tenant's own, where it has one
                (`TURNKEEPER_TENANT_NAMESPACE`), and else what envconfig says.
            tenant: whose sessions; by default the setting `TURNKEEPER_TENANT`.
            settings: instead of those of the environment, to which the keys of a development
                server in this folder are added where none are set (`turnkeeper.local_server`).
        """
        # Here and not at the top: the SDK, which it goes by, takes half a second to import.
        from turnkeeper.local_server import beside

        settings = settings or beside(read_settings(tenant=tenant), address)
        return Connecting(address, namespace, settings)

    @property
    def settings(self) -> Settings:
        return self._settings

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._sending:
            await asyncio.wait(self._sending, timeout=LEAVING_SECONDS)
        await self._backend.close()

    async def open(
        self,
        form: str,
        caller: str,
        *,
        transport_id: str = "",
        channel: str = "",
        connect_id: str | None = None,
        ttl: timedelta | None = None,
    ) -> "VoiceSession":
        """Restore the caller's form, or begin it: a new leg of the same session.

        Args:
            form: the form's id.
            caller: who it is: a phone number in any spelling, or an id that stays the same when
                the person comes back. See `turnkeeper.security.identity.normal_caller`.
            transport_id: the transport's own name for this call or socket: `list` finds the
                session by it.
            channel: what kind it is: `twilio`, `livekit`, `terminal`.
            connect_id: the same again is the same leg; random by default.
            ttl: stands in for the form's `abandon_after` if the session begins with this.

        Raises:
            StoreUnavailable: nothing is known, least of all that the caller is new.
            UnknownForm: no worker has the form; no session was left behind.
            InvalidCaller: the caller can't be an identity.
            KeyUnknown: the tenant's key is not here, so neither is the caller's id.
        """
        if len(connect_id or "") > MAX_ID:
            raise InvalidInput(f"a connect id is at most {MAX_ID} characters")
        opening = Opening(form=form, tenant=self._settings.tenant, ttl=ttl)
        connect = Connect(
            connect_id=connect_id or token(),
            transport_id=transport_id,
            transport_key=await self._transport_key(transport_id),
            channel=channel,
        )
        key = await self.session_id(form, caller)
        with turn_span(form, name=OPEN) as span:
            reply = await self.shielded(self._connected(key, opening, connect))
            span.set_attributes({STATUS: reply.status, LEG: reply.leg, EPOCH: reply.epoch})
        return VoiceSession(self, key, reply, span.get_span_context())

    async def _connected(self, key: str, opening: Opening, connect: Connect) -> Reply:
        try:
            return await self._backend.connect(key, opening, sendable(connect))
        except KeyShredded:
            count(RESTORES, tenant=opening.tenant, form=opening.form, outcome="erased")
            raise

    def attach(self, session_id: str, leg: int, epoch: str = "") -> "VoiceSession":
        """A leg that was opened elsewhere: another process, before a restart. Sends nothing.

        `epoch` is that of the session's replies; without it, a leg that outlives its session
        speaks to the caller's next one. A turn is the same turn whoever sends it, as its leg,
        epoch and utterance id say; turns of several senders are applied as they arrive.
        """
        return VoiceSession(self, session_id, Reply(say="", leg=leg, epoch=epoch))

    async def session_id(self, form: str, caller: str) -> str:
        """The id under which the caller's form is kept: the same for every spelling of a number.

        It tells nothing of the caller. Where keys are set it takes the tenant's identity key, which
        the first call fetches.

        Raises:
            InvalidCaller: the caller can't be an identity.
            StoreUnavailable, KeyUnknown: the identity key can't be had now.
        """
        settings = self._settings
        who = self.check_caller(form, caller)
        key = await self._backend.identity_key(settings.tenant)
        subject = subject_of(key, settings.tenant, who)
        return session_id(settings.prefix, settings.tenant, form, subject)

    def check_caller(self, form: str, caller: str) -> str:
        """The caller in normal form; asks nobody. Raises InvalidCaller where `open` would."""
        require_part("form", form)
        return normal_caller(caller, self._settings.region)

    def backend_of(self, session_id: str) -> Backend:
        """Where the session is, if it is this tenant's: everything that is asked or told of a
        session by its id goes through here.

        Raises:
            SessionNotFound: the id is none of this tenant's; nobody was asked.
        """
        settings = self._settings
        if not is_session_of(session_id, settings.prefix, settings.tenant):
            raise SessionNotFound.of(session_id)
        return self._backend

    async def _transport_key(self, transport_id: str) -> str:
        tenant = self._settings.tenant
        return transport_key(await self._backend.identity_key(tenant), tenant, transport_id)

    async def state(self, session_id: str) -> SessionState:
        """What a session holds; of closed ones for as long as Temporal keeps them.

        Raises:
            SessionNotFound: there is none.
            StoreUnavailable: that can't be known now.
        """
        return await self.backend_of(session_id).state(session_id)

    async def transcript(self, session_id: str) -> Transcript:
        """The newest exchanges of a session."""
        return await self.backend_of(session_id).transcript(session_id)

    async def attempts(self, session_id: str) -> DeliveryAttempts | None:
        """How the delivery of a submitted form goes; None when none is under way."""
        return await self.backend_of(session_id).attempts(session_id)

    async def cancel(self, session_id: str, reason: str = "") -> Reply:
        """End a session without submitting it; repeated, it is the same reply."""
        cancel = sendable(Cancel(request_id=token(), reason=reason))
        return await self.shielded(once(self.backend_of(session_id), session_id, cancel))

    async def hand_off(self, session_id: str, reason: str = "", *, unlock: bool = False) -> Reply:
        """Leave the caller to a person; one who rings back goes on. Repeated, it is the same reply.

        Args:
            session_id: which session.
            reason: why, for operators; nothing personal.
            unlock: of a form with `resume`, give all attempts back: an operator has found out by
                other means who it is. Never for an agent to decide.

        Raises:
            SessionClosed: it is submitted, or has ended.
        """
        hand_off = sendable(HandOff(request_id=token(), reason=reason, unlock=unlock))
        return await self.shielded(once(self.backend_of(session_id), session_id, hand_off))

    async def migrate(
        self, session_id: str, reason: str = "", *, back: bool = False
    ) -> SessionState:
        """Have a waiting session go by the version of its form that is deployed; with `back`, by
        the one before. Raises MigrationRefused or SessionClosed where it can't, or not now."""
        migrate = sendable(Migrate(request_id=token(), reason=reason, back=back))
        return await self.shielded(self.backend_of(session_id).migrate(session_id, migrate))

    async def put(self, session_id: str, put: Put) -> SessionState:
        """Replace a session's answers; see `turnkeeper.store`."""
        put = sendable(put, MAX_PUT_BYTES)
        return await self.shielded(self.backend_of(session_id).put(session_id, put))

    async def erase(
        self, session_id: str, *, on_step: Callable[[Step], None] = lambda _: None
    ) -> ErasureCertificate:
        """Erase all that is kept under a session's id, and wait for the end: half a minute or so.

        Every session of this caller and form goes: runs in Temporal, and the key that encrypted
        them. Workers do it, whatever becomes of this process; asked again, the answer is the same
        certificate. A caller who rings meanwhile begins anew, and that is erased as well.

        Args:
            session_id: as `VoiceSession.id` or a listing has it.
            on_step: hears every quarter of a second what is being done.

        Raises:
            SessionNotFound: there is no such session, and none was erased.
            StoreUnavailable: the end can't be seen now; the same call again waits for it.
        """
        backend = self.backend_of(session_id)
        return await backend.erase(self._erasure_of(session_id), on_step)

    async def begin_erasure(self, session_id: str) -> None:
        """Have workers do what `erase` does, without waiting. Raises as `erase` does."""
        await self.backend_of(session_id).begin_erasure(self._erasure_of(session_id))

    def _erasure_of(self, session_id: str) -> ErasureOrder:
        return ErasureOrder(session_id=session_id, tenant=self._settings.tenant)

    async def export(self, session_id: str, *, secrets: bool = False) -> SessionsExport:
        """All that is kept under a session's id, to be given to the caller.

        Args:
            session_id: as `VoiceSession.id` or a listing has it.
            secrets: with the values of secret fields.

        Raises:
            SessionNotFound: there is none.
            StoreUnavailable: that can't be known now.
        """
        found = await self.backend_of(session_id).export(session_id, secrets=secrets)
        return SessionsExport(
            session_id=session_id, exported_at=datetime.now(UTC), secrets=secrets, sessions=found
        )

    async def list(
        self,
        *,
        form: str | None = None,
        status: Status | None = None,
        transport_id: str | None = None,
        limit: int = 100,
    ) -> AsyncIterator[SessionSummary]:
        """This tenant's sessions: running ones, then finished ones while Temporal keeps them, of
        each the newest first.

        Temporal's list follows what happened a moment later (its visibility is eventually
        consistent): a call that has just come in may not be in it yet.

        Args:
            form: only those of this form.
            status: only those that stand so.
            transport_id: only the session whose newest leg with a transport's id has this one.
            limit: at most so many.
        """
        sought = Sought(form=form, status=status, transport_id=transport_id)
        async for summary in self.find(sought, limit=limit):
            yield summary

    async def find(
        self, sought: Sought, *, limit: int | None = None
    ) -> AsyncIterator[SessionSummary]:
        """As `list`, for all that can be looked for; without `limit`, every one there is."""
        transport = await self._sought_transport(sought)
        if transport == "":  # No leg is indexed under nothing.
            return
        async for summary in self._backend.list(
            self._prefix, sought, limit=limit, transport=transport
        ):
            if is_session_of(summary.session_id, self._settings.prefix, self._settings.tenant):
                yield summary

    async def count(self, sought: Sought) -> int:
        """How many sessions there are; asks Temporal once, however many there are."""
        transport = await self._sought_transport(sought)
        if transport == "":
            return 0
        return await self._backend.count(self._prefix, sought, transport=transport)

    @property
    def _prefix(self) -> str:
        return f"{self._settings.prefix}:{self._settings.tenant}:"

    async def _sought_transport(self, sought: Sought) -> str | None:
        if sought.transport_id is None:
            return None
        return await self._transport_key(sought.transport_id)

    async def require_reachable(self) -> None:
        """Raises StoreUnavailable where Temporal does not answer now; asks once, for 2 s."""
        await self._backend.require_reachable()

    async def shielded(self, sending: Coroutine[object, object, T]) -> T:
        """Await something that goes on when the awaiting task is cancelled.

        A barge-in cancels the coroutine that submits the turn, in LiveKit and in Pipecat: without
        the shield the answer would be lost with it.
        """
        task = asyncio.ensure_future(sending)
        self._sending.add(task)
        task.add_done_callback(self._sent)
        return await asyncio.shield(task)

    def _sent(self, task: "asyncio.Task[object]") -> None:
        self._sending.discard(task)
        if not task.cancelled():
            task.exception()  # Its awaiter has it, or was cancelled and wants it no more.


class Connecting:
    """`async with` this to get `VoiceSessions` in Temporal."""

    def __init__(self, address: str | None, namespace: str | None, settings: Settings) -> None:
        self._address = address
        self._namespace = namespace
        self._settings = settings
        self._sessions: VoiceSessions | None = None

    async def __aenter__(self) -> VoiceSessions:
        from turnkeeper.connection import connect
        from turnkeeper.temporal import TemporalBackend

        settings = self._settings
        client = await connect(self._address, self._namespace, settings=settings, lazy=True)
        backend = TemporalBackend(
            client, settings.task_queue, settings.turn_deadline, settings.key_store
        )
        self._sessions = VoiceSessions(backend, settings)
        return await self._sessions.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._sessions is not None:
            await self._sessions.__aexit__(kind, error, trace)
