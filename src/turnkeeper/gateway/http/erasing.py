"""Erasing over HTTP: a request waits for a while, and the next of its kind for the rest."""

import asyncio
from typing import Literal

from pydantic import BaseModel, ConfigDict

from turnkeeper.client import VoiceSessions
from turnkeeper.erasure import ErasureCertificate

WAIT_SECONDS = 10.0
"""How long a request waits for the certificate: well under what proxies and clients give it."""
RETRY_AFTER_SECONDS = 5


class Erasing(BaseModel):
    """An erasure goes on, whatever becomes of who asked for it."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    status: Literal["erasing"] = "erasing"
    """Send the same request again for the certificate."""


async def erase(
    sessions: VoiceSessions, session_id: str, wait: float = WAIT_SECONDS
) -> ErasureCertificate | None:
    """The certificate; None if the erasure takes longer than that.

    Raises SessionNotFound, StoreUnavailable.
    """
    try:
        async with asyncio.timeout(wait):
            return await sessions.erase(session_id)
    except TimeoutError:
        return None
