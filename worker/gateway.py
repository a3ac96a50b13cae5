"""The gateway as a process of its own: HTTP, WebSocket and telephony in front of the sessions."""

import os
from pathlib import Path

from turnkeeper.gateway.access.ways import ways_in
from turnkeeper.gateway.app import create_app
from turnkeeper.gateway.doorway import Catalogue, NoForms
from turnkeeper.gateway.serve import listen, serve, url_of
from turnkeeper.misspelt import warn_of_misspelt
from turnkeeper.settings import Settings, read_settings
from turnkeeper.telemetry import logger, setup_telemetry
from turnkeeper.tenancy import Tenants
from worker.forms import FormFolder

_log = logger(__name__)


async def gateway(host: str, port: int, **options: object) -> None:
    """Runs until it is cancelled; `options` are settings that the command line gave.

    Raises SettingsError and FormError, each for a person to read. That Temporal is not there is no
    reason to stop: requests are answered with 503 until it is.
    """
    settings = read_settings(**options)
    setup_telemetry("turnkeeper-gateway", settings)
    warn_of_misspelt(os.environ, _log)
    forms = catalogue(settings)
    access = ways_in(settings)
    bound = listen(host, port, settings.public_url)
    async with Tenants.connect(settings=settings) as tenants:
        app = create_app(
            tenants.of(settings.tenant),
            access=access,
            tenants=tenants,
            forms=forms,
            public_url=settings.public_url,
        )
        await serve(
            app,
            bound,
            ready=lambda: _log.info("gateway is running", address=url_of(bound)),
            proxies=settings.proxies,
        )
    _log.info("gateway has stopped")


def catalogue(settings: Settings) -> Catalogue:
    """The forms of the folder; none where there is no folder: only the workers need one."""
    return FormFolder(settings.forms) if Path(settings.forms).is_dir() else NoForms()
