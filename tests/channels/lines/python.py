"""The Python client itself, which the other channels are compared with."""

import asyncio
import contextlib

from tests.channels.stand import GatewayProcess
from turnkeeper.client import VoiceSession, VoiceSessions


class PythonLine:
    """Not through the gateway: `tests.channels.conformance.Line` over `VoiceSessions`."""

    def __init__(self, sessions: VoiceSessions) -> None:
        self._sessions = sessions
        self._session: VoiceSession | None = None
        self._utterance = 0
        self._words = ""

    async def open(self, gateway: GatewayProcess, form: str, caller: str) -> str:
        self._session = await self._sessions.open(form, caller, channel="python")
        return self._session.reply.say

    async def say(self, words: str) -> str:
        self._utterance += 1
        return await self.amend(words)

    async def again(self) -> str:
        return await self.amend(self._words)

    async def amend(self, words: str) -> str:
        self._words = words
        assert self._session is not None
        return (await self._session.turn(words, utterance_id=f"u{self._utterance}")).say

    async def say_and_drop(self, words: str) -> None:
        await self._cancelled(words)

    async def barge_in(self, words: str, then: str) -> str:
        await self._cancelled(words)
        return await self.say(then)

    async def drop(self) -> None:
        self._session = None

    async def close(self) -> None:
        """Nothing is held."""

    async def _cancelled(self, words: str) -> None:
        """As a voice framework cancels what it awaits."""
        sending = asyncio.ensure_future(self.say(words))
        await asyncio.sleep(0)
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sending
