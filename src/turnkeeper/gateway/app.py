"""The gateway as an ASGI application: mount it in your own, or run `python -m worker gateway`.

app = create_app(sessions, forms=...)
your_app.mount("/voice", app)
"""

from collections.abc import Awaitable, Callable, Sequence
from importlib.metadata import version

from fastapi import FastAPI

from turnkeeper.client import VoiceSessions
from turnkeeper.gateway import console, hosts, http, openai, retell, stream, twilio
from turnkeeper.gateway.doorway import Catalogue, Doorway, NoForms
from turnkeeper.gateway.problems import add_handlers

CHANNELS = (http, stream, twilio, openai, retell, console)
"""Each has `router(doorway)`."""

DESCRIPTION = """\
Durable forms for voice agents. Open a caller's form, send turns, speak the replies; after a dropped
call open it again and go on. A turn is stored before it is answered. Errors are problem+json with a
stable `type`; on 503 nothing is known about the session: send the same request again.
"""


def create_app(
    sessions: VoiceSessions,
    *,
    forms: Catalogue | None = None,
    public_url: str | None = None,
    ui_url: str | None = None,
    kill_worker: Callable[[], Awaitable[None]] | None = None,
    allowed_hosts: Sequence[str] | None = hosts.LOOPBACK,
) -> FastAPI:
    """An app with every channel. It has no lifespan: whoever opened `sessions` closes them.

    Args:
        sessions: open, from `VoiceSessions.connect()` or `turnkeeper.testing.MemorySessions`.
        forms: what `GET /v1/forms` tells of, such as `worker.forms.FormFolder`.
        public_url: where the gateway is reached from outside: `https://voice.example.com`.
        ui_url: of the Temporal UI's namespace page.
        kill_worker: for the console's button; only a development set-up has it.
        allowed_hosts: names that a request's Host and a browser's Origin may have, besides that of
            `public_url`; None when the application that this is mounted in looks after that.
    """
    public_url = public_url.rstrip("/") if public_url else None
    doorway = Doorway(sessions, forms or NoForms(), public_url, ui_url, kill_worker)
    app = FastAPI(
        title="Turnkeeper",
        version=version("turnkeeper"),
        description=DESCRIPTION,
        docs_url=None,  # Its page loads scripts from another host.
        redoc_url=None,
    )
    app.state.feeds = doorway.feeds  # The server closes them when it stops.
    add_handlers(app)
    for channel in CHANNELS:
        app.include_router(channel.router(doorway))
    http.describe(app)
    if allowed_hosts is not None:
        app.add_middleware(hosts.OwnHosts, names=hosts.names(allowed_hosts, public_url))
    return app
