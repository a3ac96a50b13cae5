"""Which names this gateway answers to, and which web sites' pages may use it.

A page from anywhere may send requests to 127.0.0.1, under a name that resolves there (DNS
rebinding), or open a WebSocket, which browsers let across origins. No token goes with these by
itself; still the Host that a request names must be ours, and the Origin that a browser adds must be
ours or one of those that are allowed. For these the answers say so (CORS, in the Fetch standard).
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from turnkeeper.errors import SettingsError
from turnkeeper.gateway import health

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""Of every answer that does not say otherwise: most of them are about a caller."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def require_name(host: str, public_url: str | None) -> None:
    """Raises SettingsError for an address that others can reach, if they have no name for it."""
    if host not in LOOPBACK and public_url is None:
        raise SettingsError(
            f"to be reached at {host!r} from elsewhere, the gateway must know its name: set"
            " TURNKEEPER_PUBLIC_URL, such as https://voice.example.com."
        )


def names(allowed: Iterable[str], public_url: str | None) -> frozenset[str]:
    """Host names without ports, in lower case."""
    public = urlsplit(public_url or "").hostname
    return frozenset(name.lower() for name in (*allowed, *([public] if public else ())))


def origins(setting: str | None) -> tuple[str, ...]:
    """Those of the setting, in lower case."""
    return tuple(one.strip().lower() for one in (setting or "").split(",") if one.strip())


def add_middleware(
    app: FastAPI, names: frozenset[str], origins: tuple[str, ...], public_url: str | None
) -> None:
    """Has an app refuse other hosts and origins, and tell browsers of those that may."""
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Last-Event-ID"],
            expose_headers=["Location", "Retry-After"],
            max_age=600,
        )
    app.add_middleware(OwnHosts, names=names, origins=origins, public_url=public_url)


class OwnHosts:
    """ASGI middleware that refuses a Host which is not among `names`, and an Origin which is
    neither that of the request nor among `origins`. What it lets through is not to be kept by
    caches, unless the answer says otherwise itself."""

    def __init__(
        self,
        app: ASGIApp,
        names: frozenset[str],
        origins: Iterable[str] = (),
        public_url: str | None = None,
    ) -> None:
        public = urlsplit(public_url or "")
        self._app = app
        self._names = names
        self._public = public.hostname
        self._origins = frozenset((*origins, f"{public.scheme}://{public.netloc}".lower()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wrong = None
        if scope["type"] in _CHECKED:
            # Who watches the process asks at the address of a pod, which is no name of ours.
            wrong = self._wrong(Headers(scope=scope), told_to_all=scope["path"] in health.PATHS)
        if wrong is None:
            await self._app(scope, receive, _sending(send))
            return
        refusal = PlainTextResponse(
            f"This gateway does not answer to that {wrong}. Use 127.0.0.1 or localhost, or set"
            " TURNKEEPER_PUBLIC_URL to the address under which it is reached, and"
            " TURNKEEPER_ORIGINS to the web sites whose pages may use it.\n",
            status_code=403 if wrong == "Origin" else 421,
        )
        await refusal(scope, receive, _sending(send))

    def _wrong(self, headers: Headers, *, told_to_all: bool) -> str | None:
        """The header that names somebody else."""
        host = headers.get("host", "").lower()
        if not told_to_all and _name(f"//{host}") not in self._names:
            return "Host"
        origin = headers.get("origin", "").lower()
        known = not origin or origin in self._origins or self._is_same(origin, host)
        return None if known else "Origin"

    def _is_same(self, origin: str, host: str) -> bool:
        """Whether a page is of the address that it asks. Of the public one the scheme counts too,
        which a proxy before us has taken off: that origin is among those that are known."""
        return _name(origin) != self._public and origin.partition("://")[2] == host


def _sending(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending


def _name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:  # "[" alone, say
        return None


_CHECKED = frozenset({"http", "websocket"})
