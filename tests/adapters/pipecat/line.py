"""Pipecat as a line: a caller of `DurableFormProcessor`, in real pipelines."""

import asyncio
from contextlib import AsyncExitStack

from pipecat.frames.frames import LLMContextFrame
from pipecat.processors.aggregators.llm_context import LLMContext

from tests.adapters.pipecat.phone import PATIENCE, Phone
from tests.channels.conformance import Unsupported
from tests.channels.stand import GatewayProcess
from turnkeeper.adapters.pipecat import DurableFormProcessor
from turnkeeper.client import VoiceSessions
from turnkeeper.settings import Settings

HEARD_WORDS = 2


class PipecatLine:
    """`tests.channels.conformance.Line` over the processor, which needs no gateway: each call has a
    pipeline and a client of its own.

    A dropped call is left as it stands, its pipeline running and its leg open, until `close`: the
    next call must not need the goodbye of the one before.
    """

    def __init__(self, address: str, settings: Settings) -> None:
        self._address, self._settings = address, settings
        self._calls: list[AsyncExitStack] = []
        self._sessions: VoiceSessions
        self._phone: Phone

    async def open(self, gateway: GatewayProcess, form: str, caller: str) -> str:
        held = AsyncExitStack()
        self._calls.append(held)
        connecting = VoiceSessions.connect(address=self._address, settings=self._settings)
        self._sessions = await held.enter_async_context(connecting)
        agent = DurableFormProcessor(self._sessions, form, caller=caller)
        self._phone = await held.enter_async_context(Phone(agent))
        return await self._phone.ring()

    async def say(self, words: str) -> str:
        return await self._phone.says(words)

    async def again(self) -> str:
        """The conversation up to the caller's last words, for another answer to them."""
        messages = self._phone.context.get_messages()
        said = [isinstance(one, dict) and one["role"] == "user" for one in messages]
        upto = len(said) - said[::-1].index(True)
        await self._phone.worker.queue_frame(LLMContextFrame(LLMContext(messages[:upto])))
        return await self._phone.hears()

    async def amend(self, words: str) -> str:
        raise Unsupported("Pipecat has no other words for what was said, once its reply was heard")

    async def say_and_drop(self, words: str) -> None:
        """The pipeline is cancelled with the turn on its way."""
        await self._phone.speaks(words)
        async with asyncio.timeout(PATIENCE):
            while not self._sessions._sending:
                await asyncio.sleep(0)
        await self._calls[-1].aclose()

    async def barge_in(self, words: str, then: str) -> str:
        """In the middle of the reply: what is said before any of it was heard belongs to `words`,
        to Pipecat and to the adapter."""
        self._phone.voice.holds_on = HEARD_WORDS
        await self.say(words)
        self._phone.voice.holds_on = None
        return await self.say(then)

    async def drop(self) -> None:
        """Nobody tells the pipeline."""

    async def close(self) -> None:
        for held in reversed(self._calls):
            await held.aclose()
