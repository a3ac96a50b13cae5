"""The production worker: joins a Temporal server that is somewhere else, and drains when asked."""

import asyncio
import os

from temporalio.client import Client
from temporalio.worker import Worker

from turnkeeper.misspelt import warn_of_misspelt
from turnkeeper.settings import Settings, read_settings
from turnkeeper.telemetry import logger, setup_telemetry
from worker.build import build_worker
from worker.forms import FormFolder
from worker.health import Health, watched
from worker.joining import join
from worker.sampling import sampled

_log = logger(__name__)


async def serve(**options: object) -> None:
    """Runs a worker until it is cancelled; `options` are settings that the command line gave.

    Raises SettingsError, FormError, and StoreUnavailable where Temporal turns this worker away.
    """
    settings = read_settings(**options)
    setup_telemetry("turnkeeper-worker", settings)
    warn_of_misspelt(os.environ, _log)
    forms = FormFolder(settings.forms)
    async with watched(settings) as health:
        client, searchable = await join(settings)
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
