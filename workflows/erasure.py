"""Erasing a session: keys, runs, and a certificate. Whatever dies meanwhile, it is finished later.

It goes in rounds: find what there is, shred the keys, delete the runs. Other processes learn of a
shred a little later (`turnkeeper.security.keyring`), and the caller may ring meanwhile: so rounds
follow each other, with time to settle between, until one finds nothing more. The last of them sees
to a key that was made between shred and deletion, too.
"""

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.contract import (
    CERTIFY_ERASURE,
    DELETE_RUNS,
    FIND_RUNS,
    SHRED_KEYS,
    Doomed,
    Found,
)
from turnkeeper.erasure import ERASURE, STEP, ErasureCertificate, ErasureOrder, Step

CLOSING = timedelta(seconds=5)
"""A session orders its own erasure as the last thing it does: it is let finish."""
RETRIES = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2,
    maximum_interval=timedelta(seconds=30),
)
"""For ever: what was ordered to be erased is erased."""
ATTEMPT_TIMEOUT = timedelta(seconds=10)
LONG_TIMEOUT = timedelta(minutes=10)
"""For what has as much to do as there are runs."""
HEARTBEAT_TIMEOUT = timedelta(seconds=3)
"""A worker killed while it waits for Temporal to delete costs the erasure this long."""


@workflow.defn(name=ERASURE)
class Erasure:
    """One order, from its due time to its certificate. Nothing in its history is personal."""

    @workflow.init
    def __init__(self, order: ErasureOrder) -> None:
        self._order = order
        self._step: Step = "waiting"
        self._runs: set[str] = set()
        self._keys = 0
        self._key_alone = False
        self._settling = timedelta()

    @workflow.run
    async def run(self, order: ErasureOrder) -> ErasureCertificate:
        """The certificate."""
        if order.due is not None:
            await self._until(order.due)
        begun_at = order.due or workflow.info().start_time
        while await self._round():
            self._step = "settling"
            await workflow.sleep(self._settling, summary="until every process forgot the key")
        return await self._certified(begun_at)

    @workflow.signal(description="Move to the current build now, and not when the time has come")
    async def upgrade(self) -> None:
        """Wakes the erasure: whenever it is awake, it looks whether another build is current."""

    @workflow.query(name=STEP, description="What the erasure does at the moment")
    def step(self) -> Step:
        return self._step

    async def _until(self, due: datetime) -> None:
        """A build that is no longer current is not kept for the month that this may take."""
        try:
            await workflow.wait_condition(
                workflow.info().is_target_worker_deployment_version_changed,
                timeout=max(due - workflow.now(), CLOSING),
            )
        except TimeoutError:
            return
        workflow.continue_as_new(
            self._order,
            initial_versioning_behavior=workflow.ContinueAsNewVersioningBehavior.AUTO_UPGRADE,
        )

    async def _round(self) -> bool:
        """Whether there was anything to erase.

        That is a key without a run as well, once: where Temporal's own retention was first; and
        where a process made a key between shred and deletion, and the session went on under it, so
        that backups hold it. Alone a second time, a key has encrypted nothing that is kept: a
        client of an earlier release has made it, which spoke to a session that is gone.
        """
        found = await self._found()
        alone = not found.runs
        if alone and (found.newer or not found.keys or self._key_alone):
            return False
        self._key_alone = alone
        self._step = "shredding"
        self._settling = found.settles_in
        # A session has one key at a time. An attempt that was cut short may have shredded it before
        # the next one finds none to shred; and one may be made between finding and shredding.
        keys = 0 if found.newer else max(found.keys, await self._shredded())
        self._keys += keys
        if found.runs:
            self._step = "deleting"
            await self._deleted(found.runs)
            self._runs.update(found.runs)
        return True

    async def _found(self) -> Found:
        found: Found = await workflow.execute_activity(
            FIND_RUNS,
            self._order,
            summary="what there is of the session",
            result_type=Found,
            start_to_close_timeout=LONG_TIMEOUT,
            heartbeat_timeout=ATTEMPT_TIMEOUT,
            retry_policy=RETRIES,
        )
        return found

    async def _shredded(self) -> int:
        shredded: int = await workflow.execute_activity(
            SHRED_KEYS,
            self._order.session_id,
            summary="its key",
            result_type=int,
            start_to_close_timeout=ATTEMPT_TIMEOUT,
            retry_policy=RETRIES,
        )
        return shredded

    async def _deleted(self, runs: tuple[str, ...]) -> None:
        await workflow.execute_activity(
            DELETE_RUNS,
            Doomed(session_id=self._order.session_id, runs=runs),
            summary=f"{len(runs)} of its runs",
            start_to_close_timeout=LONG_TIMEOUT,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            retry_policy=RETRIES,
        )

    async def _certified(self, begun_at: datetime) -> ErasureCertificate:
        self._step = "certifying"
        info, order = workflow.info(), self._order
        certificate = ErasureCertificate(
            certificate_id=info.run_id,
            session_id=order.session_id,
            tenant=order.tenant,
            namespace=info.namespace,
            reason=order.reason,
            requested_at=begun_at,
            completed_at=workflow.now(),
            runs_deleted=len(self._runs),
            keys_shredded=self._keys,
        )
        if self._runs or self._keys:  # Else an earlier erasure was first, and certified it.
            await workflow.execute_activity(
                CERTIFY_ERASURE,
                certificate,
                summary="the certificate",
                start_to_close_timeout=ATTEMPT_TIMEOUT,
                retry_policy=RETRIES,
            )
        self._step = "done"
        return certificate
