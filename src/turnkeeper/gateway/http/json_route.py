"""A route that admits whom the gate knows, reads no body but JSON, and no more of it than a turn
may have."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute
from starlette.types import Message

from turnkeeper.errors import TurnTooLarge
from turnkeeper.gateway.access.guard import admit

MAX_BODY_BYTES = 128 * 1024
"""Twice what a turn may have (`turnkeeper.contract.MAX_TURN_BYTES`), for a writer's white space."""


class JsonRoute(APIRoute):
    """Refuses who is not known, before a body is read; a body that is too large, before it is read
    where its length is said; and one that is not declared as JSON. FastAPI has these checks in
    newer releases only, or not as problems."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        has_body = self.body_field is not None

        async def guarded(request: Request) -> Response:
            await admit(request)
            return await (bounded(request) if has_body else handle(request))

        async def bounded(request: Request) -> Response:
            body = await _body(request)
            if body and not _is_json(request.headers.get("content-type", "")):
                raise HTTPException(415, "send the body with Content-Type: application/json")

            async def receive() -> Message:
                return {"type": "http.request", "body": body, "more_body": False}

            return await handle(Request(request.scope, receive))

        return guarded


async def _body(request: Request) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > MAX_BODY_BYTES:
        raise _too_large()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
    return bytes(body)


def _too_large() -> TurnTooLarge:
    return TurnTooLarge(
        f"the body is over the limit of {MAX_BODY_BYTES:,} bytes: send what was said in one breath,"
        " not a document"
    )


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )
