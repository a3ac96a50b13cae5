"""A WebSocket as a line of messages: read with an idle time-out, written with a slow reader's.

Nothing is queued on the way out. A message that the peer does not take holds up whoever sends it,
and so, in the end, the reading: a client that does not read is not read from either.
"""

import asyncio
from dataclasses import dataclass

from starlette.websockets import WebSocket, WebSocketDisconnect

from turnkeeper.gateway.stream.closing import CLOSES, Code, Ended
from turnkeeper.gateway.stream.messages import BadMessage, ClientMessage, ServerMessage, read

CLOSING_SECONDS = 1.0
"""For the close frame itself, which waits behind what a slow reader has not taken."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one socket may take up."""

    window: int = 8
    """Messages that are read and not answered yet; more wait in the client's TCP buffers. Temporal
    stalls with more than ten updates of one workflow on their way (measured)."""
    hello_seconds: float = 10.0
    """From the handshake to the client's hello."""
    rate: float = 20.0
    """Messages a second; a caller who speaks fast makes one."""
    burst: int = 40
    """Messages that may come at once after a pause."""
    over_rate: int = 200
    """Messages over the rate, read at the rate, before the socket is closed: ten seconds'."""
    idle_seconds: float = 600.0
    """Silence of the client, `ping` included, after which its socket is closed."""
    slow_seconds: float = 20.0
    """How long a message may wait to be written; as long as uvicorn waits for a pong."""


class Line:
    """One socket, accepted."""

    def __init__(self, socket: WebSocket, limits: Limits) -> None:
        self._socket = socket
        self._limits = limits
        self._lost = False

    async def receive(self) -> ClientMessage | BadMessage | None:
        """The next message, or what is wrong with it; None when the socket is lost.

        Raises Ended when the client is idle.
        """
        await asyncio.sleep(0)  # Others' turn: all frames of a packet are there at once.
        try:
            async with asyncio.timeout(self._limits.idle_seconds):
                frame = await self._socket.receive()
        except TimeoutError:
            raise Ended(Code.IDLE) from None
        if frame["type"] == "websocket.disconnect":
            self._lost = True
            return None
        if frame.get("text") is None:
            return BadMessage("the frame is binary; send JSON in text frames")
        try:
            return read(frame["text"])
        except BadMessage as error:
            return error

    async def send(self, message: ServerMessage) -> None:
        """Returns when it is written; to a lost socket nothing is. Raises Ended for a client that
        does not read."""
        try:
            async with asyncio.timeout(self._limits.slow_seconds):
                await self._write(message.model_dump_json())
        except TimeoutError:
            raise Ended(Code.NOT_READING) from None

    async def close(self, code: Code) -> None:
        """Close with that code, as far as the peer takes it."""
        try:
            async with asyncio.timeout(CLOSING_SECONDS):
                await self._socket.close(code, CLOSES[code].reason)
        except (TimeoutError, WebSocketDisconnect, RuntimeError):
            self._lost = True  # Returning from the route cuts the connection.

    async def _write(self, text: str) -> None:
        if self._lost:
            return
        try:
            await self._socket.send_text(text)
        except (WebSocketDisconnect, RuntimeError):
            # Lost, and `receive` says so in a moment; RuntimeError is uvicorn's and Starlette's
            # for a socket that the server itself has closed.
            self._lost = True
