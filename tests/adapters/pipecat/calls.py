"""What the tests of the form in the language model's place share."""

import asyncio

from tests.adapters.pipecat.phone import CALLER, CLAIM
from turnkeeper.adapters.pipecat import DurableFormProcessor
from turnkeeper.client import VoiceSessions
from turnkeeper.contract import Reply, SessionState, Turn
from turnkeeper.settings import read_settings
from turnkeeper.testing import Clock, MemoryBackend

THEFT = "Was anything stolen?"
STORY = "What happened?"


class HeldBackend(MemoryBackend):
    """Takes a turn only when `free` is set."""

    def __init__(self) -> None:
        super().__init__([CLAIM], Clock(), read_settings())
        self.free = asyncio.Event()
        self.asked = 0

    async def turn(self, session_id: str, turn: Turn) -> Reply:
        self.asked += 1
        await self.free.wait()
        return await super().turn(session_id, turn)


def agent(sessions: VoiceSessions) -> DurableFormProcessor:
    return DurableFormProcessor(
        sessions, "claim", caller=CALLER, transport_id="CA81", interdigit_timeout=0.2
    )


async def state_of(sessions: VoiceSessions) -> SessionState:
    return await sessions.state(await sessions.session_id("claim", CALLER))
