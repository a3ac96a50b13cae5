"""The gateway as a server: uvicorn on a socket of ours, stopped by cancelling."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator

import uvicorn
from starlette.applications import Starlette

from turnkeeper.errors import SettingsError
from turnkeeper.gateway.access.gate import Gate
from turnkeeper.gateway.bounded import MAX_HEAD_BYTES, BoundedHTTP
from turnkeeper.gateway.hosts import require_name

DEFAULT_PORT = 8080
BACKLOG = 2048
DRAIN_SECONDS = 5
"""For requests in hand when asked to stop; WebSockets are closed with 1012 (service restart)."""
MAX_FRAME_BYTES = 256 * 1024
"""Of a WebSocket message; a turn has a tighter limit of its own."""


def listen(
    host: str, port: int, public_url: str | None = None, *, option: str = "--gateway-port"
) -> socket.socket:
    """A bound socket; port 0 is any free one. `option` is what chooses the port.

    Raises:
        SettingsError: the port is taken; or the address is not loopback, and there is no name
            under which it is to be reached.
    """
    require_name(host, public_url)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Only where the protocol is said does asyncio turn Nagle's algorithm off for what is accepted:
    # with it an answer's body waits for the client's late ACK of the head, 40 ms (measured).
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        raise SettingsError(
            f"Port {port} cannot be used ({error.strerror}): another program may have it;"
            f" choose another with {option}."
        ) from None
    return bound


def url_of(bound: socket.socket) -> str:
    """Where a bound socket is reached on this machine."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(
    app: Starlette,
    bound: socket.socket,
    *,
    ready: Callable[[], None],
    proxies: str | None = None,
) -> None:
    """Serves on a socket of `listen`, which is closed in the end, until this task is cancelled.

    Args:
        app: of `create_app`, or another.
        bound: the socket.
        ready: called once, when requests are taken.
        proxies: addresses and networks, with commas between, whose X-Forwarded-For is believed.
    """
    config = uvicorn.Config(
        app,
        http=BoundedHTTP,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        log_config=None,
        log_level="warning",  # That it is up is told by who serves, once.
        access_log=False,
        server_header=False,
        proxy_headers=proxies is not None,
        forwarded_allow_ips=proxies,
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
            if isinstance(gate := getattr(app.state, "gate", None), Gate):
                gate.close()  # Streams without an end, which would be waited for.
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
