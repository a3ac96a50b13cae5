"""One set-up for worker, tests and replayer: what they must not differ in is said here once."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import (
    Interceptor,
    Replayer,
    UnsandboxedWorkflowRunner,
    Worker,
    WorkerDeploymentConfig,
    WorkflowRunner,
)
from temporalio.worker.workflow_sandbox import SandboxRestrictions

from activities.delivery import deliver
from activities.discard import discard
from activities.erasure import Eraser
from activities.interpret import Interpreter
from turnkeeper.connection import target_namespace
from turnkeeper.forms.model import Form
from turnkeeper.security.converter import data_converter
from turnkeeper.settings import Settings
from turnkeeper.telemetry import logger
from worker.sandbox import SandboxRunner
from workflows.erasure import Erasure
from workflows.voice_session import VoiceSession

STICKY_TIMEOUT = timedelta(seconds=0.5)
"""A worker killed between turns costs the caller this long, once (measured: 0.53 s)."""
DRAIN_TIMEOUT = timedelta(seconds=20)
TASKS_AT_ONCE = 8
"""Workflow tasks that a worker works on; the others wait at the server, where no time runs out.

A session whose worker is gone is rebuilt from history, in 0.1 s of a processor (ten turns) to
0.26 s (thirty-five). Of fifty that came at once, with the SDK's hundred tasks, each outlived its
time-out of 2 s and was begun again, for 55 s; with eight the last waited 4 s. Turns a second are
the same.
"""
_VERSIONING = {
    "auto_upgrade": VersioningBehavior.AUTO_UPGRADE,
    "pinned": VersioningBehavior.PINNED,
}

PASSED_THROUGH = ("turnkeeper", "activities.contract", "structlog")
"""Loaded once for all sessions: reloading our pydantic models is a third of a worker's CPU. The
replay test runs without it too, since what is passed through is not policed."""

WORKFLOWS = (VoiceSession, Erasure)

FindForm = Callable[[str], Form | None]

_log = logger(__name__)


def runner(settings: Settings, passed_through: Sequence[str] = PASSED_THROUGH) -> WorkflowRunner:
    """What runs workflow code."""
    if not settings.sandboxed:
        return UnsandboxedWorkflowRunner()
    return SandboxRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules(*passed_through)
    )


def build_worker(
    client: Client,
    settings: Settings,
    find_form: FindForm,
    *,
    searchable: bool = True,
    max_cached_sessions: int | None = None,
) -> Worker:
    """A worker for all sessions of a task queue.

    Args:
        client: from `turnkeeper.connection.connect` with the same settings, not lazy.
        find_form: the form of an id, or None; asked once a session.
        searchable: whether the search attributes are registered in the namespace.
        max_cached_sessions: instead of the setting; 0 replays each session at each turn.
    """
    if settings.keys is None:
        _log.warning(
            "sessions are not encrypted: TURNKEEPER_KEYS and TURNKEEPER_KEY_STORE are unset"
        )
    interpreter = Interpreter(settings, find_form, searchable=searchable)
    eraser = Eraser(settings)
    cached = settings.max_cached_sessions if max_cached_sessions is None else max_cached_sessions
    return Worker(
        client,
        task_queue=settings.task_queue,
        workflows=WORKFLOWS,
        activities=[
            *(interpreter.load_form, interpreter.decide, interpreter.settle, interpreter.migrate),
            *(deliver, discard),
            *(eraser.find_runs, eraser.shred_keys, eraser.delete_runs, eraser.certify_erasure),
        ],
        workflow_runner=runner(settings),
        max_cached_workflows=cached,
        max_concurrent_workflow_tasks=TASKS_AT_ONCE,
        sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
        graceful_shutdown_timeout=DRAIN_TIMEOUT,
        deployment_config=_deployment(settings),
    )


def build_replayer(
    settings: Settings,
    passed_through: Sequence[str] = PASSED_THROUGH,
    interceptors: Sequence[Interceptor] = (),
    namespace: str | None = None,
) -> Replayer:
    """A replayer that differs from the worker in nothing but what is passed.

    Encrypted histories open only under the workflow id and the namespace (that of `connect` when
    not given) that they were made in.
    """
    return Replayer(
        namespace=target_namespace(namespace, settings),
        workflows=WORKFLOWS,
        workflow_runner=runner(settings, passed_through),
        data_converter=data_converter(settings),
        interceptors=interceptors,
    )


def _deployment(settings: Settings) -> WorkerDeploymentConfig | None:
    """The behaviour is the worker's and not the workflow's, which unversioned workers run too."""
    if settings.deployment is None or settings.build_id is None:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(settings.deployment, settings.build_id),
        use_worker_versioning=True,
        default_versioning_behavior=_VERSIONING[settings.versioning],
    )
