"""The worker's own door: `/livez` and `/readyz` at `TURNKEEPER_HEALTH`, and nothing else.

It is there before Temporal is, and until the last turn is finished: ready from when this process's
pollers are known to Temporal until it is asked to stop.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker

from turnkeeper.connection import require_namespace
from turnkeeper.doctor.server import describe_task_queue
from turnkeeper.errors import StoreUnavailable
from turnkeeper.settings import Settings
from turnkeeper.telemetry import logger

_log = logger(__name__)


class Health:
    """What is known of this worker so far."""

    def __init__(self) -> None:
        self._client: Client | None = None
        self._worker: Worker | None = None

    def connected(self, client: Client) -> None:
        self._client = client

    @contextmanager
    def polling(self, worker: Worker) -> Iterator[None]:
        """Inside, the worker takes work; after it, it finishes what it has begun."""
        self._worker = worker
        try:
            yield
        finally:
            self._worker = None

    async def require_temporal(self) -> None:
        """Raises StoreUnavailable where Temporal does not answer."""
        if self._client is None:
            raise StoreUnavailable("Temporal was not reached yet")
        await require_namespace(self._client)

    async def require_pollers(self) -> None:
        """Raises StoreUnavailable where this worker takes no work."""
        client, worker = self._client, self._worker
        if client is None or worker is None:
            raise StoreUnavailable("the worker takes no work: it has not begun, or is stopping")
        if client.identity not in await _pollers(client, worker.task_queue):
            raise StoreUnavailable("Temporal does not know this worker's pollers yet")


async def _pollers(client: Client, task_queue: str) -> frozenset[str]:
    """The identities of workers that polled for workflow tasks in the last minutes."""
    try:
        found = await describe_task_queue(client, task_queue)
    except RPCError as error:
        raise StoreUnavailable(f"Temporal answers {error.status.name}") from error
    return frozenset(poller.identity for poller in found.pollers)


@asynccontextmanager
async def watched(settings: Settings) -> AsyncIterator[Health]:
    """The door, open while this is; without `TURNKEEPER_HEALTH` there is none.

    Raises SettingsError where the port is taken.
    """
    health = Health()
    if settings.health is None:
        yield health
        return
    # Here and not at the top: a worker without a door need not load what serves it.
    from starlette.applications import Starlette

    from turnkeeper.gateway.health import routes
    from turnkeeper.gateway.serve import listen, serve, url_of

    host, _, port = settings.health.rpartition(":")
    bound = listen(host.strip("[]"), int(port), public_url="", option="TURNKEEPER_HEALTH")
    checks = {"temporal": health.require_temporal, "pollers": health.require_pollers}
    app = Starlette(routes=routes(checks))
    serving = asyncio.ensure_future(
        serve(app, bound, ready=lambda: _log.info("health is told", address=url_of(bound)))
    )
    try:
        yield health
    finally:
        serving.cancel()
        await asyncio.wait({serving})
