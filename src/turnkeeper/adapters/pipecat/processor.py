"""The form as the agent: a frame processor in the language model's place."""

import asyncio
from collections.abc import Awaitable, Callable

from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    CancelFrame,
    ClientConnectedFrame,
    EagerEndOfTurnCancelFrame,
    EndFrame,
    EndWorkerFrame,
    Frame,
    InputDTMFFrame,
    InterruptionFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    StartFrame,
    TTSSpeakFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from turnkeeper.adapters.keypad import INTERDIGIT_TIMEOUT, Keypad
from turnkeeper.adapters.pipecat.call import Call
from turnkeeper.adapters.pipecat.hearing import Hearing, ends_with_user, heard_until
from turnkeeper.adapters.pipecat.refusals import reported
from turnkeeper.client import VoiceSession, VoiceSessions
from turnkeeper.contract import Reply
from turnkeeper.errors import TurnkeeperError

OnTransfer = Callable[[Reply], Awaitable[None]]


class DurableFormProcessor(FrameProcessor):
    """A durable form where a pipeline has its language model.

        Pipeline([transport.input(), stt, aggregators.user(),
                  DurableFormProcessor(sessions, "roadside_claim", caller=number),
                  tts, transport.output(), aggregators.assistant()])

    It takes `LLMContextFrame`s and gives `LLMFullResponseStartFrame`, `LLMTextFrame`,
    `LLMFullResponseEndFrame`; everything else passes through. The greeting, or the welcome back,
    answers the first of `ClientConnectedFrame` and `LLMRunFrame`. After the form's last words the
    pipeline ends (`EndWorkerFrame`); when it ends otherwise, the session waits for the next call.

    Args:
        sessions: from `VoiceSessions.connect()`; whoever opened it closes it.
        form: the form's id.
        caller: who it is: a phone number, or an id that stays the same when the person comes back;
            or a function that says so once the caller is there.
        transport_id: the transport's own name for this call: a CallSid, a room name.
        channel: what kind of call it is; kept with the leg.
        on_transfer: puts the caller through, after they heard that it will; without it, the call
            ends then.
        interdigit_timeout: how long the next key of an entry is waited for, in seconds.

    Raises:
        InvalidCaller, InvalidInput: the caller, or the form's id, can't be an identity.
    """

    def __init__(
        self,
        sessions: VoiceSessions,
        form: str,
        *,
        caller: str | Callable[[], str],
        transport_id: str = "",
        channel: str = "pipecat",
        on_transfer: OnTransfer | None = None,
        interdigit_timeout: float = INTERDIGIT_TIMEOUT,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        if isinstance(caller, str):
            sessions.check_caller(form, caller)  # A wrong one is said here, not on the phone.
        self._sessions = sessions
        self._form = form
        self._caller = caller
        self._transport_id = transport_id
        self._channel = channel
        self._on_transfer = on_transfer
        self._call = Call(self._open, self)
        self._hearing = Hearing()
        self._keypad = Keypad(self._call.keys, interdigit_timeout)
        self._turns: asyncio.Task[None] | None = None
        self._held: LLMContextFrame | None = None
        self._turn_has_ended = False
        self._handlers: dict[type[Frame], Callable[[Frame], Awaitable[None]]] = {
            StartFrame: self._start,
            ClientConnectedFrame: self._client_connected,
            UserStartedSpeakingFrame: self._turn_started,
            UserStoppedSpeakingFrame: self._turn_ended,
            EagerEndOfTurnCancelFrame: self._speculation_ended,
            InterruptionFrame: self._interrupted,
            InputDTMFFrame: self._key,
            BotStartedSpeakingFrame: self._bot_started,
            BotStoppedSpeakingFrame: self._bot_stopped,
            EndFrame: self._leave,
            CancelFrame: self._leave,
        }

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Takes context frames; acts on some others, and passes them on."""
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMContextFrame) and direction is FrameDirection.DOWNSTREAM:
            self._context(frame)
            return
        handle = self._handlers.get(type(frame))
        if handle:
            await handle(frame)
        await self.push_frame(frame, direction)

    async def cleanup(self) -> None:
        """Lets go of the task that takes turns."""
        await super().cleanup()  # type: ignore[no-untyped-call]  # Pipecat annotates no bare self
        if self._turns:
            await self.cancel_task(self._turns)
            self._turns = None

    # --- what the caller says ---------------------------------------------------------------------

    def _context(self, frame: LLMContextFrame) -> None:
        """Of a turn that may not have ended, nothing is sent: a speculation stores no answer."""
        self._held = frame if frame.speculation and not self._turn_has_ended else None
        if self._held:
            return
        new = self._hearing.new_words(frame.context)
        if not new:
            self._call.prompt(waits=ends_with_user(frame.context))
        for index, words in enumerate(new):
            if index:  # An interruption lost the frame of the words before.
                self._call.interrupted()
            self._call.words(words, heard_until(frame.context))

    async def _turn_started(self, _: Frame) -> None:
        self._turn_has_ended = False

    async def _turn_ended(self, _: Frame) -> None:
        """The words that are held are final: Pipecat sends no context frame for them again. It may
        also come before the speculation that it confirms: a system frame overtakes others."""
        self._turn_has_ended = True
        held, self._held = self._held, None
        if held:
            self._context(held)

    async def _speculation_ended(self, _: Frame) -> None:
        self._held = None

    async def _interrupted(self, _: Frame) -> None:
        self._held = None
        self._call.interrupted()

    async def _key(self, frame: Frame) -> None:
        """A key; the first of an entry is a barge-in."""
        assert isinstance(frame, InputDTMFFrame)
        if self._keypad.ignores(frame.button.value):
            return
        if not self._keypad.pressed:
            self._call.interrupted()
            await self.broadcast_interruption()  # type: ignore[no-untyped-call]  # as above
        expects = self._call.reply.expects if self._call.reply else None
        self._keypad.press(frame.button.value, expects.max_digits if expects else None)

    # --- the call ---------------------------------------------------------------------------------

    async def _start(self, _: Frame) -> None:
        self._turns = self.create_task(self._call.run())

    async def _client_connected(self, _: Frame) -> None:
        self._call.connected()

    async def _bot_started(self, _: Frame) -> None:
        self._call.started_speaking()

    async def _bot_stopped(self, _: Frame) -> None:
        self._call.stopped_speaking()

    async def _leave(self, _: Frame) -> None:
        """The rest is sent though the pipeline may be torn down meanwhile."""
        self._keypad.flush()
        await self._sessions.shielded(self._call.leave())

    async def _open(self, connect_id: str) -> VoiceSession:
        caller = self._caller if isinstance(self._caller, str) else self._caller()
        return await self._sessions.open(
            self._form,
            caller,
            transport_id=self._transport_id,
            channel=self._channel,
            connect_id=connect_id,
        )

    # --- the call's mouth -------------------------------------------------------------------------

    async def answer(self, text: str) -> None:
        """As a language model answers."""
        await self.push_frame(LLMFullResponseStartFrame())
        await self.push_frame(LLMTextFrame(text))
        await self.push_frame(LLMFullResponseEndFrame())

    async def speak(self, text: str, *, in_context: bool = True) -> None:
        await self.push_frame(TTSSpeakFrame(text, append_to_context=in_context))

    async def report(self, error: TurnkeeperError) -> None:
        """An `ErrorFrame` upstream, which reaches `on_pipeline_error`; no message has an answer."""
        await self.push_error(reported(error), exception=error)

    async def end(self, reason: str) -> None:
        """Behind everything that is to be said, and not lost in an interruption."""
        await self.push_frame(EndWorkerFrame(reason=reason))

    async def transfer(self, reply: Reply) -> None:
        if self._on_transfer:
            await self._on_transfer(reply)
        else:
            await self.end(reply.status)
