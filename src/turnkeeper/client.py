"""What a voice agent uses: open a caller's form, send turns, speak the replies.

async with VoiceSessions.connect() as sessions:
    session = await sessions.open("roadside_claim", caller="+14155550100")
    speak(session.reply.say)
    reply = await session.turn("last tuesday")
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Self, TypedDict, TypeVar, Unpack

from turnkeeper.backend import Backend, DeliveryAttempts, SessionSummary
from turnkeeper.contract import (
    MAX_PUT_BYTES,
    Alternative,
    Cancel,
    Connect,
    Disconnect,
    HandOff,
    Opening,
    Put,
    Reply,
    SessionState,
    Status,
    Transcript,
    Turn,
    TurnEvent,
    searched_transport,
    utterance_name,
)
from turnkeeper.errors import InvalidInput, SessionClosed, SessionNotFound, from_wire
from turnkeeper.forms.model import Scalar
from turnkeeper.security.identity import session_id, subject_of
from turnkeeper.sending import MAX_ID, sendable, token, turn_of
from turnkeeper.settings import Settings, read_settings
from turnkeeper.telemetry.traces import STATUS, turn_span

T = TypeVar("T")

LEAVING_SECONDS = 5.0
"""How long leaving `async with` waits for turns whose sender was cancelled."""


class TurnContent(TypedDict, total=False):
    """What a turn may carry beside its text."""

    dtmf: str | None
    """Keys; `#` is the terminator."""
    answers: Mapping[str, Scalar | None] | None
    """Values that the agent's own model extracted, by field; checked all the same."""
    event: TurnEvent | None
    """`noinput`, `nomatch`, or a command such as `repeat` or `skip`."""
    alternatives: Sequence[Alternative | str]
    """The recogniser's n-best list, best first."""
    confidence: float | None
    """The recogniser's, 0 to 1, for the text."""
    said: str | None
    """Up to where the caller heard the last reply, when they barged in."""
    utterance_id: str | None
    """Names the utterance within this leg; random by default."""


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
            namespace: Temporal namespace; by default what envconfig says.
            tenant: whose sessions; by default the setting `TURNKEEPER_TENANT`.
            settings: instead of those of the environment.
        """
        settings = settings or read_settings(tenant=tenant)
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
                the person comes back. See `turnkeeper.security.identity.subject_of`.
            transport_id: the transport's own name for this call or socket: `list` finds the
                session by it. It is indexed in clear, so nothing personal belongs in it.
            channel: what kind it is: `twilio`, `livekit`, `terminal`.
            connect_id: the same again is the same leg; random by default.
            ttl: stands in for the form's `abandon_after` if the session begins with this.

        Raises:
            StoreUnavailable: nothing is known, least of all that the caller is new.
            UnknownForm: no worker has the form; no session was left behind.
            InvalidCaller: the caller can't be an identity.
        """
        key = self.session_id(form, caller)
        if len(connect_id or "") > MAX_ID:
            raise InvalidInput(f"a connect id is at most {MAX_ID} characters")
        opening = Opening(form=form, tenant=self._settings.tenant, ttl=ttl)
        connect = sendable(
            Connect(connect_id=connect_id or token(), transport_id=transport_id, channel=channel)
        )
        reply = await self.shielded(self._backend.connect(key, opening, connect))
        return VoiceSession(self, self._backend, key, reply)

    def attach(self, session_id: str, leg: int, epoch: str = "") -> "VoiceSession":
        """A leg that was opened elsewhere: another process, before a restart. Sends nothing.

        `epoch` is that of the session's replies; without it, a leg that outlives its session
        speaks to the caller's next one. A turn is the same turn whoever sends it, as its leg,
        epoch and utterance id say; turns of several senders are applied as they arrive.
        """
        return VoiceSession(self, self._backend, session_id, Reply(say="", leg=leg, epoch=epoch))

    def session_id(self, form: str, caller: str) -> str:
        """The id under which the caller's form is kept."""
        settings = self._settings
        subject = subject_of(caller, settings.region)
        return session_id(settings.prefix, settings.tenant, form, subject)

    async def state(self, session_id: str) -> SessionState:
        """What a session holds; of closed ones for as long as Temporal keeps them.

        Raises:
            SessionNotFound: there is none.
            StoreUnavailable: that can't be known now.
        """
        return await self._backend.state(session_id)

    async def transcript(self, session_id: str) -> Transcript:
        """The newest exchanges of a session."""
        return await self._backend.transcript(session_id)

    async def attempts(self, session_id: str) -> DeliveryAttempts | None:
        """How the delivery of a submitted form goes; None when none is under way."""
        return await self._backend.attempts(session_id)

    async def cancel(self, session_id: str, reason: str = "") -> Reply:
        """End a session without submitting it."""
        cancel = sendable(Cancel(request_id=token(), reason=reason))
        return await self.shielded(self._backend.cancel(session_id, cancel))

    async def hand_off(self, session_id: str, reason: str = "") -> Reply:
        """Leave the caller to a person: the answers wait, and a caller who rings back goes on.

        Raises:
            SessionClosed: it is handed off already, submitted, or has ended.
        """
        hand_off = sendable(HandOff(request_id=token(), reason=reason))
        return await self.shielded(self._backend.hand_off(session_id, hand_off))

    async def put(self, session_id: str, put: Put) -> SessionState:
        """Replace a session's answers; see `turnkeeper.store`."""
        put = sendable(put, MAX_PUT_BYTES)
        return await self.shielded(self._backend.put(session_id, put))

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
        prefix = f"{self._settings.prefix}:{self._settings.tenant}:"
        transport = None if transport_id is None else searched_transport(transport_id)
        if transport == "":  # No leg is indexed under nothing.
            return
        async for summary in self._backend.list(
            prefix, form=form, status=status, transport_id=transport, limit=limit
        ):
            yield summary

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
        # Here and not at the top: the SDK takes half a second to import.
        from turnkeeper.connection import connect
        from turnkeeper.temporal import TemporalBackend

        settings = self._settings
        client = await connect(self._address, self._namespace, settings=settings, lazy=True)
        backend = TemporalBackend(client, settings.task_queue, settings.turn_deadline)
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


class VoiceSession:
    """One leg of one session: what a call or a socket speaks through."""

    def __init__(
        self, sessions: VoiceSessions, backend: Backend, session_id: str, reply: Reply
    ) -> None:
        self._sessions = sessions
        self._backend = backend
        self.id = session_id
        """The session's id: the same for this caller and form, whatever the leg."""
        self.leg = reply.leg
        """This leg's number; a newer one takes the session over."""
        self.epoch = reply.epoch
        """Tells this session from the caller's next one under the same id."""
        self.restored = reply.restored
        """Whether answers were already there."""
        self.reply = reply
        """The newest reply; at first the greeting, or the welcome back."""
        self._in_order = asyncio.Lock()

    async def turn(self, text: str | None = None, **content: Unpack[TurnContent]) -> Reply:
        """Send one turn and wait for its reply. Safe to cancel and to repeat.

        A cancelled `turn` is sent all the same. The same `utterance_id` again with the same content
        gives the same reply; with other content it replaces what was understood, while no newer
        turn has come.

        Args:
            text: the final transcript.
            content: what else there is of it, see `TurnContent`.

        Raises:
            SupersededLeg: the caller is on another line now.
            TurnConflict: the utterance was answered with other content, and newer turns came.
            SessionClosed: the form is submitted or handed off, or the session has ended.
            TurnTooLarge: not sent.
            StoreUnavailable: it may or may not be recorded; send it again with its id.
        """
        return await self._sessions.shielded(self._send(self._turn(text, content)))

    async def post_turn(self, text: str | None = None, **content: Unpack[TurnContent]) -> str:
        """Send a turn without waiting for its reply, which `reply_to` reads; its utterance id.

        For agents that only signal: signal, then query, costs four times what `turn` costs.
        """
        turn = self._turn(text, content)
        await self._sessions.shielded(self._post(turn))
        return turn.utterance_id

    async def reply_to(self, utterance_id: str) -> Reply | None:
        """The reply to a posted turn; None while there is none. Raises what `turn` would have."""
        name = utterance_name(self.epoch, self.leg, utterance_id)
        outcome = await self._backend.outcome(self.id, name)
        if outcome.error is not None:
            raise from_wire(outcome.error, outcome.message)
        return outcome.reply

    async def state(self) -> SessionState:
        """What the session holds now."""
        return await self._backend.state(self.id)

    async def transcript(self) -> Transcript:
        """What was heard and said, the newest exchanges."""
        return await self._backend.transcript(self.id)

    async def cancel(self, reason: str = "") -> Reply:
        """End the session without submitting it."""
        self.reply = await self._sessions.cancel(self.id, reason)
        return self.reply

    async def hand_off(self, reason: str = "") -> Reply:
        """Leave the caller to a person; the reply's `transfer_to` says where the form wants it."""
        self.reply = await self._sessions.hand_off(self.id, reason)
        return self.reply

    async def hang_up(self, reason: str = "hang_up") -> None:
        """The leg is over; the session waits for the next. Of a finished one: nothing to do."""
        try:
            gone = sendable(Disconnect(epoch=self.epoch, leg=self.leg, reason=reason))
            await self._sessions.shielded(self._backend.disconnect(self.id, gone))
        except (SessionClosed, SessionNotFound):
            return

    def _turn(self, text: str | None, content: TurnContent) -> Turn:
        return turn_of(text, content, epoch=self.epoch, leg=self.leg)

    async def _send(self, turn: Turn) -> Reply:
        """One turn at a time, in the order in which they were made: the session applies them so,
        and Temporal stalls with more than ten of one workflow on their way (measured)."""
        async with self._in_order:
            with turn_span(_form_of(self.id), self.reply.field) as span:
                self.reply = await self._backend.turn(self.id, turn)
                span.set_attribute(STATUS, self.reply.status)
                return self.reply

    async def _post(self, turn: Turn) -> None:
        async with self._in_order:
            await self._backend.post_turn(self.id, turn)


def _form_of(session_id: str) -> str:
    """The third part of `{prefix}:{tenant}:{form}:{subject}`: only the prefix may have colons."""
    return session_id.rsplit(":", 2)[-2]
