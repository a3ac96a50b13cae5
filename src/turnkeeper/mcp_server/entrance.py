"""Who may use the server over HTTP: an ASGI layer round all of it. On standard input and output the
agent's host has started the server itself, and is not asked.
"""

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from turnkeeper.errors import (
    Forbidden,
    KeyUnknown,
    SettingsError,
    StoreUnavailable,
    TurnkeeperError,
    Unauthenticated,
)
from turnkeeper.gateway.access import principal
from turnkeeper.gateway.access.ways import Access
from turnkeeper.telemetry.logs import logger

SCOPES: tuple[principal.Scope, ...] = ("talk", "read", "operate")
"""What the tools do, taken together: a host has all of them or none."""

_REFUSALS: Mapping[type[TurnkeeperError], tuple[int, str, dict[str, str]]] = {
    Unauthenticated: (
        401,
        "send 'Authorization: Bearer' with an API key or a token that is good here",
        {"WWW-Authenticate": "Bearer"},
    ),
    Forbidden: (403, f"this takes the scopes {', '.join(SCOPES)}, and no end user's token", {}),
    KeyUnknown: (503, "a key is not here: whoever runs this server has to look", {}),
    SettingsError: (503, "the settings are wrong: whoever runs this server has to look", {}),
    StoreUnavailable: (503, "who you are cannot be known now: send it again", {"Retry-After": "2"}),
}

_log = logger(__name__)


class Entrance:
    """Lets requests through whose token is of this tenant.

    Args:
        app: what they go to.
        access: knows tokens.
        tenant: whose sessions the tools reach.
    """

    def __init__(self, app: ASGIApp, access: Access, tenant: str) -> None:
        self._app = app
        self._access = access
        self._tenant = tenant

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["type"] == "http":
                await self._admit(Headers(scope=scope).get("authorization", ""))
        except tuple(_REFUSALS) as error:
            _log.warning("a request was refused", reason=type(error).__name__)
            status, said, headers = _REFUSALS[type(error)]
            await JSONResponse({"error": said}, status, headers)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _admit(self, authorization: str) -> None:
        kind, _, token = authorization.partition(" ")
        known = await self._access.principal(token.strip() if kind.lower() == "bearer" else None)
        if known.tenant != self._tenant:
            raise Unauthenticated("it is for another tenant")
        known.require(*SCOPES)
        if known.caller is not None:
            raise Forbidden("it is an end user's")
