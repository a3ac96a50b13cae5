"""Sessions behave the same wherever they live: in Temporal, and in memory for agents' own tests."""

import pytest_asyncio

from turnkeeper.client import VoiceSessions


@pytest_asyncio.fixture(loop_scope="session")
async def sessions(anywhere: VoiceSessions) -> VoiceSessions:
    return anywhere
