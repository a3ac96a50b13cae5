"""WebSocket `/v1/stream`: open, turns, replies and events on one socket, one session a socket.

The messages are in `messages`, who is let in in `entrance`, the codes with which a socket is closed
in `closing`, what happens between the two in `conversation`.
"""

from fastapi import APIRouter
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket

from turnkeeper.gateway.access.gate import Gate
from turnkeeper.gateway.stream.asyncapi import document
from turnkeeper.gateway.stream.conversation import Conversation
from turnkeeper.gateway.stream.entrance import Entrance, accepted
from turnkeeper.gateway.stream.line import Limits, Line

PATH = "/v1/stream"


def router(gate: Gate, limits: Limits = Limits()) -> APIRouter:  # noqa: B008  # frozen
    """The socket, and its description: `GET /asyncapi.json`."""

    async def stream(socket: WebSocket) -> None:
        hello = await accepted(socket)
        address = socket.client.host if socket.client else ""
        entrance = Entrance(gate, address, limits.hello_seconds)
        await Conversation(Line(socket, limits), entrance, limits, hello).run()

    router = APIRouter()
    router.add_websocket_route(PATH, stream)
    router.add_route("/asyncapi.json", lambda _: JSONResponse(document()), include_in_schema=False)
    return router
