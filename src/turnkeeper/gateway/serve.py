"""The gateway as a server: uvicorn on a socket of ours, stopped by cancelling."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator

import uvicorn
from fastapi import FastAPI

from turnkeeper.errors import SettingsError
from turnkeeper.gateway.hosts import require_loopback

DEFAULT_PORT = 8080
DRAIN_SECONDS = 5
"""For requests in hand when asked to stop; WebSockets are closed with 1012 (service restart)."""
MAX_FRAME_BYTES = 256 * 1024
"""Of a WebSocket message; a turn has a tighter limit of its own."""


async def serve(app: FastAPI, *, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serves until this task is cancelled; `ready` is called once with the gateway's URL.

    Raises:
        SettingsError: the address is not loopback, or the port is taken.
    """
    require_loopback(host)
    with _bound(host, port) as bound:
        server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                # A proxy's word for who asks is believed once somebody can say which proxy.
                proxy_headers=False,
                ws_max_size=MAX_FRAME_BYTES,
                timeout_graceful_shutdown=DRAIN_SECONDS,
            )
        )
        serving = asyncio.ensure_future(server.serve(sockets=[bound]))
        try:
            await server.is_up.wait()
            ready(_url(host, bound.getsockname()[1]))
            await asyncio.shield(serving)
        finally:
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


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise SettingsError(
            f"the gateway cannot listen on {host} port {port} ({error.strerror}): stop what is"
            " there, or choose another with --gateway-port (0 is any free one)."
        ) from None
    return bound


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
