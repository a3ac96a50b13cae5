"""The console: a page at `/` for trying forms, demonstrating, and helping callers.

Its files are in `page/`, and what it does it does over `/v1` as any client would. Here are only the
files, where the Temporal UI is, and, in a development set-up, the button that kills the worker.
"""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from turnkeeper.gateway.access.gate import Gate
from turnkeeper.gateway.access.guard import Operates, admit
from turnkeeper.gateway.doorway import Doorway, Site
from turnkeeper.telemetry import logger

MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
"""By a file's suffix; a file with another one is not served."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)
"""Content Security Policy, level 3: nothing inline, nothing from another host, no frame round it,
and no text becomes markup: what a caller said is shown on this page."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
}

_PAGE = "index.html"
_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the page, as it is served."""

    body: bytes
    media_type: str
    etag: str


def read_assets() -> dict[str, Asset]:
    """The page's files, by name."""
    found = ((path.name, path) for path in files("turnkeeper.gateway").joinpath("page").iterdir())
    return {
        name: _asset(path.read_bytes(), MEDIA_TYPES[suffix])
        for name, path in found
        if (suffix := name.rpartition(".")[2]) in MEDIA_TYPES
    }


def _asset(body: bytes, media_type: str) -> Asset:
    return Asset(body, media_type, f'"{sha256(body).hexdigest()[:16]}"')


def router(gate: Gate) -> APIRouter:
    """The channel; see `docs/channels/console.md`. None of it is part of the described API."""
    routes = APIRouter(include_in_schema=False)
    page = _Page(gate.site, read_assets())
    reading = ["GET", "HEAD"]
    routes.add_api_route("/", page.index, methods=reading)
    routes.add_api_route("/console/config.json", page.config, methods=reading)
    routes.add_api_route("/console/{name}", page.asset, methods=reading)
    if gate.site.kill_worker is not None:
        guarded = APIRouter(route_class=_Guarded, include_in_schema=False)
        kill = _killing(gate.site.kill_worker)
        guarded.add_api_route("/dev/kill-worker", kill, methods=["POST"], status_code=204)
        routes.include_router(guarded)
    return routes


class _Page:
    """What the page is made of."""

    def __init__(self, site: Site, assets: dict[str, Asset]) -> None:
        self._site = site
        self._assets = assets

    async def index(self, request: Request) -> Response:
        return self._served(request, self._assets[_PAGE])

    async def asset(self, request: Request, name: str) -> Response:
        if name not in self._assets or name == _PAGE:
            raise HTTPException(404)
        return self._served(request, self._assets[name])

    async def config(self) -> Response:
        """`ui_url`: of the Temporal UI's namespace page, or null. `kill_worker`: whether there is
        a worker to be killed from here."""
        told = {
            "ui_url": self._site.ui_url,
            "kill_worker": self._site.kill_worker is not None,
        }
        return JSONResponse(told, headers={**HEADERS, "Cache-Control": "no-store"})

    def _served(self, request: Request, asset: Asset) -> Response:
        """With `no-cache` a browser asks each time, and after an upgrade has no old script beside
        a new one; mostly the answer is a 304 (RFC 9110, 13.1.2)."""
        headers = {**HEADERS, "Cache-Control": "no-cache", "ETag": asset.etag}
        known = request.headers.get("if-none-match", "")
        if asset.etag in (tag.strip().removeprefix("W/") for tag in known.split(",")):
            return Response(status_code=304, headers=headers)
        return Response(asset.body, headers=headers, media_type=asset.media_type)


class _Guarded(APIRoute):
    """A route that admits whom the gate knows."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[object, object, Response]]:
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            await admit(request)
            return await handle(request)

        return guarded


def _killing(kill: Callable[[], Awaitable[None]]) -> Callable[[Doorway], Awaitable[Response]]:
    async def kill_worker(door: Operates) -> Response:
        _log.warning("the worker is killed, as the console asked for")
        await kill()
        return Response(status_code=204)

    return kill_worker
