"""Sessions in Temporal: every message as an update, a signal or a query of one workflow.

Sending is persistent: inside a deadline a message is sent again, with the same id, after whatever
may pass (no connection, no worker, a server that restarts), with backoff and jitter. Ids make that
safe: the same update id is the same update. They are random, since they stand in history in clear:
which turn it is, is inside the message. When the deadline is over the answer is
`StoreUnavailable`, which says nothing about the session; "not found" is only said when the
server itself says it.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from temporalio.client import (
    Client,
    RPCTimeoutOrCancelledError,
    WithStartWorkflowOperation,
    WorkflowExecution,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import QueryRejectCondition, WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from turnkeeper.backend import DeliveryAttempts, SessionSummary, Sought
from turnkeeper.connection import require_namespace
from turnkeeper.contract import (
    ATTRIBUTE_STATUS,
    NOT_OPENED,
    SESSION_BUSY,
    SESSION_ENDING,
    WORKFLOW,
    Cancel,
    Connect,
    Disconnect,
    HandOff,
    Migrate,
    Opening,
    Outcome,
    Put,
    Reply,
    SessionState,
    Transcript,
    Turn,
)
from turnkeeper.dialogue.status import CLOSED
from turnkeeper.erasure import ErasureCertificate, ErasureOrder, Step
from turnkeeper.errors import (
    InvalidInput,
    SessionClosed,
    SessionNotFound,
    StoreUnavailable,
    from_wire,
)
from turnkeeper.export import ExportedSession
from turnkeeper.instruments import STORE_ERRORS, STORE_UNAVAILABLE
from turnkeeper.sending import token
from turnkeeper.telemetry.metrics import count, failure_kind
from turnkeeper.telemetry.traces import without_baggage
from turnkeeper.temporal_attempts import attempts_in
from turnkeeper.temporal_erasure import Erasures
from turnkeeper.temporal_keys import Keys
from turnkeeper.visibility import attribute_of, lacks_namespace, summary_of, visibility_query

T = TypeVar("T")

TASK_TIMEOUT = timedelta(seconds=2)
"""A worker killed inside a workflow task costs the caller this long, once (measured: 1.8 s)."""
ATTEMPT_SECONDS = 4.0
"""How long one sending may hang before it is sent again: over two task time-outs."""
SETTLING_SECONDS = 0.05
BACKOFF_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.0)

_ANSWERS = frozenset({RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT,
                      RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED})  # fmt: skip
"""What the server means; every other status is a fault on the way, and is tried again."""
_UNCONNECTED = "Failed client connect"
"""How the SDK begins its RuntimeError when a lazy client finds no server at its first call."""
_AGAIN = (SESSION_ENDING, SESSION_BUSY, "AcceptedUpdateCompletedWorkflow", "UnprocessedUpdate")
"""Ours, and the server's: an update that a worker which was busy with a query did not get to."""
_FAULTS = (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError, RPCTimeoutOrCancelledError)


class TemporalBackend:
    """The sessions of one namespace and task queue.

    Args:
        client: from `turnkeeper.connection.connect`.
        task_queue: the workers'.
        deadline: seconds that a message is tried for.
        key_store: the URL of the key store, where there is one: the certificates of erasures that
            Temporal has forgotten are there.
    """

    def __init__(
        self,
        client: Client,
        task_queue: str,
        deadline: float = 15.0,
        key_store: str | None = None,
    ) -> None:
        self._client = client
        self._task_queue = task_queue
        self._deadline = deadline
        self._keys = Keys(client)
        self._erasures = Erasures(client, task_queue, self._send, key_store)

    async def connect(self, session_id: str, opening: Opening, connect: Connect) -> Reply:
        sending, met_the_end = token(), 0

        async def send() -> Reply:
            nonlocal met_the_end
            await self._keys.make(session_id)
            start = self._start(session_id, opening)  # Good for one use: a new one a sending.
            started = asyncio.ensure_future(start.workflow_handle())
            started.add_done_callback(_retrieved)
            try:
                reply: Reply = await self._client.execute_update_with_start_workflow(
                    "connect",
                    connect,
                    id=f"connect.{sending}~{met_the_end}",
                    result_type=Reply,
                    start_workflow_operation=start,
                )
                return reply
            except WorkflowUpdateFailedError as error:
                met_the_end += _again(error)  # Under the same id, the run that ended would answer.
                raise
            finally:
                started.cancel()

        return await self._send(session_id, send, begins=True)

    def _start(
        self, session_id: str, opening: Opening
    ) -> WithStartWorkflowOperation[object, object]:
        return WithStartWorkflowOperation(
            WORKFLOW,
            opening,
            id=session_id,
            task_queue=self._task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            task_timeout=TASK_TIMEOUT,
            static_summary=opening.form,
        )

    async def turn(self, session_id: str, turn: Turn) -> Reply:
        try:
            return await self._update(session_id, "turn", turn, Reply)
        except SessionClosed:
            # It may have been this turn that ended the session, in a run that forgot its id.
            stored = await self.outcome(session_id, turn.update_id())
            if stored.reply is None:
                raise
            return stored.reply

    async def cancel(self, session_id: str, cancel: Cancel) -> Reply:
        return await self._update(session_id, "cancel", cancel, Reply)

    async def hand_off(self, session_id: str, hand_off: HandOff) -> Reply:
        return await self._update(session_id, "hand_off", hand_off, Reply)

    async def migrate(self, session_id: str, migrate: Migrate) -> SessionState:
        return await self._update(session_id, "migrate", migrate, SessionState)

    async def put(self, session_id: str, put: Put) -> SessionState:
        return await self._update(session_id, "put", put, SessionState)

    async def post_turn(self, session_id: str, turn: Turn) -> None:
        await self._signal(session_id, "post_turn", turn)

    async def disconnect(self, session_id: str, gone: Disconnect) -> None:
        await self._signal(session_id, "disconnect", gone)

    async def outcome(self, session_id: str, key: str) -> Outcome:
        return await self._query(session_id, "reply", Outcome, key)

    async def state(self, session_id: str) -> SessionState:
        try:
            return await self._query(
                session_id, "state", SessionState, reject=QueryRejectCondition.NOT_OPEN
            )
        except WorkflowQueryRejectedError:
            state = await self._query(session_id, "state", SessionState)
        # Terminated from outside: the session itself never learned of it.
        ended = state.status in CLOSED
        return state if ended else state.model_copy(update={"status": "cancelled"})

    async def transcript(self, session_id: str) -> Transcript:
        return await self._query(session_id, "transcript", Transcript)

    async def attempts(self, session_id: str) -> DeliveryAttempts | None:
        execution = await self._send(session_id, self._handle(session_id).describe)
        return await attempts_in(execution, self._client.data_converter)

    async def erase(
        self, order: ErasureOrder, on_step: Callable[[Step], None]
    ) -> ErasureCertificate:
        return await self._erasures.erase(order, on_step)

    async def begin_erasure(self, order: ErasureOrder) -> None:
        await self._erasures.begin(order)

    async def export(self, session_id: str, *, secrets: bool) -> tuple[ExportedSession, ...]:
        return await self._erasures.export(session_id, secrets=secrets)

    async def list(
        self, prefix: str, sought: Sought, *, limit: int | None, transport: str | None = None
    ) -> AsyncIterator[SessionSummary]:
        query = visibility_query(prefix, sought, transport)
        found = self._client.list_workflows(query, limit=limit)
        while execution := await self._send(prefix, lambda: anext(found, None)):
            yield summary_of(execution)

    async def count(self, prefix: str, sought: Sought, *, transport: str | None = None) -> int:
        query = visibility_query(prefix, sought, transport)
        return (await self._send(prefix, lambda: self._client.count_workflows(query))).count

    async def identity_key(self, tenant: str) -> bytes:
        return await self._keys.identity(tenant)

    async def require_reachable(self) -> None:
        await require_namespace(self._client)

    async def close(self) -> None:
        """The SDK closes a connection with its last client. Its threads are given a moment for
        their last callbacks: an interpreter that ends sooner is aborted by them (5 of 25 short
        scripts; 0 of 25 with this)."""
        await asyncio.sleep(SETTLING_SECONDS)

    # --- sending ----------------------------------------------------------------------------------

    def _handle(self, session_id: str) -> WorkflowHandle[object, object]:
        return self._client.get_workflow_handle(session_id)

    async def _update(self, session_id: str, name: str, message: object, result: type[T]) -> T:
        """Temporal answers an update id with its first outcome for good, be it a failure that is
        over or words that others of the utterance replaced since: so each sending has one of its
        own, for all of its attempts. It is the ledger that applies a message once."""
        update_id = f"{name}.{token()}"

        async def send() -> T:
            await self._keys.require(session_id)
            reply: T = await self._handle(session_id).execute_update(
                name, message, id=update_id, result_type=result
            )
            return reply

        return await self._send(session_id, send)

    async def _signal(self, session_id: str, name: str, message: object) -> None:
        async def send() -> None:
            await self._keys.require(session_id)
            await self._handle(session_id).signal(name, message)

        await self._send(session_id, send)

    async def _query(
        self,
        session_id: str,
        name: str,
        result: type[T],
        *arguments: object,
        reject: QueryRejectCondition | None = None,
    ) -> T:
        async def send() -> T:
            if arguments:
                await self._keys.require(session_id)
            answer: T = await self._handle(session_id).query(
                name, args=arguments, result_type=result, reject_condition=reject
            )
            return answer

        return await self._send(session_id, send, closed_answers=True)

    async def _send(
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
            return await self._handle(session_id).describe()
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return None
            raise _unavailable(error) from error


def _failure(error: WorkflowUpdateFailedError) -> Exception:
    """What a session answered in place of a reply; only one that took nothing is worth a retry."""
    if _again(error):
        return error
    cause = error.cause
    if not isinstance(cause, ApplicationError):
        raise from_wire(None, f"the session failed the message: {type(cause).__name__}") from None
    raise from_wire(cause.type, cause.message, tuple(cause.details)) from None


def _again(error: WorkflowUpdateFailedError) -> bool:
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


def _retrieved(started: "asyncio.Future[WorkflowHandle[object, object]]") -> None:
    """A failed start leaves its error in a future of its own, which nobody else would fetch."""
    if not started.cancelled():
        started.exception()
