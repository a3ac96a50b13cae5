"""The gateway as a server: uvicorn on a socket of ours, stopped by cancelling."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator

import uvicorn
from fastapi import FastAPI

from turnkeeper.errors import SettingsError
from turnkeeper.gateway.events import Feeds
from turnkeeper.gateway.hosts import require_loopback

DEFAULT_PORT = 8080
BACKLOG = 2048
DRAIN_SECONDS = 5
"""For requests in hand when asked to stop; WebSockets are closed with 1012 (service restart)."""
MAX_FRAME_BYTES = 256 * 1024
"""Of a WebSocket message; a turn has a tighter limit of its own."""


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 is any free one.

    Raises:
        SettingsError: the address is not loopback, or the port is taken.
    """
    require_loopback(host)
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        raise SettingsError(
            f"Port {port} cannot be used ({error.strerror}): another program may have it;"
            " choose another with --gateway-port."
        ) from None
    return bound


def url_of(bound: socket.socket) -> str:
    """Where a bound socket is reached on this machine."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(app: FastAPI, bound: socket.socket, *, ready: Callable[[], None]) -> None:
    """Serves on a socket of `listen`, which is closed in the end, until this task is cancelled.
    `ready` is called once."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # A proxy's word for who asks: once somebody can say which proxy.
        ws_max_size=MAX_FRAME_BYTES,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    with bound:
        server = _Server(config)
        serving = asyncio.ensure_future(server.serve(sockets=[bound]))
        try:
            await server.is_up.wait()
            ready()
            await asyncio.shield(serving)
        finally:
            if isinstance(feeds := getattr(app.state, "feeds", None), Feeds):
                feeds.close()  # Streams without an end, which would be waited for.
            server.should_exit = True
            await serving


class _Server(uvicorn.Server):
    """Says when it is up, and leaves signals to the command, which cancels."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
