"""The server on streamable HTTP, on this machine only, until SIGINT or SIGTERM.

Stateless: the transport keeps no session of its own, so any process can take the next request.
"""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Iterator

import uvicorn

from turnkeeper.errors import SettingsError
from turnkeeper.gateway.access.ways import Access
from turnkeeper.gateway.bounded import MAX_HEAD_BYTES, BoundedHTTP
from turnkeeper.mcp_server.address import Address
from turnkeeper.mcp_server.entrance import Entrance
from turnkeeper.mcp_server.server import FormServer
from turnkeeper.telemetry.logs import logger

PATH = "/mcp"
DRAIN_SECONDS = 5
"""For calls in hand when asked to stop."""

_log = logger(__name__)


async def serve_http(server: FormServer, address: Address, access: Access, tenant: str) -> None:
    """Serves until a signal asks to stop; calls in hand are answered first. `access` knows whom to
    let in, `tenant` is whose sessions the server has.

    The library refuses a Host or an Origin that is not this machine's (DNS rebinding).

    Raises:
        SettingsError: the port is taken.
    """
    app = server.streamable_http_app(
        host=address.host, streamable_http_path=PATH, stateless_http=True, json_response=True
    )
    config = uvicorn.Config(
        Entrance(app, access, tenant),
        http=BoundedHTTP,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    with _bound(address) as bound:
        await _Server(config).serve(sockets=[bound])


class _Server(uvicorn.Server):
    """Says when it can be reached. Stops on a signal and leaves it at that: uvicorn's own would
    raise it again, before turns whose caller is gone are stored."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for bound in sockets or ():
            host, port = bound.getsockname()[:2]
            _log.info("mcp server is running", address=f"http://{Address(host, port)}{PATH}")

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            if sys.platform == "win32":
                signal.signal(number, self.handle_exit)
            else:
                loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


def _bound(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((address.host, address.port))
    except OSError as error:
        bound.close()
        raise SettingsError(
            f"--http: {address} cannot be listened on ({error.strerror}); stop what is there, or "
            "choose another port (0 is any free one)."
        ) from None
    return bound
