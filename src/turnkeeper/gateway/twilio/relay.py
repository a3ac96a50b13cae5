"""One socket of ConversationRelay: one leg of a caller's form.

Frames are read at any time and handled one after the other, so a call is a loop: listen for an
input, send it as a turn, speak the reply. Turns that were heard before the socket broke are sent
all the same; the next leg goes on from there.

The frames have no ids. An utterance's id is its number in the leg, and goes up when it was
answered: where the store could not say whether it has a turn, what the caller says next has the
same id, and so takes the place of that turn instead of answering the question after it.
"""

import asyncio
import json
import math
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import uuid4

from fastapi import APIRouter, WebSocket

from turnkeeper.client import VoiceSession
from turnkeeper.contract import Reply, SessionState
from turnkeeper.errors import (
    AccessError,
    InvalidInput,
    SessionClosed,
    StoreUnavailable,
    TooManyRequests,
    TurnkeeperError,
    Unauthenticated,
    UnknownForm,
)
from turnkeeper.gateway.doorway import Doorway
from turnkeeper.gateway.twilio import sentences
from turnkeeper.gateway.twilio.callers import caller_of
from turnkeeper.gateway.twilio.frames import (
    DEFAULT_LANGUAGE,
    End,
    Language,
    Setup,
    Text,
    relay_language,
)
from turnkeeper.gateway.twilio.listening import INTERDIGIT_TIMEOUT, TIMEOUT, Heard, Listening
from turnkeeper.gateway.twilio.platforms import Platforms
from turnkeeper.gateway.twilio.wire import INTERNAL_ERROR, REFUSED, Wire, now
from turnkeeper.gateway.twilio.words import ENDINGS, UNAVAILABLE, Words, closed, words_of
from turnkeeper.telemetry import logger

SETUP_SECONDS = 10.0
"""For the first frame of a socket, which the platforms send at once."""
HOLD_SECONDS = 2.5
"""Silence that a caller takes for a working line. A killed worker costs one or two (measured)."""
RETRY_SECONDS = 0.5
MAX_SILENCES = 3
"""Noinputs in a row that are answered by asking again; after the next the call ends."""
GRACE_SECONDS = 0.7
"""From the end of the last words to `end`, which cuts off: speech pauses between sentences."""
END_SECONDS = 5.0
"""For the platform to close the socket once it was told to end."""
LONGEST_SECONDS = 86_400.0
"""Of a time in the TwiML: more than any wait in a call. An event loop takes no endless one."""

T = TypeVar("T")
_log = logger(__name__)


def add_routes(router: APIRouter, platforms: Platforms) -> None:
    @router.websocket("/relay")
    async def relay(socket: WebSocket) -> None:
        try:
            door = await platforms.socket(socket)
        except Unauthenticated as error:
            _log.warning("a socket was refused", reason=str(error))
            await socket.close()  # Before it is accepted: 403.
            return
        await socket.accept()
        wire = Wire(socket)
        async with wire.reading():
            known = await _known(wire, platforms, socket, door)
            if known is not None:
                await _counted(wire, *known)


async def _known(
    wire: Wire, platforms: Platforms, socket: WebSocket, door: Doorway | None
) -> tuple[Doorway, Setup] | None:
    """Whose call it is, and its first frame; None for one that is not taken. `door` is what the
    handshake said."""
    try:
        with platforms.waiting(socket, door):
            setup = await _setup(wire)
            if setup is None:
                return None
            return door or await platforms.ticket(socket, setup.custom_parameters or {}), setup
    except TooManyRequests as error:
        _log.warning("a call is over a limit and is connected again", reason=str(error))
        wire.code = INTERNAL_ERROR
    except AccessError:
        wire.code = REFUSED
    except StoreUnavailable:
        _log.warning("a socket's ticket cannot be read now; the call is connected again")
        wire.code = INTERNAL_ERROR
    return None


async def _counted(wire: Wire, door: Doorway, setup: Setup) -> None:
    """The call, as one of the tenant's streams, if there may be one more."""
    try:
        door.limits.require_stream(door.principal)
    except TooManyRequests as error:
        _log.warning("a call is over a limit and is connected again", reason=str(error))
        wire.code = INTERNAL_ERROR
        return
    with door.limits.streaming(door.principal):
        await Call(wire, door, setup).run()


async def _setup(wire: Wire) -> Setup | None:
    try:
        first = await wire.next(now() + SETUP_SECONDS)
    except TimeoutError:
        first = None
    if first is not None and isinstance(first[0], Setup):
        return first[0]
    _log.warning("a socket began without a setup frame and was closed: it is no ConversationRelay")
    return None


class Call:
    """One socket, from its setup frame to its end."""

    def __init__(self, wire: Wire, doorway: Doorway, setup: Setup) -> None:
        self._wire = wire
        self._doorway = doorway
        self._sessions = doorway.sessions
        self._feeds = doorway.feeds
        self._setup = setup
        parameters = setup.custom_parameters or {}
        self._form = parameters.get("form", "")
        self._language = parameters.get("language") or DEFAULT_LANGUAGE
        self._listening = Listening(
            _seconds(parameters.get("timeout"), TIMEOUT),
            _seconds(parameters.get("interdigittimeout"), INTERDIGIT_TIMEOUT),
        )
        self._utterance = 1
        self._unanswered: Heard | None = None
        """The newest turn, if nobody knows whether the store has it."""
        self._silences = 0

    async def run(self) -> None:
        """Returns when the call has left this socket. The form stays as it is."""
        session: VoiceSession | None = None
        reason = "socket_closed"
        try:
            session, words = await self._open()
            while session is not None and words.ending is None:
                await self._speak(words)
                heard = self._listening.ask(words.expects) or await self._heard()
                if heard is None:
                    return
                words = await self._answer(session, heard)
            await self._end(words)
            reason = (words.ending or {}).get("reason", reason)
        finally:
            await self._leave(session, reason)

    # --- open, turns, leave -----------------------------------------------------------------------

    async def _open(self) -> tuple[VoiceSession | None, Words]:
        """A new leg of the caller's form, or words to end with."""
        leg = uuid4().hex
        try:
            session = await self._patiently(
                lambda: self._doorway.open(
                    self._form,
                    self._caller(),
                    transport_id=self._setup.call_sid,
                    channel=self._setup.channel,
                    connect_id=leg,
                )
            )
        except StoreUnavailable:
            _log.error("a call could not be opened: the store cannot be reached", form=self._form)
            return None, UNAVAILABLE
        except (UnknownForm, InvalidInput) as error:
            _log.error("a call was for no form that a worker has", error=type(error).__name__)
            return None, ENDINGS[UnknownForm]
        except TurnkeeperError as error:
            _log.error("a call could not be opened", error=type(error).__name__, form=self._form)
            return None, UNAVAILABLE
        _log.info("a call has begun", form=self._form, leg=session.leg)
        return session, words_of(session.reply)

    def _caller(self) -> str | None:
        """Whose form it is; None: the ticket says so, for one that a signed webhook told of."""
        setup = self._setup
        if self._doorway.principal.caller is not None:
            return None
        return caller_of(
            setup.caller or "",
            setup.to or "",
            setup.direction or "",
            setup.call_sid,
            self._sessions.settings.region,
        )

    async def _answer(self, session: VoiceSession, heard: Heard) -> Words:
        """The words that an input leads to."""
        if heard.event == "noinput":
            if self._silences >= MAX_SILENCES:
                return Words(sentences.STILL_SILENT, ending={"reason": "noinput"})
            self._silences += 1
            heard = self._unanswered or heard
        else:
            self._silences = 0
        try:
            await self._patiently(lambda: self._doorway.limits.request(self._doorway.principal))
            reply = await self._patiently(lambda: self._turn(session, heard))
        except TurnkeeperError as error:
            return await self._after(error, session, heard)
        self._utterance += 1
        self._unanswered = None
        return words_of(reply)

    async def _turn(self, session: VoiceSession, heard: Heard) -> Reply:
        reply = await session.turn(
            heard.text,
            dtmf=heard.dtmf,
            event=heard.event,
            said=heard.said,
            utterance_id=f"u{self._utterance}",
        )
        self._feeds.changed(session.id)
        return reply

    async def _after(self, error: TurnkeeperError, session: VoiceSession, heard: Heard) -> Words:
        """The words after a turn that was not answered."""
        _log.warning("a turn was not answered", leg=session.leg, error=type(error).__name__)
        if type(error) in ENDINGS:
            return ENDINGS[type(error)]
        if isinstance(error, SessionClosed):
            return closed(error, await self._state(session), self._language)
        question = words_of(session.reply)
        if isinstance(error, StoreUnavailable):
            self._unanswered = heard
            self._wire.forget()  # What was said meanwhile is asked for again with the rest.
            return Words(f"{sentences.SAY_AGAIN} {question.text}", question.expects)
        return Words(f"{sentences.SORRY} {question.text}", question.expects)

    async def _state(self, session: VoiceSession) -> SessionState | None:
        """What the session holds, if that can be known."""
        try:
            return await self._patiently(session.state)
        except TurnkeeperError as error:
            _log.warning("a session could not be read", error=type(error).__name__)
            return None

    async def _leave(self, session: VoiceSession | None, reason: str) -> None:
        if session is None:
            return
        _log.info("a call has left", form=self._form, leg=session.leg, reason=reason)
        try:
            await session.hang_up(reason)
        except TurnkeeperError as error:
            _log.warning("the end of a leg was not noted", error=type(error).__name__)

    async def _patiently(self, send: Callable[[], Awaitable[T]]) -> T:
        """Send until the deadline of a turn; a caller who waits for long hears that we are here.

        Raises whatever `send` does, StoreUnavailable and TooManyRequests only after the deadline.
        """
        holding = asyncio.ensure_future(self._hold())
        give_up_at = now() + self._sessions.settings.turn_deadline
        try:
            while True:
                try:
                    return await send()
                except (StoreUnavailable, TooManyRequests):
                    if now() + RETRY_SECONDS >= give_up_at:
                        raise
                await asyncio.sleep(RETRY_SECONDS)
        finally:
            holding.cancel()

    async def _hold(self) -> None:
        await asyncio.sleep(HOLD_SECONDS)
        await self._wire.send(Text(token=sentences.ONE_MOMENT))

    # --- speak and listen -------------------------------------------------------------------------

    async def _speak(self, words: Words) -> None:
        """Send words to be spoken, in the form's language."""
        language = relay_language(words.expects.language) if words.expects else self._language
        if language != self._language:
            self._language = language
            await self._wire.send(Language(tts_language=language, transcription_language=language))
        if words.text:
            await self._wire.send(Text(token=words.text))
        self._listening.spoke(words.text, now())

    async def _heard(self) -> Heard | None:
        """The caller's next input; None when the socket is closed."""
        while True:
            try:
                arrived = await self._wire.next(self._listening.deadline())
            except TimeoutError:
                return self._listening.overdue()
            if arrived is None:
                return None
            if heard := self._listening.hear(*arrived):
                return heard

    async def _end(self, words: Words) -> None:
        """Speak the last words, and end the session when they were heard."""
        await self._speak(words)
        if words.text:
            await self._spoken()
        await self._wire.send(End(handoff_data=json.dumps(words.ending)))
        try:
            while await self._wire.next(now() + END_SECONDS) is not None:
                pass  # The platform closes the socket; what is said until then is to nobody.
        except TimeoutError:
            _log.warning("the platform did not close a socket that was ended")

    async def _spoken(self) -> None:
        """Return when the platform has spoken what it was sent, or is gone."""
        while True:
            try:
                arrived = await self._wire.next(self._listening.playback.ends + GRACE_SECONDS)
            except TimeoutError:
                return
            if arrived is None:
                return
            self._listening.hear(*arrived)


def _seconds(text: str | None, default: float) -> float:
    """A time of the TwiML; ours was checked, somebody's own may be no number, or no time."""
    try:
        seconds = float(text) if text else default
    except ValueError:
        seconds = math.nan
    if 0 <= seconds <= LONGEST_SECONDS:
        return seconds
    _log.warning("a time in the TwiML is no number of seconds up to a day; the default stands")
    return default
