"""The form's side of a LiveKit session: greets, listens to keys and to silence, ends.

An agent has one, tells it when it is entered and left, and is told when the form is done with the
caller.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypedDict

from livekit import rtc
from livekit.agents import (
    Agent,
    AgentStateChangedEvent,
    TurnHandlingOptions,
    UserStateChangedEvent,
    llm,
    stt,
    tts,
    vad,
)
from livekit.agents.voice import SpeechHandle

from turnkeeper.adapters.keypad import INTERDIGIT_TIMEOUT, Keypad
from turnkeeper.adapters.livekit.heard import keyed, silence, silences
from turnkeeper.adapters.livekit.line import Caller, line_of, room_of
from turnkeeper.adapters.livekit.llm import DurableFormLLM
from turnkeeper.adapters.livekit.refusals import NOBODY_THERE, ONE_MOMENT
from turnkeeper.client import VoiceSessions
from turnkeeper.contract import Reply
from turnkeeper.errors import StoreUnavailable
from turnkeeper.telemetry import logger

NOINPUT_TIMEOUT = 10.0
"""Seconds of silence after which the caller is asked again (VoiceXML's property `timeout`)."""
MAX_NOINPUTS = 3
"""Silences in a row after each of which the caller is asked again; then the call ends."""
REOPEN_AFTER = 2.0
"""Seconds between attempts to greet a caller whose form cannot be reached."""

_log = logger(__name__)


class AgentOptions(TypedDict, total=False):
    """What is passed on to LiveKit's agent; the session's holds for what is not here."""

    chat_ctx: llm.ChatContext
    stt: stt.STT[Any] | None
    vad: vad.VAD | None
    tts: tts.TTS[Any] | None
    turn_handling: TurnHandlingOptions


def form_options(options: AgentOptions) -> AgentOptions:
    """The options without preemptive generation: a form has nothing to gain by it."""
    turns: TurnHandlingOptions = {
        **options.get("turn_handling", {}),
        "preemptive_generation": {"enabled": False},
    }
    return {**options, "turn_handling": turns}


class Conversation:
    """What a form does on a call beside answering.

    Args:
        agent: the agent whose form it is.
        caller: who calls, or what tells it from the participant; None: as `line.caller_of`.
        ended: awaited with a reply after which the form does not listen, once it was spoken.
    """

    def __init__(
        self,
        agent: Agent,
        sessions: VoiceSessions,
        form: str,
        caller: Caller | None,
        *,
        ended: Callable[[Reply], Awaitable[None]],
        noinput_timeout: float | None = NOINPUT_TIMEOUT,
        interdigit_timeout: float = INTERDIGIT_TIMEOUT,
    ) -> None:
        self.model = DurableFormLLM.found(
            sessions, form, lambda: line_of(agent.session, caller), self._replied
        )
        self._agent = agent
        self._ended = ended
        self._keypad = Keypad(self._entered, interdigit_timeout)
        self._noinput_timeout = noinput_timeout
        self._silence: asyncio.TimerHandle | None = None
        self._room: rtc.Room | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._left = asyncio.Event()
        self._listening = True

    # --- the agent's life -------------------------------------------------------------------------

    async def enter(self) -> None:
        """Greet the caller, and begin to listen."""
        session = self._agent.session
        self._room = room_of(session)
        if self._room is not None:
            self._room.on("sip_dtmf_received", self._on_key)
        session.on("user_state_changed", self._on_state)
        session.on("agent_state_changed", self._on_state)
        if not await self._greet():
            session.say(ONE_MOMENT)
            self._spawn(self._greet_later())

    async def leave(self) -> None:
        """Stop listening; the leg is over."""
        session = self._agent.session
        if self._room is not None:
            self._room.off("sip_dtmf_received", self._on_key)
        session.off("user_state_changed", self._on_state)
        session.off("agent_state_changed", self._on_state)
        self._left.set()
        self._keypad.clear()
        self._stop_waiting()
        await self.model.call.hang_up()

    # --- what is said -----------------------------------------------------------------------------

    async def _greet(self) -> bool:
        try:
            reply = await self.model.call.open(self._agent.chat_ctx)
        except StoreUnavailable:
            _log.warning("a call waits for the store", form=self.model.call.form)
            return False
        self._replied(reply, self._agent.session.say(reply.say))
        return True

    async def _greet_later(self) -> None:
        """Until the form is there, or somebody else opened it, or the call is over."""
        while not await self._left_within(REOPEN_AFTER):
            if self.model.call.session is not None or await self._greet():
                return

    async def _left_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._left.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _replied(self, reply: Reply, speech: SpeechHandle) -> None:
        """A reply is about to be spoken."""
        if reply.next != "listen":
            self._listening = False  # Whoever waits to be connected is silent, and may be.
            speech.add_done_callback(lambda _: self._spawn(self._end(reply)))

    async def _end(self, reply: Reply) -> None:
        await self._ended(reply)

    # --- keys and silence -------------------------------------------------------------------------

    def _on_key(self, key: rtc.SipDTMF) -> None:
        linked = self._agent.session.room_io.linked_participant
        if linked is None or key.participant is None or key.participant.identity != linked.identity:
            return
        if self._keypad.ignores(key.digit):
            return
        self._stop_waiting()
        if not self._keypad.pressed:
            self._hush()
        leg = self.model.call.session
        expects = leg.reply.expects if leg else None
        self._keypad.press(key.digit, expects.max_digits if expects else None)

    def _hush(self) -> None:
        """A key is a barge-in."""
        speech = self._agent.session.current_speech
        if speech is not None and speech.allow_interruptions:
            speech.interrupt()

    def _entered(self, digits: str) -> None:
        self._agent.session.generate_reply(user_input=keyed(digits))

    def _on_state(self, _: UserStateChangedEvent | AgentStateChangedEvent) -> None:
        """Whoever speaks stops the clock; it starts when both are silent."""
        self._stop_waiting()
        session = self._agent.session
        silent = session.agent_state == "listening" and session.user_state != "speaking"
        waits = self._listening and not self._keypad.pressed
        if silent and waits and self._noinput_timeout is not None:
            loop = asyncio.get_running_loop()
            self._silence = loop.call_later(self._noinput_timeout, self._heard_nothing)

    def _heard_nothing(self) -> None:
        session = self._agent.session
        if silences(self._agent.chat_ctx) >= MAX_NOINPUTS:
            goodbye = Reply(say=NOBODY_THERE, next="hang_up")
            self._replied(goodbye, session.say(goodbye.say))
        elif self.model.call.session is not None:
            session.generate_reply(user_input=silence())

    def _stop_waiting(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
