"""What an erasure does to the world: each step can be cut short at any point, and done again."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from temporalio import activity
from temporalio.api.common.v1 import WorkflowExecution as Run
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import WorkflowExecutionDescription
from temporalio.service import RPCError, RPCStatusCode

from activities.contract import (
    CERTIFY_ERASURE,
    DELETE_RUNS,
    FIND_RUNS,
    SHRED_KEYS,
    Doomed,
    Found,
)
from turnkeeper.erasure import ErasureCertificate, ErasureOrder
from turnkeeper.settings import Settings
from turnkeeper.telemetry import logger
from turnkeeper.visibility import described, runs_query

if TYPE_CHECKING:
    from turnkeeper.security.certificates import Certificates
    from turnkeeper.security.key_store import KeyStore, SessionId

LISTED_WITHIN = timedelta(seconds=2)
"""How far Temporal's list may be behind what happened. (It is some milliseconds, when all is well.)
"""
LOOK_EVERY = 0.25
"""Seconds between two looks at whether Temporal has deleted a run."""

_KEY_ID = re.compile(rb"\x06key-id\x12\x20([0-9a-f]{32})")
"""An encrypted payload says so which key it takes: an entry of its metadata, as protobuf has it (6
and 32 are the lengths of what follows)."""

_log = logger(__name__)


class Eraser:
    """The activities of an erasure, for all tenants.

    Args:
        settings: say where the keys of sessions are, if they have any.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @activity.defn(name=FIND_RUNS)
    async def find_runs(self, order: ErasureOrder) -> Found:
        """What there is to erase now. Raises StoreUnavailable."""
        runs: list[str] = []
        newer = False
        async for run in _runs(order.session_id):
            activity.heartbeat()
            one_of_it = order.first_run_id in (None, run.raw_info.first_run_id)
            if one_of_it or await self._unreadable(run, order.due):
                runs.append(run.run_id)
            else:
                newer = True
        if self._keys is None:
            return Found(runs=tuple(runs), newer=newer, settles_in=LISTED_WITHIN)
        live = await self._keys.live(_session(order.session_id))
        return Found(
            runs=tuple(runs), keys=int(live is not None), newer=newer, settles_in=_learned_within()
        )

    async def _unreadable(self, run: WorkflowExecutionDescription, due: datetime | None) -> bool:
        """Whether a newer session got something under the key that this erasure shredded: from a
        process that had not learned of it yet. It can't go on; without it, the caller begins anew.

        Not the first event alone: any process that serves the session may be the one. But what
        closed before this erasure was due has nothing from after it, however many such runs are.
        """
        if self._keys is None or (due and run.close_time and run.close_time < due):
            return False
        handle = activity.client().get_workflow_handle(run.id, run_id=run.run_id)
        readable: set[bytes] = set()
        async for event in handle.fetch_history_events():
            activity.heartbeat()
            for key_id in set(_KEY_ID.findall(event.SerializeToString())) - readable:
                key = await self._keys.find(key_id.decode())
                if key is not None and key.wrapped is None:
                    return True
                readable.add(key_id)
        return False

    @activity.defn(name=SHRED_KEYS)
    async def shred_keys(self, session_id: str) -> int:
        """Destroys the session's key; how many there were. Raises StoreUnavailable."""
        return await self._keys.shred(_session(session_id)) if self._keys else 0

    @activity.defn(name=DELETE_RUNS)
    async def delete_runs(self, doomed: Doomed) -> None:
        """Deletes runs, and returns when Temporal neither has nor lists any of them.

        One that runs is deleted at once: nothing has to end it first. One that has just closed is
        after half a minute (measured), when the server's own queues have gone past its end.
        """
        for run_id in doomed.runs:
            activity.heartbeat()
            await _delete(doomed.session_id, run_id)
        while await _is_left(doomed):
            activity.heartbeat()
            await asyncio.sleep(LOOK_EVERY)
        _log.info("runs of a session were deleted", count=len(doomed.runs))

    @activity.defn(name=CERTIFY_ERASURE)
    async def certify_erasure(self, certificate: ErasureCertificate) -> None:
        """Keeps the certificate beside the keys. Raises StoreUnavailable.

        Where there are no keys, it is in the erasure's own result and nowhere else.
        """
        if self._certificates is not None:
            await self._certificates.add(certificate)

    # Opened when first needed: a worker without keys need not load the cryptography.

    @cached_property
    def _keys(self) -> "KeyStore | None":
        if self._settings.key_store is None:
            return None
        from turnkeeper.security.key_store import key_store

        return key_store(self._settings.key_store)

    @cached_property
    def _certificates(self) -> "Certificates | None":
        if self._settings.key_store is None:
            return None
        from turnkeeper.security.certificates import certificates

        return certificates(self._settings.key_store)


def _session(session_id: str) -> "SessionId":
    from turnkeeper.security.key_store import SessionId

    return SessionId(activity.client().namespace, session_id)


def _learned_within() -> timedelta:
    """Until every process that reaches its key store has learned of a shred."""
    from turnkeeper.security import keyring

    return timedelta(seconds=keyring.ASK_EVERY) + LISTED_WITHIN


async def _runs(session_id: str) -> AsyncIterator[WorkflowExecutionDescription]:
    """Every run of the id: one may be there and not listed yet, or listed and gone."""
    newest = await _described(session_id)
    if newest is not None:
        yield newest
    async for row in activity.client().list_workflows(runs_query(session_id)):
        if newest is None or row.run_id != newest.run_id:
            run = await _described(session_id, row.run_id)
            if run is not None:
                yield run


async def _described(
    session_id: str, run_id: str | None = None
) -> WorkflowExecutionDescription | None:
    return await described(activity.client(), session_id, run_id)


async def _delete(session_id: str, run_id: str) -> None:
    client = activity.client()
    request = DeleteWorkflowExecutionRequest(
        namespace=client.namespace,
        workflow_execution=Run(workflow_id=session_id, run_id=run_id),
    )
    try:
        await client.workflow_service.delete_workflow_execution(request)
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise


async def _is_left(doomed: Doomed) -> bool:
    """Whether Temporal still has or lists any of the runs."""
    for run_id in doomed.runs:
        activity.heartbeat()
        if await _described(doomed.session_id, run_id) is not None:
            return True
    listed = activity.client().list_workflows(runs_query(doomed.session_id))
    return any([row.run_id in doomed.runs async for row in listed])
