"""Which names this gateway answers to.

Until requests are authenticated it binds to loopback, and a browser on the same machine is the way
in: a page from anywhere may send requests to 127.0.0.1, under a name that resolves there (DNS
rebinding), or open a WebSocket, which browsers let across origins. So the Host that a request names
and the Origin that a browser adds must both be ours.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from turnkeeper.errors import SettingsError

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def require_loopback(host: str) -> None:
    """Raises SettingsError for an address that others can reach."""
    if host not in LOOPBACK:
        raise SettingsError(
            f"the gateway authenticates nobody yet and binds to {', '.join(LOOPBACK)} only, not to"
            f" {host!r}; put a proxy that authenticates before it."
        )


def names(allowed: Iterable[str], public_url: str | None) -> frozenset[str]:
    """Host names without ports, in lower case."""
    public = urlsplit(public_url or "").hostname
    return frozenset(name.lower() for name in (*allowed, *([public] if public else ())))


class OwnHosts:
    """ASGI middleware that refuses a Host or an Origin which is not among `names`."""

    def __init__(self, app: ASGIApp, names: frozenset[str]) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wrong = self._wrong(Headers(scope=scope)) if scope["type"] in _CHECKED else None
        if wrong is None:
            await self._app(scope, receive, send)
            return
        refusal = PlainTextResponse(
            f"This gateway does not answer to that {wrong}. Use 127.0.0.1 or localhost, or set"
            " TURNKEEPER_PUBLIC_URL to the address under which it is reached.\n",
            status_code=403 if wrong == "Origin" else 421,
        )
        await refusal(scope, receive, send)

    def _wrong(self, headers: Headers) -> str | None:
        """The header that names somebody else."""
        if _name(f"//{headers.get('host', '')}") not in self._names:
            return "Host"
        origin = headers.get("origin")
        if origin is not None and _name(origin) not in self._names:
            return "Origin"
        return None


def _name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:  # "[" alone, say
        return None


_CHECKED = frozenset({"http", "websocket"})
