"""What the tests of erasing share: what is gone is gone for everyone, and a wait for it."""

import asyncio
from collections.abc import Callable

import pytest

from tests.durable.conftest import World
from turnkeeper.client import VoiceSession, VoiceSessions
from turnkeeper.errors import SessionNotFound


async def assert_gone(world: World, sessions: VoiceSessions, session: VoiceSession) -> None:
    """It answers as one that never was, and Temporal has nothing of it."""
    never = await sessions.session_id("claim", "never-was")
    for call in (sessions.state, sessions.transcript, sessions.attempts, sessions.export):
        with pytest.raises(SessionNotFound) as of_none:
            await call(never)
        with pytest.raises(SessionNotFound) as of_erased:
            await call(session.id)
        assert str(of_erased.value) == str(of_none.value).replace(never, session.id)
    with pytest.raises(SessionNotFound):
        await session.turn("4321")
    assert session.id not in [row.session_id async for row in sessions.list()]
    assert await world.runs(session.id) == 0


async def condition(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.02)
