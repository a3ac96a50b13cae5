"""A client's side of an erasure: it is started, watched, and its certificate fetched.

The erasure itself is a workflow, which workers carry out whether or not anybody waits for it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
)
from temporalio.common import WorkflowIDConflictPolicy

from turnkeeper.contract import WORKFLOW
from turnkeeper.erasure import ERASURE, STEP, ErasureCertificate, ErasureOrder, Step, erasure_id
from turnkeeper.errors import SessionNotFound, StoreUnavailable
from turnkeeper.export import ExportedSession
from turnkeeper.temporal_sending import Sender
from turnkeeper.visibility import NOT_RENEWED, described, runs_query

LOOK_EVERY = 0.25
"""Seconds between two looks at how far an erasure is."""

_RUNNING, _COMPLETED = WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.COMPLETED


class _Begun(NamedTuple):
    """An erasure that is under way; or one that is over, and its certificate where that is kept."""

    seen: str | None = None
    """The newest run that it is to delete; None when there was none left."""
    certificate: ErasureCertificate | None = None


class Erasures:
    """The erasures of sessions in one namespace.

    Args:
        client: the backend's.
        task_queue: the workers'.
        send: the backend's.
        key_store: the URL of the database with the certificates; None where there is none.
    """

    def __init__(
        self, client: Client, task_queue: str, send: Sender, key_store: str | None = None
    ) -> None:
        self._client = client
        self._task_queue = task_queue
        self._send = send
        self._key_store = key_store

    async def erase(
        self, order: ErasureOrder, on_step: Callable[[Step], None]
    ) -> ErasureCertificate:
        """Starts the erasure, or joins the one that is under way, and waits for its end.

        Raises:
            SessionNotFound: there is no such session, and no erasure of one that Temporal knows.
            StoreUnavailable: Temporal, or every worker, does not answer; the erasure goes on when
                it does, and the same call again waits for it.
        """
        while True:
            seen, certificate = await self._begin(order)
            if certificate is None:
                certificate = await self._ended(erasure_id(order.session_id), on_step)
            # One that was nearly done may have overlooked a session that had just begun.
            if seen is None or not await self._described(order.session_id, seen):
                return certificate

    async def begin(self, order: ErasureOrder) -> None:
        """The same, without waiting."""
        await self._begin(order)

    async def export(self, session_id: str, *, secrets: bool) -> tuple[ExportedSession, ...]:
        """Every session of the id, the newest first. Raises SessionNotFound, StoreUnavailable."""
        runs = [run async for run in self._sessions(session_id)]
        if not runs:
            raise SessionNotFound.of(session_id)
        return tuple(
            await asyncio.gather(*(self._exported(session_id, run, secrets) for run in runs))
        )

    # --- erasing ----------------------------------------------------------------------------------

    async def _begin(self, order: ErasureOrder) -> _Begun:
        """Starts the erasure, unless one is under way or has found all that there was."""
        seen = await anext(self._sessions(order.session_id), None)
        if seen is None and (begun := await self._begun(order.session_id)) is not None:
            return begun
        await self._send(order.session_id, lambda: self._start(order))
        return _Begun(seen)

    async def _begun(self, session_id: str) -> _Begun | None:
        """The erasure of what has no run any more; None where there is something left for one."""
        before = await self._described(erasure_id(session_id))
        status = before.status if before is not None else None
        if status == _RUNNING:
            return _Begun()
        certificate = await self._certificate(session_id)
        if await self._key_is_left(session_id):
            return None
        if certificate is not None:
            return _Begun(certificate=certificate)
        if status == _COMPLETED:
            return _Begun()
        if status is None:
            raise SessionNotFound.of(session_id)
        return None

    async def _start(self, order: ErasureOrder) -> None:
        await self._client.start_workflow(
            ERASURE,
            order,
            id=erasure_id(order.session_id),
            task_queue=self._task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary="a session that somebody asked to have erased",
        )

    async def _ended(self, workflow_id: str, on_step: Callable[[Step], None]) -> ErasureCertificate:
        handle = self._client.get_workflow_handle(workflow_id)
        while (running := await self._described(workflow_id)) and running.status == _RUNNING:
            # Asked of a worker: where there is none, nobody waits for what can't go on.
            on_step(await self._send(workflow_id, lambda: handle.query(STEP)))
            await asyncio.sleep(LOOK_EVERY)
        if running is None or running.status != _COMPLETED:
            raise StoreUnavailable(
                "the erasure was ended from outside; ask for it again to have it finished"
            )
        ended = self._client.get_workflow_handle(workflow_id, result_type=ErasureCertificate)
        return await self._send(workflow_id, ended.result)

    async def _certificate(self, session_id: str) -> ErasureCertificate | None:
        if self._key_store is None:
            return None
        # Here and not at the top: who has no keys need not load what reads them.
        from turnkeeper.security.certificates import certificates
        from turnkeeper.security.key_store import SessionId

        session = SessionId(self._client.namespace, session_id)
        return await certificates(self._key_store).newest(session)

    async def _key_is_left(self, session_id: str) -> bool:
        """Whether the id has a key, though Temporal has none of its runs: its retention was first,
        somebody deleted them there, or an older key store was put back."""
        if self._key_store is None:
            return False
        from turnkeeper.security.key_store import SessionId, key_store

        key = await key_store(self._key_store).live(SessionId(self._client.namespace, session_id))
        return key is not None

    # --- runs -------------------------------------------------------------------------------------

    async def _sessions(self, session_id: str) -> AsyncIterator[str]:
        """The last run of each session of the id, the newest first: that has all of it."""
        newest = await self._described(session_id)
        if newest is not None:  # It may not be listed yet.
            yield newest.run_id
        query = f"{runs_query(session_id)} AND WorkflowType = '{WORKFLOW}' AND {NOT_RENEWED}"
        found = self._client.list_workflows(query)
        while row := await self._send(session_id, lambda: anext(found, None)):
            if newest is None or row.run_id != newest.run_id:
                yield row.run_id

    async def _exported(self, session_id: str, run_id: str, secrets: bool) -> ExportedSession:
        handle = self._client.get_workflow_handle(session_id, run_id=run_id)

        async def send() -> ExportedSession:
            answer: ExportedSession = await handle.query(
                "export", secrets, result_type=ExportedSession
            )
            return answer

        return await self._send(session_id, send)

    async def _described(
        self, workflow_id: str, run_id: str | None = None
    ) -> WorkflowExecutionDescription | None:
        return await self._send(workflow_id, lambda: described(self._client, workflow_id, run_id))
