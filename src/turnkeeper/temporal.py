"""Sessions in Temporal: every message as an update, a signal or a query of one workflow.

Each is sent until there is an answer (`turnkeeper.temporal_sending`). Ids make that safe: the same
update id is the same update. They are random, since they stand in history in clear: which turn it
is, is inside the message.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import TypeVar

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowHandle,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
)
from temporalio.common import QueryRejectCondition, WorkflowIDConflictPolicy

from turnkeeper.backend import DeliveryAttempts, SessionSummary, Sought
from turnkeeper.connection import require_namespace
from turnkeeper.contract import (
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
from turnkeeper.errors import SessionClosed
from turnkeeper.export import ExportedSession
from turnkeeper.sending import token
from turnkeeper.temporal_attempts import attempts_in
from turnkeeper.temporal_erasure import Erasures
from turnkeeper.temporal_keys import Keys
from turnkeeper.temporal_list import Listing
from turnkeeper.temporal_sending import Sender, is_worth_another

T = TypeVar("T")

TASK_TIMEOUT = timedelta(seconds=2)
"""A worker killed inside a workflow task costs the caller this long, once (measured: 1.8 s)."""
SETTLING_SECONDS = 0.05


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
        self._send = Sender(client, deadline)
        self._keys = Keys(client)
        self._listing = Listing(client, self._send)
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
                # Under the same id, the run that ended would answer.
                met_the_end += is_worth_another(error)
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
        async for summary in self._listing.find(prefix, sought, limit, transport):
            yield summary

    async def count(self, prefix: str, sought: Sought, *, transport: str | None = None) -> int:
        return await self._listing.count(prefix, sought, transport)

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


def _retrieved(started: "asyncio.Future[WorkflowHandle[object, object]]") -> None:
    """A failed start leaves its error in a future of its own, which nobody else would fetch."""
    if not started.cancelled():
        started.exception()
