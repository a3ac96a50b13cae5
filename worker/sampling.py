"""How many sessions there are, for the metrics: asked of Temporal's list every half a minute.

Each worker asks, so that it is known while one runs: take the maximum of theirs, not the sum.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from temporalio.client import Client, RPCTimeoutOrCancelledError, WorkflowQueryFailedError
from temporalio.service import RPCError

from turnkeeper.contract import ATTRIBUTE_STATUS, WORKFLOW, SessionState
from turnkeeper.dialogue.status import CLOSED, MOVES
from turnkeeper.instruments import OLDEST_DELIVERY, OPEN_SESSIONS, STALE_SESSIONS
from turnkeeper.telemetry import logger
from turnkeeper.telemetry.metrics import count, counts

SAMPLE_SECONDS = 30.0
STALE_AFTER = timedelta(days=1)
LISTED, ASKED = 200, 3
"""Of the forms that wait for their receiver: so many are listed, and of these so many that began
first are asked since when. With more of them waiting, the age is a lower bound."""
QUERY_TIMEOUT = timedelta(seconds=5)

_RUNS = f"WorkflowType = '{WORKFLOW}' AND ExecutionStatus = 'Running'"
_OPEN = tuple(status for status in MOVES if status not in CLOSED)
_FAILURES = (RPCError, RPCTimeoutOrCancelledError, WorkflowQueryFailedError)

_log = logger(__name__)


@asynccontextmanager
async def sampled(client: Client, task_queue: str) -> AsyncIterator[None]:
    """Samples while the block runs, where anybody gets this process's metrics."""
    sampling = asyncio.ensure_future(_keep_sampling(client, task_queue)) if counts() else None
    try:
        yield
    finally:
        if sampling is not None:
            sampling.cancel()
            await asyncio.wait([sampling])


async def _keep_sampling(client: Client, task_queue: str) -> None:
    while True:
        try:
            await sample(client, task_queue)
        except _FAILURES as error:
            _log.warning("sessions could not be counted", error=type(error).__name__)
        await asyncio.sleep(SAMPLE_SECONDS)


async def sample(client: Client, task_queue: str) -> None:
    """Counts once. Raises RPCError where Temporal does not answer or the namespace has no search
    attributes."""
    runs = f"{_RUNS} AND TaskQueue = '{task_queue}'"
    for status in _OPEN:
        found = await client.count_workflows(f"{runs} AND {ATTRIBUTE_STATUS} = '{status}'")
        count(OPEN_SESSIONS, found.count, status=status)
    began_before = (datetime.now(UTC) - STALE_AFTER).isoformat()
    waiting = f"{ATTRIBUTE_STATUS} IN ('collecting', 'confirming')"
    stale = await client.count_workflows(f"{runs} AND {waiting} AND StartTime < '{began_before}'")
    count(STALE_SESSIONS, stale.count)
    count(OLDEST_DELIVERY, await _oldest_delivery(client, runs))


async def _oldest_delivery(client: Client, runs: str) -> float:
    """Seconds since the first of the forms that wait for their receiver was submitted."""
    query = f"{runs} AND {ATTRIBUTE_STATUS} = 'submitting'"
    found = [row async for row in client.list_workflows(query, limit=LISTED)]
    oldest = sorted(found, key=lambda row: row.start_time)[:ASKED]
    ages = [await _waiting(client, row.id) for row in oldest]
    return max(ages, default=0.0)


async def _waiting(client: Client, session_id: str) -> float:
    state: SessionState = await client.get_workflow_handle(session_id).query(
        "state", result_type=SessionState, rpc_timeout=QUERY_TIMEOUT
    )
    if state.delivery is None or state.delivery.state != "pending":
        return 0.0
    return (datetime.now(UTC) - state.delivery.since).total_seconds()
