"""`dev`: everything on one machine, in one command: the embedded server, its UI, a worker, the
gateway with its page.

The order is the point. What a person can have got wrong is looked at before anything starts; what
is started last is stopped first, so the server outlives the others and a turn in flight ends well.
The worker is a process of its own, as in production: the page has a button that kills it.
"""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click

from turnkeeper.client import VoiceSessions
from turnkeeper.gateway.serve import listen, serve, url_of
from turnkeeper.settings import ENV_PREFIX, Settings, read_settings
from turnkeeper.telemetry import logger, setup_telemetry
from worker.forms import FormFolder
from worker.options import DEFAULT_PORT
from worker.server import NAMESPACE, EmbeddedServer, ServerError, find_temporal
from worker.worker_process import WorkerProcess

RESTART_SECONDS = 1.0
"""Before a worker that ended by itself is started again: one that cannot start is no busy loop."""

_log = logger(__name__)


async def dev(port: int, ui_port: int, gateway_port: int, **options: object) -> None:
    """Runs until it is cancelled, which is its good end.

    Raises SettingsError, FormError, DataFolderError and ServerError, each for a person to read.
    """
    settings = read_settings(**options)
    setup_telemetry("turnkeeper-dev", settings)
    forms = FormFolder(settings.forms)
    find_temporal()
    bound = listen("127.0.0.1", gateway_port)
    click.echo("Starting ...")
    try:
        async with EmbeddedServer(settings.data, port=port, ui_port=ui_port) as server:
            point_temporal_at(server)
            hand_down(options)
            await _work(server, settings, forms, bound)
    except asyncio.CancelledError:
        click.echo("Stopped. Every session is kept: the same command brings them back.")
        raise


async def _work(
    server: EmbeddedServer, settings: Settings, forms: FormFolder, bound: socket.socket
) -> None:
    """Runs worker and gateway until this task is cancelled, on a server that is kept running."""
    try:
        async with _kept_worker() as worker, asyncio.TaskGroup() as tasks:
            tasks.create_task(_keep_running(server))
            tasks.create_task(_gateway(server, settings, forms, bound, worker))
            click.echo(where_things_are(server, settings, forms, url_of(bound)))
    except* ServerError as failed:
        raise ServerError(str(failed.exceptions[0])) from None


async def _gateway(
    server: EmbeddedServer,
    settings: Settings,
    forms: FormFolder,
    bound: socket.socket,
    worker: WorkerProcess,
) -> None:
    # Late: mistakes are told before it, and it takes a while to load.
    from turnkeeper.gateway.app import create_app

    async with VoiceSessions.connect(settings=settings) as sessions:
        app = create_app(
            sessions,
            forms=forms,
            public_url=settings.public_url,
            ui_url=f"{server.ui_url}/namespaces/{NAMESPACE}",
            kill_worker=worker.kill,
        )
        await serve(app, bound, ready=lambda: None)


@asynccontextmanager
async def _kept_worker() -> AsyncIterator[WorkerProcess]:
    """A worker process that is started again whenever it ends, and drains when this is left."""
    worker = WorkerProcess()
    await worker.start(sys.stderr.buffer)
    keeping = asyncio.ensure_future(_keep_worker(worker))
    try:
        yield worker
    finally:
        keeping.cancel()
        await asyncio.wait([keeping])  # It may be starting the worker that is to be stopped.
        await worker.stop()


async def _keep_worker(worker: WorkerProcess) -> None:
    while True:
        status = await worker.ended()
        _log.warning("the worker ended by itself and is started again", code=status)
        await asyncio.sleep(RESTART_SECONDS)
        starting = asyncio.ensure_future(worker.start(sys.stderr.buffer))
        try:
            await asyncio.shield(starting)
        finally:
            await starting  # asyncio kills a process whose start is cancelled: let it be stopped.


async def _keep_running(server: EmbeddedServer) -> None:
    """Starts the server again whenever it ends: its sessions are on disk, the worker waits for it.

    Raises ServerError when it cannot be started again.
    """
    while True:
        await server.ended()
        _log.warning(
            "the Temporal server ended by itself and is started again", file=str(server.log)
        )
        await server.start()
        _log.info("the Temporal server is back", address=server.address)


def point_temporal_at(server: EmbeddedServer) -> None:
    """Makes the embedded server the Temporal of this process, whatever the profile of the
    `temporal` command and the environment say: an API key or TLS of another one would not fit."""
    for variable in [name for name in os.environ if name.startswith("TEMPORAL_")]:
        del os.environ[variable]
    os.environ["TEMPORAL_CONFIG_FILE"] = os.devnull
    os.environ["TEMPORAL_ADDRESS"] = server.address
    os.environ["TEMPORAL_NAMESPACE"] = NAMESPACE


def hand_down(options: dict[str, object]) -> None:
    """Makes what the command line said the environment of the worker process.

    A deployment's build gets no sessions until it is made current: not what `dev` is for.
    """
    for name, value in options.items():
        if value is not None:
            os.environ[ENV_PREFIX + name.upper()] = str(value)
    for name in ("DEPLOYMENT", "BUILD_ID"):
        os.environ.pop(ENV_PREFIX + name, None)


def where_things_are(
    server: EmbeddedServer, settings: Settings, forms: FormFolder, gateway_url: str
) -> str:
    """What `dev` prints when it is up: where everything is and what to do next."""
    form = "roadside_claim" if "roadside_claim" in forms.names else forms.names[0]
    talk = f"uv run turnkeeper talk {form} --caller +14155550100"
    if server.port != DEFAULT_PORT:
        talk = f"TEMPORAL_ADDRESS={server.address} {talk}"
    rows = {
        "Page": f"{gateway_url}/",
        "API": f"{gateway_url}/openapi.json",
        "Temporal": server.address,
        "UI": f"{server.ui_url}/namespaces/{NAMESPACE}/workflows",
        "Data": f"{server.data}  (server.log in it)",
        "Forms": f"{', '.join(forms.names)}  (from {settings.forms})",
    }
    table = "\n".join(f"  {name:<9} {value}" for name, value in rows.items())
    return (
        f"Turnkeeper is running.\n\n{table}\n\nOpen the page, or in another terminal:\n  {talk}\n\n"
        "Ctrl-C stops it.\n"
    )
