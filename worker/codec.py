"""The codec server as a process: what Temporal's UI and command line read sessions through.

`dev` runs one too, without a sign-in: the UI sends its token to https addresses only. In place of
one it has a path that is made at each start and that the embedded server hands to its UI. A page
from elsewhere doesn't know it and has another Origin. Who may open the UI on this machine may read
what it shows: that is what it is for.
"""

import os
import secrets

from fastapi import FastAPI

from turnkeeper.client import VoiceSessions
from turnkeeper.gateway import health
from turnkeeper.gateway.access.gate import OneTenant
from turnkeeper.gateway.access.ways import Access, Open, ways_in
from turnkeeper.gateway.codec import CodecServer, codec_app
from turnkeeper.gateway.doorway import Catalogue
from turnkeeper.gateway.hosts import LOOPBACK, OwnHosts
from turnkeeper.gateway.problems import add_handlers
from turnkeeper.gateway.secret_fields import SecretFields
from turnkeeper.gateway.serve import listen, serve, url_of
from turnkeeper.gateway.tracing import telemetry
from turnkeeper.misspelt import warn_of_misspelt
from turnkeeper.security.converter import keyring
from turnkeeper.settings import Settings, read_settings
from turnkeeper.telemetry import logger, setup_telemetry
from turnkeeper.tenancy import Tenants
from worker.options import DEFAULT_UI_PORT

PATH = "/codec"

_log = logger(__name__)


class LocalCodec:
    """The codec server of `dev`, on a free port."""

    def __init__(self) -> None:
        self._bound = listen("127.0.0.1", 0)
        self._path = f"{PATH}/{secrets.token_urlsafe(16)}"

    @property
    def endpoint(self) -> str:
        """Its address, with `{namespace}` as the `temporal` command and the UI take it."""
        return f"{url_of(self._bound)}{self._path}/{{namespace}}"

    async def serve(self, sessions: VoiceSessions, forms: Catalogue, ui_port: int | None) -> None:
        """Serves the UI of this machine until it is cancelled."""
        settings = sessions.settings
        server = CodecServer(keyring(settings), SecretFields(OneTenant(sessions).of, forms))
        origins = ui_origins(settings, ui_port)
        app = _mounted(self._path, server, Open(settings.tenant), origins)
        app.add_middleware(OwnHosts, names=frozenset(LOOPBACK), origins=origins)
        await serve(app, self._bound, ready=lambda: None)


async def codec(host: str, port: int, **options: object) -> None:
    """Runs until it is cancelled; `options` are settings that the command line gave.

    Raises SettingsError and FormError, each for a person to read. That Temporal is not there is no
    reason to stop: of a session that can't be asked no answer is shown, and all else is.
    """
    from worker.gateway import catalogue  # It loads all of the gateway, which `dev` does late.

    settings = read_settings(**options)
    setup_telemetry("turnkeeper-codec", settings)
    warn_of_misspelt(os.environ, _log)
    forms, keys, access = catalogue(settings), keyring(settings), ways_in(settings)
    # It needs no name for itself: what counts is the token, and of a page where it is from.
    bound = listen(host, port, public_url="", option="--port")
    async with Tenants.connect(settings=settings) as tenants:
        server = CodecServer(keys, SecretFields(tenants.of, forms))
        app = _mounted(PATH, server, access, ui_origins(settings))
        await serve(
            app,
            bound,
            ready=lambda: _log.info("codec server is running", address=url_of(bound)),
            proxies=settings.proxies,
        )
    _log.info("codec server has stopped")


def ui_origins(settings: Settings, ui_port: int | None = DEFAULT_UI_PORT) -> frozenset[str]:
    """Where browsers may ask from: the UI that the settings name, else that of `dev`."""
    if settings.ui_origin is not None:
        return frozenset({settings.ui_origin})
    return frozenset(f"http://{host}:{ui_port}" for host in ("127.0.0.1", "localhost"))


def _mounted(path: str, server: CodecServer, access: Access, origins: frozenset[str]) -> FastAPI:
    """With `/livez` and `/readyz` beside it, for whoever watches the process."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, telemetry=telemetry())
    add_handlers(app)
    app.router.routes.extend(health.routes({"key store": server.require_ready}))
    app.mount(path, codec_app(server, access, origins))
    return app
