"""What Temporal says: whether it is there and as sessions need it, who works, who is stuck."""

import asyncio
import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType, WorkerVersioningMode
from temporalio.api.taskqueue.v1 import PollerInfo, TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeTaskQueueRequest,
    DescribeTaskQueueResponse,
    GetSystemInfoRequest,
    PollActivityTaskQueueRequest,
    PollActivityTaskQueueResponse,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from turnkeeper.contract import ATTRIBUTE_STATUS, SEARCH_ATTRIBUTES, WORKFLOW
from turnkeeper.doctor.finding import Examined, Finding, ok, skipped, warning, wrong
from turnkeeper.visibility import in_quotes, registration_command

_WORKFLOW = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
_ACTIVITY = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
_VERSIONED = WorkerVersioningMode.WORKER_VERSIONING_MODE_VERSIONED
_RECENT = timedelta(minutes=2)
"""A poll lasts a minute; a server remembers pollers for five."""
_AGREED = timedelta(seconds=5)
"""How far clocks may differ before "today" and the expiry of tokens are at risk."""
_FAILING = "TemporalReportedProblems IS NOT NULL"
"""How Temporal's list finds what its workers fail at, five times and more (server 1.30)."""
_OPENED = timedelta(minutes=1)
"""By then a session has loaded its form and said how it stands."""


async def reached(examined: Examined) -> Finding:
    """The server answers, and has the namespace."""
    client, address = examined.client, examined.address
    try:
        found = await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=client.namespace)
        )
        server = await client.workflow_service.get_system_info(GetSystemInfoRequest())
    except RuntimeError:  # The SDK's own, where a lazy client finds nobody.
        return wrong(
            f"nothing answers at {address}",
            "start a server there, or set TEMPORAL_ADDRESS, TEMPORAL_TLS_* and TEMPORAL_API_KEY",
        )
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        return wrong(
            f"the server at {address} has no namespace {client.namespace}",
            f"temporal operator namespace create --namespace {client.namespace} --retention 72h",
        )
    kept = found.config.workflow_execution_retention_ttl.ToTimedelta()
    return ok(
        f"Temporal {server.server_version} at {address}; namespace {client.namespace} keeps"
        f" finished sessions for {kept.days * 24 + kept.seconds // 3600} h"
    )


async def search_attributes(examined: Examined) -> Finding:
    """Sessions can be found by each; asked by searching, which needs no operator's rights."""
    client = examined.client
    missing = [name for name in SEARCH_ATTRIBUTES if not await _is_known(client, name)]
    if missing:
        return wrong(
            f"sessions can't be found by {', '.join(missing)}",
            f"{registration_command(client.namespace, missing)}; then restart the workers",
        )
    return ok("all are registered")


async def workers(examined: Examined) -> Finding:
    """Somebody polls the task queue, for both kinds of work, in a build that gets sessions."""
    client, queue = examined.client, examined.settings.task_queue
    found = await describe_task_queue(client, queue, _WORKFLOW)
    acting = await describe_task_queue(client, queue, _ACTIVITY)
    now = datetime.now(UTC)
    polling = [poller for poller in found.pollers if _last_seen(poller) > now - _RECENT]
    if not polling or not acting.pollers:
        return wrong(
            f"no worker polls the task queue {queue}: callers hear nothing",
            "start `python -m worker` with the same TURNKEEPER_TASK_QUEUE and namespace",
        )
    builds = {
        f"{poller.deployment_options.deployment_name}:{poller.deployment_options.build_id}"
        for poller in polling
        if poller.deployment_options.worker_versioning_mode == _VERSIONED
    }
    current = found.versioning_info.current_deployment_version.build_id
    if len(builds) > 0 and not current and all(_is_versioned(poller) for poller in polling):
        return wrong(
            f"workers poll, but no build of theirs is current: {', '.join(sorted(builds))}",
            "temporal worker deployment set-current-version --deployment-name NAME --build-id ID",
        )
    workers_ = len({poller.identity for poller in polling})
    if workers_ == 1:
        return warning(
            f"one worker polls {queue}: while it restarts, callers wait", "run two or more"
        )
    return ok(f"{workers_} workers poll {queue}")


async def sessions(examined: Examined) -> Finding:
    """None is there that no worker can go on with."""
    client = examined.client
    begun = (datetime.now(UTC) - _OPENED).isoformat()
    running = (
        f"WorkflowType = '{WORKFLOW}' AND ExecutionStatus = 'Running'"
        f" AND TaskQueue = {in_quotes(examined.settings.task_queue)}"
    )
    try:
        unopened = await client.count_workflows(
            f"{running} AND {ATTRIBUTE_STATUS} IS NULL AND StartTime < '{begun}'"
        )
        failing = await client.count_workflows(f"{running} AND {_FAILING}")
    except RPCError as error:
        if error.status != RPCStatusCode.INVALID_ARGUMENT:
            raise
        return skipped("sessions can't be searched here")
    if failing.count or unopened.count:
        return wrong(
            f"sessions that fail at every attempt: {failing.count}; that were begun and never"
            f" opened: {unopened.count}",
            f"`turnkeeper sessions list --query '{_FAILING}'` and Temporal's UI show them. Where"
            " input is refused as not encrypted, a client runs without the workers'"
            " TURNKEEPER_KEYS and TURNKEEPER_KEY_STORE: set them there, and terminate the session"
            " (`temporal workflow terminate`). Where a worker fails, deploy the build that it had"
            " before: the session goes on by itself",
        )
    return ok("none is stuck")


async def clock(examined: Examined) -> Finding:
    """This machine's clock against the server's, which notes when somebody polls: here, on a queue
    that nobody uses."""
    client, queue = examined.client, f"turnkeeper-doctor-{uuid.uuid4().hex}"
    before = datetime.now(UTC)
    polling = asyncio.ensure_future(
        client.workflow_service.poll_activity_task_queue(
            PollActivityTaskQueueRequest(
                namespace=client.namespace,
                task_queue=TaskQueue(name=queue),
                identity="turnkeeper doctor",
            ),
            timeout=timedelta(seconds=5),
        )
    )
    try:
        seen = await _first_seen(client, queue, polling)
        after = datetime.now(UTC)
    finally:
        polling.cancel()
        with suppress(asyncio.CancelledError, RPCError):  # That of the poll: nobody answers it.
            await polling
    if seen is None:
        return skipped("the server does not say what time it is")
    return agreement(before, seen, after)


def agreement(before: datetime, seen: datetime, after: datetime) -> Finding:
    """Of two clocks: `seen` by the other one, between `before` and `after` by this one."""
    apart = max(before - seen, seen - after, timedelta())
    if apart > _AGREED:
        return wrong(
            f"this machine's clock and the server's are {apart.total_seconds():.0f} s apart",
            "set the time by NTP on both: dates that callers name and the ends of tokens go by it",
        )
    return ok("it agrees with the server's")


async def describe_task_queue(
    client: Client, queue: str, kind: "TaskQueueType.ValueType" = _WORKFLOW
) -> DescribeTaskQueueResponse:
    """What the server says of a queue; raises RPCError."""
    return await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind
        ),
        timeout=timedelta(seconds=2),
    )


async def _is_known(client: Client, attribute: str) -> bool:
    try:
        await client.count_workflows(f"{attribute} = ''")
    except RPCError as error:
        if error.status != RPCStatusCode.INVALID_ARGUMENT:
            raise
        return False
    return True


async def _first_seen(
    client: Client, queue: str, polling: "asyncio.Future[PollActivityTaskQueueResponse]"
) -> datetime | None:
    """When the server saw the poller; None where the poll ended before."""
    while not polling.done():
        found = await describe_task_queue(client, queue, _ACTIVITY)
        if found.pollers:
            return _last_seen(found.pollers[0])
        await asyncio.sleep(0.05)
    return None


def _last_seen(poller: PollerInfo) -> datetime:
    return poller.last_access_time.ToDatetime(UTC)


def _is_versioned(poller: PollerInfo) -> bool:
    return poller.deployment_options.worker_versioning_mode == _VERSIONED
