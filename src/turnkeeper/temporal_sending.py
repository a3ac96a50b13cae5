"""Sending to Temporal until there is an answer, and what its errors say of a session.

Inside a deadline a message is sent again, with the same id, after whatever may pass (no connection,
no worker, a server that restarts), with backoff and jitter. When the deadline is over the answer is
`StoreUnavailable`, which says nothing about the session; "not found" is only said when the server
itself says it.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio.client import (
    Client,
    RPCTimeoutOrCancelledError,
    WorkflowExecution,
    WorkflowExecutionStatus,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from turnkeeper.contract import ATTRIBUTE_STATUS, NOT_OPENED, SESSION_BUSY, SESSION_ENDING
from turnkeeper.errors import (
    InvalidInput,
    SessionClosed,
    SessionNotFound,
    StoreUnavailable,
    from_wire,
)
from turnkeeper.instruments import STORE_ERRORS, STORE_UNAVAILABLE
from turnkeeper.telemetry.metrics import count, failure_kind
from turnkeeper.telemetry.traces import without_baggage
from turnkeeper.visibility import attribute_of, lacks_namespace

T = TypeVar("T")

ATTEMPT_SECONDS = 4.0
"""How long one sending may hang before it is sent again: over two task time-outs."""
BACKOFF_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.0)

_ANSWERS = frozenset({RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT,
                      RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED})  # fmt: skip
"""What the server means; every other status is a fault on the way, and is tried again."""
_UNCONNECTED = "Failed client connect"
"""How the SDK begins its RuntimeError when a lazy client finds no server at its first call."""
_AGAIN = (SESSION_ENDING, SESSION_BUSY, "AcceptedUpdateCompletedWorkflow", "UnprocessedUpdate")
"""Ours, and the server's: an update that a worker which was busy with a query did not get to."""
_FAULTS = (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError, RPCTimeoutOrCancelledError)


class Sender:
    """Sends with one client.

    Args:
        client: the backend's.
        deadline: seconds that a message is tried for.
    """

    def __init__(self, client: Client, deadline: float) -> None:
        self._client = client
        self._deadline = deadline

    async def __call__(
        self,
        session_id: str,
        send: Callable[[], Awaitable[T]],
        *,
        begins: bool = False,
        closed_answers: bool = False,
    ) -> T:
        """Send until there is an answer or the deadline is over. What `begins` a session does so
        again where the one that it met is erased, or ends, before it answers."""
        clock, cancelled = asyncio.get_running_loop().time, _cancelled()
        give_up_at = clock() + self._deadline
        attempt, last = 0, None
        while (left := give_up_at - clock()) > 0:
            try:
                async with asyncio.timeout(min(left, ATTEMPT_SECONDS)):
                    with without_baggage():
                        return await send()
            except WorkflowUpdateFailedError as error:
                last = _failure(error)
            except WorkflowQueryFailedError as error:
                if NOT_OPENED in str(error):
                    raise SessionNotFound.of(session_id) from None
                last = error  # A worker that can't replay the session says nothing about it.
            except _FAULTS as error:
                if _cancelled() > cancelled:  # The SDK makes a cancellation an error of its own.
                    raise asyncio.CancelledError from error
                last = error
            except RPCError as error:
                gone = begins and _is_absent(error)
                last = error if gone else await self._meaning(session_id, error, closed_answers)
            except RuntimeError as error:
                if not str(error).startswith(_UNCONNECTED):
                    raise
                last = error
            count(STORE_ERRORS, kind=failure_kind(last))
            await asyncio.sleep(min(_pause(attempt), max(0.0, give_up_at - clock())))
            attempt += 1
        raise _unavailable(last, self._deadline) from last

    async def _meaning(self, session_id: str, error: RPCError, closed_answers: bool) -> Exception:
        """What a server's error says of a session; raises it when it says something final."""
        if error.status not in _ANSWERS:
            return error
        if error.status == RPCStatusCode.INVALID_ARGUMENT:
            raise InvalidInput(f"Temporal refused the message: {error.message}") from error
        if not _is_absent(error):
            raise _unavailable(error) from error
        execution = await self._describe(session_id)
        if execution is None:
            raise SessionNotFound.of(session_id) from None
        if execution.status == WorkflowExecutionStatus.RUNNING or closed_answers:
            return error  # Renewed, or closing, while the message was on its way.
        status = attribute_of(execution, ATTRIBUTE_STATUS) or "closed"
        raise SessionClosed(f"this session takes no more turns: it is {status}", status) from None

    async def _describe(self, session_id: str) -> WorkflowExecution | None:
        try:
            return await self._client.get_workflow_handle(session_id).describe()
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return None
            raise _unavailable(error) from error


def _failure(error: WorkflowUpdateFailedError) -> Exception:
    """What a session answered in place of a reply; only one that took nothing is worth a retry."""
    if is_worth_another(error):
        return error
    cause = error.cause
    if not isinstance(cause, ApplicationError):
        raise from_wire(None, f"the session failed the message: {type(cause).__name__}") from None
    raise from_wire(cause.type, cause.message, tuple(cause.details)) from None


def is_worth_another(error: WorkflowUpdateFailedError) -> bool:
    """Whether the message met a run that was ending (the next one has it), or was busy."""
    cause = error.cause
    return isinstance(cause, ApplicationError) and cause.type in _AGAIN


def _is_absent(error: RPCError) -> bool:
    """Whether what the server does not have is the session, and not all of its namespace."""
    return error.status == RPCStatusCode.NOT_FOUND and not lacks_namespace(error)


def _cancelled() -> int:
    """How often this task has been cancelled, and not by a time-out of ours."""
    task = asyncio.current_task()
    return task.cancelling() if task else 0


def _pause(attempt: int) -> float:
    """Seconds before the next attempt: backoff, with jitter so that callers do not march."""
    longest = BACKOFF_SECONDS[min(attempt, len(BACKOFF_SECONDS) - 1)]
    return longest * random.uniform(0.5, 1.0)


def _unavailable(error: Exception | None, deadline: float | None = None) -> StoreUnavailable:
    count(STORE_UNAVAILABLE)
    cause = f" ({_short(error)})" if error else ""
    within = f" within {deadline:g} s" if deadline else ""
    return StoreUnavailable(
        f"Temporal, or every worker, did not answer{within}{cause}; nothing is known of the "
        "session, and the same message can safely be sent again"
    )


def _short(error: Exception) -> str:
    if isinstance(error, RuntimeError):
        return "no connection"
    if isinstance(error, RPCError):
        return f"{error.status.name}: {error.message}"[:200]
    return type(error).__name__
