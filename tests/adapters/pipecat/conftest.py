"""Where Pipecat is not installed, these tests skip; `scripts/adapters` has environments for it."""

import warnings
from collections.abc import AsyncIterator
from importlib import import_module
from importlib.util import find_spec

import pytest_asyncio

from turnkeeper.testing import MemorySessions

if find_spec("pipecat"):
    with warnings.catch_warnings():  # Pipecat uses audioop, which Python 3.11 warns of.
        warnings.simplefilter("ignore", DeprecationWarning)
        import_module("pipecat.audio.utils")


@pytest_asyncio.fixture(loop_scope="session")
async def memory() -> AsyncIterator[MemorySessions]:
    from tests.adapters.pipecat.phone import CLAIM  # Imports Pipecat.

    async with MemorySessions([CLAIM]) as sessions:
        yield sessions
