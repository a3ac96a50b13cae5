"""How a worker joins Temporal: it waits for what may still come, and ends where waiting can't help.

An orchestrator starts workers beside the server, and before a namespace is made: both are waited
for, and said once. Who may not come in never may, until somebody changes a setting.
"""

import asyncio
import re
from collections.abc import Iterator

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from turnkeeper.connection import connect, target, target_namespace
from turnkeeper.errors import StoreUnavailable
from turnkeeper.settings import Settings
from turnkeeper.telemetry import logger
from turnkeeper.visibility import lacks_namespace
from worker.attributes import register_search_attributes

FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0
"""Seconds between two attempts; doubled each time."""

_HOPELESS = frozenset({RPCStatusCode.PERMISSION_DENIED.name, RPCStatusCode.UNAUTHENTICATED.name})
_STATUS = re.compile(r"Status \{ code: (\w+)")
"""Where the SDK's error (1.35) has the status of the call by which it looks at the server."""
_REASONS = {
    "ConnectionRefused": "nothing listens there",
    "dns error": "no such host is known",
    "ertificate": "the TLS certificate of one side is not accepted by the other",
    "InvalidContentType": "TLS is set, and the server does not speak it",
    "deadline": "no answer in time",
}
"""What a failed connection means, by what stands in the text of the SDK's error."""

_log = logger(__name__)


async def join(settings: Settings) -> tuple[Client, bool]:
    """A connected client, and whether sessions are searchable; waits for as long as it takes.

    Raises SettingsError, and StoreUnavailable where Temporal turns this worker away.
    """
    told = ""
    for wait in _waits():
        try:
            client = await connect(settings=settings)
            return client, await register_search_attributes(client)
        except (RuntimeError, RPCError) as error:  # RuntimeError: no connection at all
            status = _status(error)
            if status in _HOPELESS:
                raise _turned_away(status) from None
            if (reason := _reason(error, status)) != told:
                _tell(error, reason, settings)
                told = reason
        await asyncio.sleep(wait)
    raise AssertionError("waits never end")


def _waits() -> Iterator[float]:
    wait = FIRST_WAIT
    while True:
        yield wait
        wait = min(wait * 2, LONGEST_WAIT)


def _tell(error: RuntimeError | RPCError, reason: str, settings: Settings) -> None:
    namespace = target_namespace(settings=settings)
    if isinstance(error, RPCError) and lacks_namespace(error):
        _log.warning(
            "the server has no such namespace yet; trying again",
            address=target(),
            namespace=namespace,
            command=f"temporal operator namespace create --namespace {namespace} --retention 72h",
        )
        return
    _log.warning("Temporal is not there yet; trying again", address=target(), reason=reason)


def _turned_away(status: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"Temporal at {target()} turned this worker away ({status}): check the namespace and the"
        " API key or certificate of the TEMPORAL_* settings."
    )


def _status(error: RuntimeError | RPCError) -> str:
    """Of a call that the server answered, such as PERMISSION_DENIED; else nothing."""
    if isinstance(error, RPCError):
        return error.status.name
    found = _STATUS.search(str(error))
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", found[1]).upper() if found else ""


def _reason(error: RuntimeError | RPCError, status: str) -> str:
    known = (reason for sign, reason in _REASONS.items() if sign in str(error))
    return next(known, f"it answers {status}" if status else "the connection failed")
