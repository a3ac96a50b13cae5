"""`dev`: everything on one machine, in one command: the embedded server, its UI, and a worker.

The order is the point. What a person can have got wrong is looked at before anything starts; what
is started last is stopped first, so the server outlives its worker and a turn in flight ends well.
"""

import asyncio
import os

import click

from turnkeeper.connection import connect
from turnkeeper.settings import Settings, read_settings
from turnkeeper.telemetry import logger, setup_telemetry
from worker.forms import FormFolder
from worker.options import DEFAULT_PORT
from worker.server import NAMESPACE, EmbeddedServer, ServerError, find_temporal

_log = logger(__name__)


async def dev(port: int, ui_port: int, **options: object) -> None:
    """Runs until it is cancelled, which is its good end.

    Raises SettingsError, FormError, DataFolderError and ServerError, each for a person to read.
    """
    # A deployment's build gets no sessions until it is made current: not what `dev` is for.
    read = read_settings(**options)
    settings = read.model_copy(update={"deployment": None, "build_id": None})
    setup_telemetry("turnkeeper-dev", settings)
    forms = FormFolder(settings.forms)
    find_temporal()
    click.echo("Starting ...")
    try:
        async with EmbeddedServer(settings.data, port=port, ui_port=ui_port) as server:
            await _work(server, settings, forms)
    except asyncio.CancelledError:
        click.echo("Stopped. Every session is kept: the same command brings them back.")
        raise


async def _work(server: EmbeddedServer, settings: Settings, forms: FormFolder) -> None:
    """Runs a worker until this task is cancelled, on a server that is kept running."""
    # Late: reading what people say takes half a second to load, and mistakes are told before it.
    from worker.build import build_worker
    from worker.serve import run_until_cancelled

    point_temporal_at(server)
    client = await connect()
    worker = build_worker(client, settings, forms.find)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(run_until_cancelled(worker, client, settings))
            tasks.create_task(_keep_running(server))
            click.echo(where_things_are(server, settings, forms))
    except* ServerError as failed:
        raise ServerError(str(failed.exceptions[0])) from None


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


def where_things_are(server: EmbeddedServer, settings: Settings, forms: FormFolder) -> str:
    """What `dev` prints when it is up: where everything is and what to type next."""
    form = "roadside_claim" if "roadside_claim" in forms.names else forms.names[0]
    talk = f"uv run turnkeeper talk {form} --caller +14155550100"
    if server.port != DEFAULT_PORT:
        talk = f"TEMPORAL_ADDRESS={server.address} {talk}"
    rows = {
        "Temporal": server.address,
        "UI": f"{server.ui_url}/namespaces/{NAMESPACE}/workflows",
        "Data": f"{server.data}  (server.log in it)",
        "Forms": f"{', '.join(forms.names)}  (from {settings.forms})",
    }
    table = "\n".join(f"  {name:<9} {value}" for name, value in rows.items())
    return (
        f"Turnkeeper is running.\n\n{table}\n\nIn another terminal:\n  {talk}\n\nCtrl-C stops it.\n"
    )
