"""LiveKit Agents as a line: a caller of `DurableFormAgent`, in real sessions of LiveKit."""

import asyncio
from contextlib import AsyncExitStack

from livekit.agents.voice import SpeechHandle

from tests.adapters.livekit.calls import Call, call
from tests.channels.conformance import Unsupported
from tests.channels.stand import GatewayProcess
from turnkeeper.adapters.livekit import DurableFormAgent
from turnkeeper.client import VoiceSessions
from turnkeeper.settings import Settings

PATIENCE_SECONDS = 30


class LiveKitLine:
    """`tests.channels.conformance.Line` over the agent, which needs no gateway: each call has an
    `AgentSession` and a client of its own.

    A dropped call is left as it stands, its agent still there and its leg open, until `close`: the
    next call must not need the goodbye of the one before.
    """

    def __init__(self, address: str, settings: Settings) -> None:
        self._address, self._settings = address, settings
        self._calls: list[AsyncExitStack] = []
        self._sessions: VoiceSessions
        self._call: Call

    async def open(self, gateway: GatewayProcess, form: str, caller: str) -> str:
        held = AsyncExitStack()
        self._calls.append(held)
        connecting = VoiceSessions.connect(address=self._address, settings=self._settings)
        self._sessions = await held.enter_async_context(connecting)
        agent = DurableFormAgent(self._sessions, form, caller=caller, noinput_timeout=None)
        self._call = await held.enter_async_context(call(agent))
        return self._call.greeting

    async def say(self, words: str) -> str:
        return await self._call.say(words)

    async def again(self) -> str:
        """LiveKit sends the whole conversation for each reply: here with nothing new in it."""
        before = len(self._call.heard())
        await self._call.session.generate_reply()
        return " ".join(self._call.heard()[before:])

    async def amend(self, words: str) -> str:
        raise Unsupported("LiveKit's messages are final when they are answered: none is replaced")

    async def say_and_drop(self, words: str) -> None:
        """The session is closed with the turn on its way; what is being sent is waited for by the
        client, which is left too."""
        await self._sent(words)
        await self._calls[-1].aclose()

    async def barge_in(self, words: str, then: str) -> str:
        """The reply is cancelled before it is there."""
        speech = await self._sent(words)
        speech.interrupt()
        await speech
        return await self.say(then)

    async def drop(self) -> None:
        """Nobody tells the agent."""

    async def close(self) -> None:
        for held in reversed(self._calls):
            await held.aclose()

    async def _sent(self, words: str) -> SpeechHandle:
        """Say it; returns in the very moment in which the turn is on its way."""
        speech = self._call.session.generate_reply(user_input=words)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not self._sessions._sending:
                await asyncio.sleep(0)
        return speech
