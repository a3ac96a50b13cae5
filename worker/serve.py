"""The production worker: joins a Temporal server that is somewhere else, and drains when asked."""

import asyncio
from collections.abc import Iterator

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Worker

from turnkeeper.connection import connect, target
from turnkeeper.errors import StoreUnavailable
from turnkeeper.settings import Settings, read_settings
from turnkeeper.telemetry import logger, setup_telemetry
from worker.attributes import register_search_attributes
from worker.build import build_worker
from worker.forms import FormFolder
from worker.health import Health, watched
from worker.sampling import sampled

FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0
"""Seconds between two attempts to reach a server that is not there yet; doubled each time."""

_HOPELESS = frozenset({RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED})
"""Waiting does not help: an operator has to change something."""

_log = logger(__name__)


async def serve(**options: object) -> None:
    """Runs a worker until it is cancelled; `options` are settings that the command line gave.

    Raises SettingsError, FormError, and StoreUnavailable where Temporal turns this worker away.
    """
    settings = read_settings(**options)
    setup_telemetry("turnkeeper-worker", settings)
    forms = FormFolder(settings.forms)
    async with watched(settings) as health:
        client, searchable = await _join(settings)
        health.connected(client)
        worker = build_worker(client, settings, forms.find, searchable=searchable)
        await run_until_cancelled(worker, client, settings, health)


async def run_until_cancelled(
    worker: Worker, client: Client, settings: Settings, health: Health
) -> None:
    """Polls until this task is cancelled, then finishes what it has begun."""
    try:
        async with worker, sampled(client, settings.task_queue):
            with health.polling(worker):
                _log.info(
                    "worker is running",
                    address=client.service_client.config.target_host,
                    namespace=client.namespace,
                    task_queue=settings.task_queue,
                )
                _say_how_to_make_current(client, settings)
                await asyncio.get_running_loop().create_future()
    finally:
        _log.info("worker has stopped")


def _say_how_to_make_current(client: Client, settings: Settings) -> None:
    if settings.versioned:
        _log.info(
            "this build gets new sessions once it is current: to make it so, run",
            command=(
                "temporal worker deployment set-current-version"
                f" --namespace {client.namespace} --deployment-name {settings.deployment}"
                f" --build-id {settings.build_id} --yes"
            ),
        )


async def _join(settings: Settings) -> tuple[Client, bool]:
    """A connected client, and whether sessions are searchable; waits for as long as it takes."""
    for attempt, wait in enumerate(_waits(), start=1):
        try:
            client = await connect(settings=settings)
            return client, await register_search_attributes(client)
        except (RuntimeError, RPCError) as error:  # RuntimeError: no connection at all
            _give_up_if_hopeless(error)
            _log.warning(
                "Temporal is not there yet; trying again",
                address=target(),
                attempt=attempt,
                seconds=wait,
                reason=_reason(error),
            )
        await asyncio.sleep(wait)
    raise AssertionError("waits never end")


def _waits() -> Iterator[float]:
    wait = FIRST_WAIT
    while True:
        yield wait
        wait = min(wait * 2, LONGEST_WAIT)


def _give_up_if_hopeless(error: RuntimeError | RPCError) -> None:
    if isinstance(error, RPCError) and error.status in _HOPELESS:
        raise StoreUnavailable(
            f"Temporal at {target()} turned this worker away ({error.status.name}): check the"
            " namespace and the API key or certificate of the TEMPORAL_* settings."
        ) from None


def _reason(error: RuntimeError | RPCError) -> str:
    """What the connection said: it is about this worker and Temporal, never about a session."""
    said = f"{error.status.name}: {error}" if isinstance(error, RPCError) else str(error)
    return said[:300]
