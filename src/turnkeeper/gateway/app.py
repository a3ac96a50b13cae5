"""The gateway as an ASGI application: mount it in your own, or run `python -m worker gateway`.

app = create_app(sessions, access=ways_in(settings), forms=...)
your_app.mount("/voice", app)
"""

from collections.abc import Awaitable, Callable, Sequence
from importlib.metadata import version

from fastapi import FastAPI

from turnkeeper.client import VoiceSessions
from turnkeeper.gateway import console, health, hosts, http, openai, retell, stream, twilio
from turnkeeper.gateway.access.gate import Gate, OneTenant, Tenants
from turnkeeper.gateway.access.limits import Limits
from turnkeeper.gateway.access.tickets import Tickets
from turnkeeper.gateway.access.ways import Access
from turnkeeper.gateway.doorway import Catalogue, NoForms, Site
from turnkeeper.gateway.problems import add_handlers
from turnkeeper.gateway.signatures.accounts import Accounts
from turnkeeper.gateway.tracing import telemetry

CHANNELS = (http, stream, twilio, openai, retell, console)
"""Each has `router(gate)`, and asks the gate who it is before it does anything."""

DESCRIPTION = """\
Durable forms for voice agents. Open a caller's form, send turns, speak the replies; after a dropped
call open it again and go on. A turn is stored before it is answered. Errors are problem+json with a
stable `type`; on 503 nothing is known about the session: send the same request again.
"""


def create_app(
    sessions: VoiceSessions,
    *,
    access: Access,
    tenants: Tenants | None = None,
    forms: Catalogue | None = None,
    public_url: str | None = None,
    ui_url: str | None = None,
    kill_worker: Callable[[], Awaitable[None]] | None = None,
    allowed_hosts: Sequence[str] | None = hosts.LOOPBACK,
) -> FastAPI:
    """An app with every channel. It has no lifespan: whoever opened `sessions` closes them.

    Limits, web origins and platforms' accounts are those of the sessions' settings.

    Args:
        sessions: open, from `VoiceSessions.connect()` or `turnkeeper.testing.MemorySessions`.
        access: who may come in: `turnkeeper.gateway.access.ways.ways_in(settings)`, or `Open()` in
            an application that has authenticated a request before it comes here.
        tenants: the sessions of every tenant, such as `turnkeeper.tenancy.Tenants`; without, the
            tenant of `sessions` is the only one.
        forms: what `GET /v1/forms` tells of, such as `worker.forms.FormFolder`.
        public_url: where the gateway is reached from outside: `https://voice.example.com`.
        ui_url: of the Temporal UI's namespace page.
        kill_worker: for the console's button; only a development set-up has it.
        allowed_hosts: names that a request's Host may have, besides that of `public_url`; None when
            the application that this is mounted in looks after that, and after browsers' Origin.
    """
    public_url = public_url.rstrip("/") if public_url else None
    settings = sessions.settings
    accounts = Accounts.of(settings)
    site = Site(forms or NoForms(), public_url, ui_url, kill_worker, accounts)
    limits = Limits.of(settings)
    gate = Gate(
        access, tenants or OneTenant(sessions), site, settings.tenant, Tickets.of(settings), limits
    )
    app = FastAPI(
        title="Turnkeeper",
        version=version("turnkeeper"),
        description=DESCRIPTION,
        docs_url=None,  # Its page loads scripts from another host.
        redoc_url=None,
        telemetry=telemetry(),
    )
    app.state.gate = gate  # Requests come in by it; the server closes it when it stops.
    add_handlers(app)
    app.router.routes.extend(health.routes({"temporal": sessions.require_reachable}))
    for channel in CHANNELS:
        app.include_router(channel.router(gate))
    http.describe(app)
    if allowed_hosts is not None:
        own, origins = hosts.names(allowed_hosts, public_url), hosts.origins(settings.origins)
        hosts.add_middleware(app, own, origins, public_url)
    return app
