"""One call as one leg of a form: opened once, fed from LiveKit's chat context, hung up.

It is where the promises are kept, and knows nothing of speech: `answer` may be cancelled at any
point and called again, and sends each user message once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from livekit.agents import llm

from turnkeeper.adapters.livekit.heard import Utterance, user_ids, utterances
from turnkeeper.adapters.livekit.refusals import refusal
from turnkeeper.client import VoiceSession, VoiceSessions
from turnkeeper.contract import Reply
from turnkeeper.errors import StoreUnavailable, TurnkeeperError
from turnkeeper.telemetry import logger

CHANNEL = "livekit"

_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Line:
    """Who is calling, and over what."""

    caller: str
    """A phone number or an id that is the same when the person comes back; see
    `turnkeeper.security.identity.normal_caller`."""
    transport_id: str = ""
    """LiveKit's own name for the call."""


FindLine: TypeAlias = Callable[[], Awaitable[Line]]


class FormCall:
    """A caller's form, on this call.

    Args:
        sessions: where the form lives.
        form: the form's id.
        line: who calls, or what finds it out when the call is opened.
    """

    def __init__(self, sessions: VoiceSessions, form: str, line: Line | FindLine) -> None:
        self.form = form
        self._sessions = sessions
        self._line = line
        self._session: VoiceSession | None = None
        self._sent: set[str] = set()
        self.refused: type[TurnkeeperError] | None = None
        """Why the newest turn, or the call, was refused; None when it was taken."""
        self._in_order = asyncio.Lock()

    @property
    def session(self) -> VoiceSession | None:
        """The leg; None before the call is opened."""
        return self._session

    async def open(self, chat_ctx: llm.ChatContext) -> Reply:
        """The greeting, or the welcome back. Opens the form the first time.

        What the caller said before it, to another agent or to nobody, is no answer to the form.

        Raises:
            StoreUnavailable: nothing is known; call it again.
        """
        async with self._in_order:
            return self._session.reply if self._session else await self._open(chat_ctx)

    async def answer(self, chat_ctx: llm.ChatContext) -> Reply:
        """The reply to the newest user message, after any before it that were not sent yet.

        On a call that is not open the reply is the greeting. With no new message it is the newest
        reply again. A refused turn gets a reply too, see `refusals`.

        Raises:
            StoreUnavailable: the messages may or may not be recorded; call it again.
        """
        async with self._in_order:
            if self._session is None:
                return await self._open(chat_ctx)
            reply = self._session.reply
            for utterance in utterances(chat_ctx):
                if utterance.id not in self._sent:
                    reply = await self._send(self._session, utterance)
            return reply

    async def hang_up(self) -> None:
        """The leg is over. A store that can't be reached keeps an open leg, which harms nobody."""
        if self._session is None:
            return
        try:
            await self._session.hang_up()
        except StoreUnavailable:
            _log.warning("a call's end could not be noted", form=self.form, leg=self._session.leg)

    async def _open(self, chat_ctx: llm.ChatContext) -> Reply:
        before = user_ids(chat_ctx)
        try:
            line = self._line if isinstance(self._line, Line) else await self._line()
            session = await self._sessions.open(
                self.form, line.caller, transport_id=line.transport_id, channel=CHANNEL
            )
        except StoreUnavailable:
            raise
        except TurnkeeperError as error:
            self.refused = type(error)
            _log.error("a call was not opened", form=self.form, error=self.refused.__name__)
            return refusal(error, Reply(say=""))
        self._session, self._sent = session, before
        return session.reply

    async def _send(self, session: VoiceSession, utterance: Utterance) -> Reply:
        """One turn. It counts as sent only when its reply is there."""
        self.refused = None
        try:
            reply = await session.turn(utterance.text, **utterance.content)
        except StoreUnavailable:
            raise
        except TurnkeeperError as error:
            self.refused = type(error)
            name = self.refused.__name__
            _log.warning("a turn was refused", form=self.form, leg=session.leg, error=name)
            reply = refusal(error, session.reply)
        self._sent.add(utterance.id)
        return reply
