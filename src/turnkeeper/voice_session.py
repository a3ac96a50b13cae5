"""One leg of one session: what a call or a socket speaks through."""

import asyncio
from typing import TYPE_CHECKING, Unpack

from opentelemetry.trace import SpanContext

from turnkeeper.backend import Backend
from turnkeeper.contract import Disconnect, Reply, SessionState, Transcript, Turn, utterance_name
from turnkeeper.errors import SessionClosed, SessionNotFound, from_wire
from turnkeeper.instruments import TURN_DURATION
from turnkeeper.security.identity import form_of, tenant_of
from turnkeeper.sending import TurnContent, sendable, turn_of
from turnkeeper.telemetry.metrics import timed
from turnkeeper.telemetry.traces import EPOCH, LEG, STATUS, turn_span

if TYPE_CHECKING:
    from turnkeeper.client import VoiceSessions


class VoiceSession:
    """One leg of one session: what a call or a socket speaks through."""

    def __init__(
        self,
        sessions: "VoiceSessions",
        session_id: str,
        reply: Reply,
        opened_in: SpanContext | None = None,
    ) -> None:
        self._sessions = sessions
        self._opened_in = opened_in
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
        outcome = await self._backend().outcome(self.id, name)
        if outcome.error is not None:
            raise from_wire(outcome.error, outcome.message)
        return outcome.reply

    async def state(self) -> SessionState:
        """What the session holds now."""
        return await self._sessions.state(self.id)

    async def transcript(self) -> Transcript:
        """What was heard and said, the newest exchanges."""
        return await self._sessions.transcript(self.id)

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
            await self._sessions.shielded(self._backend().disconnect(self.id, gone))
        except (SessionClosed, SessionNotFound):
            return

    def _backend(self) -> Backend:
        return self._sessions.backend_of(self.id)

    def _turn(self, text: str | None, content: TurnContent) -> Turn:
        return turn_of(text, content, epoch=self.epoch, leg=self.leg)

    async def _send(self, turn: Turn) -> Reply:
        """One turn at a time, in the order in which they were made: the session applies them so,
        and Temporal stalls with more than ten of one workflow on their way (measured)."""
        backend, form = self._backend(), form_of(self.id)
        with timed(TURN_DURATION, tenant=tenant_of(self.id), form=form):
            async with self._in_order:
                with turn_span(form, self.reply.field, opened_in=self._opened_in) as span:
                    span.set_attributes({LEG: self.leg, EPOCH: self.epoch})
                    self.reply = await backend.turn(self.id, turn)
                    span.set_attribute(STATUS, self.reply.status)
                    return self.reply

    async def _post(self, turn: Turn) -> None:
        async with self._in_order:
            await self._backend().post_turn(self.id, turn)
