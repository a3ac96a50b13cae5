"""`dev`: everything on one machine, in one command: the embedded server, its UI, a worker, the
gateway with its page.

The order is the point. What a person can have got wrong is looked at before anything starts; what
is started last is stopped first, so the server outlives the others and a turn in flight ends well.
The worker is a process of its own, as in production: the page has a button that kills it.
"""

import asyncio
import os
import shlex
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from turnkeeper.client import VoiceSessions
from turnkeeper.gateway.access.ways import Made, ways_in
from turnkeeper.gateway.serve import listen, serve, url_of
from turnkeeper.settings import ENV_PREFIX, Settings, read_settings
from turnkeeper.telemetry import logger, setup_telemetry
from worker.codec import LocalCodec
from worker.data_folder import DataFolder
from worker.forms import FormFolder
from worker.local_keys import are_of, as_variables, keys_of, tell_clients, with_keys
from worker.options import DEFAULT_DATA, DEFAULT_PORT
from worker.server import NAMESPACE, EmbeddedServer, ServerError, find_temporal
from worker.worker_process import WorkerProcess

RESTART_SECONDS = 1.0
"""Before a worker that ended by itself is started again: one that cannot start is no busy loop."""

WIPE_SECONDS = 60.0
"""Between two times that the database's log is emptied of what was deleted."""

_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class _Site:
    """What is settled before the server starts."""

    settings: Settings
    forms: FormFolder
    page: socket.socket
    codec: LocalCodec
    made: Made
    """The token that the page comes in with."""


async def dev(port: int, ui_port: int, gateway_port: int, **options: object) -> None:
    """Runs until it is cancelled, which is its good end.

    Raises SettingsError, FormError, DataFolderError and ServerError, each for a person to read.
    """
    settings = read_settings(**options)
    # The worker serves the metrics: it has the same environment, and an address serves one process.
    setup_telemetry("turnkeeper-dev", settings.model_copy(update={"metrics": None}))
    forms = FormFolder(settings.forms)
    find_temporal()
    with DataFolder(settings.data) as folder:
        pass  # Who has the folder has the ports as well, and is to be told of the folder.
    page = listen("127.0.0.1", gateway_port)
    made = Made(settings.tenant)
    site = _Site(with_keys(settings, folder), forms, page, LocalCodec(), made)
    click.echo("Starting ...")
    decoding = ("--ui-codec-endpoint", site.codec.endpoint)
    try:
        async with EmbeddedServer(
            folder.path, port=port, ui_port=ui_port, extra_args=decoding
        ) as server:
            point_temporal_at(server)
            hand_down({**options, **keys_of(site.settings)})
            tell_clients(site.settings, server.data, server.address)
            await _work(server, site)
    except asyncio.CancelledError:
        click.echo("Stopped. Every session is kept: the same command brings them back.")
        raise


async def _work(server: EmbeddedServer, site: _Site) -> None:
    """Runs worker and gateway until this task is cancelled, on a server that is kept running."""
    try:
        async with _kept_worker() as worker, asyncio.TaskGroup() as tasks:
            tasks.create_task(_keep_running(server))
            tasks.create_task(keep_wiped(server))
            tasks.create_task(_gateway(server, site, worker))
            click.echo(where_things_are(server, site))
    except* ServerError as failed:
        raise ServerError(str(failed.exceptions[0])) from None


async def _gateway(server: EmbeddedServer, site: _Site, worker: WorkerProcess) -> None:
    # Late: mistakes are told before it, and it takes a while to load.
    from turnkeeper.gateway.app import create_app

    async with VoiceSessions.connect(settings=site.settings) as sessions, asyncio.TaskGroup() as up:
        app = create_app(
            sessions,
            access=ways_in(site.settings, site.made),
            forms=site.forms,
            public_url=site.settings.public_url,
            ui_url=f"{server.ui_url}/namespaces/{NAMESPACE}",
            kill_worker=worker.kill,
        )
        up.create_task(serve(app, site.page, ready=lambda: None))
        up.create_task(site.codec.serve(sessions, site.forms, server.ui_port))


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


async def keep_wiped(server: EmbeddedServer) -> None:
    """What was erased leaves the write-ahead log, too, whether or not turns overwrite it."""
    while True:
        await asyncio.sleep(WIPE_SECONDS)
        try:
            await server.wipe()
        except (ServerError, sqlite3.Error) as error:
            _log.warning("the database is busy; its log is emptied later", reason=str(error))


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


def where_things_are(server: EmbeddedServer, site: _Site) -> str:
    """What `dev` prints when it is up: where everything is and what to do next."""
    forms = site.forms
    form = "roadside_claim" if "roadside_claim" in forms.names else forms.names[0]
    rows = {
        "Page": f"{url_of(site.page)}/#token={site.made.token}",
        "API": f"{url_of(site.page)}/openapi.json",
        "Temporal": server.address,
        "UI": f"{server.ui_url}/namespaces/{NAMESPACE}/workflows",
        "Data": f"{server.data}  (server.log in it)",
        "Forms": f"{', '.join(forms.names)}  (from {site.settings.forms})",
    }
    table = "\n".join(f"  {name:<9} {value}" for name, value in rows.items())
    return (
        f"Turnkeeper is running.\n\n{table}\n\nOpen the page, or in another terminal:\n"
        f"  {_elsewhere(server)}uv run turnkeeper talk {form} --caller +14155550100\n\n"
        f"Ctrl-C stops it.\n\n{_about_keys(server, site)}"
    )


def _elsewhere(server: EmbeddedServer) -> str:
    """The settings that a command in another terminal needs, in the folder of this one."""
    settings = {}
    if server.port != DEFAULT_PORT:
        settings["TEMPORAL_ADDRESS"] = server.address
    if server.data != Path(DEFAULT_DATA).absolute():
        settings["TURNKEEPER_DATA"] = shlex.quote(str(server.data))
    return "".join(f"{name}={value} " for name, value in settings.items())


def _about_keys(server: EmbeddedServer, site: _Site) -> str:
    reading = f"`temporal --codec-endpoint '{site.codec.endpoint}'`"
    if not are_of(server.data, site.settings):
        return (
            "Sessions are encrypted with your own keys, which clients need too. The UI decrypts;"
            f"\nso does {reading}.\n"
        )
    return (
        "Sessions are encrypted; the keys are in the data folder. A client in this folder finds"
        f" them,\nelsewhere on this machine it needs:\n  export {as_variables(site.settings)}\n"
        f"The UI decrypts; so does {reading}.\n"
    )
