"""The socket of a call: frames in as they come, with their times, and frames out."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from turnkeeper.gateway.twilio.frames import Error, Inbound, Outbound, parse, written
from turnkeeper.telemetry import logger

WAITING_FRAMES = 1_000
"""Frames that may wait while a turn is under way; the platform is not read from beyond that."""
NORMAL, REFUSED, INTERNAL_ERROR = 1000, 1008, 1011
"""Close codes (RFC 6455, section 7.4.1)."""

_log = logger(__name__)


def now() -> float:
    """Seconds, of the clock that a call goes by."""
    return asyncio.get_running_loop().time()


class Wire:
    """Reads on while a turn is under way, so that nothing a caller says meanwhile is lost."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._frames: asyncio.Queue[tuple[Inbound, float] | None] = asyncio.Queue(WAITING_FRAMES)
        self.is_open = True
        self.code = NORMAL
        """With which the socket is closed in the end."""

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Frames are read inside; the socket is closed in the end.

        After an exception with 1011, which the platform reports as a failed session: the webhook
        then connects the call again (`turnkeeper.gateway.twilio.webhooks`).
        """
        reader = asyncio.ensure_future(self._read())
        try:
            yield
        except Exception:
            self.code = INTERNAL_ERROR
            raise
        finally:
            reader.cancel()
            await self._close(self.code)

    async def next(self, deadline: float | None = None) -> tuple[Inbound, float] | None:
        """The next frame and when it came; None: the socket is closed and all frames are read.

        Raises:
            TimeoutError: none came before the deadline.
        """
        async with asyncio.timeout_at(deadline):
            arrived = await self._frames.get()
        if arrived is None:
            self._frames.put_nowait(None)
        return arrived

    def forget(self) -> None:
        """Drop the frames that have come so far."""
        while not self._frames.empty():
            if self._frames.get_nowait() is None:
                self._frames.put_nowait(None)
                return

    async def send(self, frame: Outbound) -> None:
        """Over a closed socket nothing is sent: the next leg hears the pending question."""
        if not self.is_open:
            return
        try:
            await self._socket.send_text(written(frame))
        except (WebSocketDisconnect, RuntimeError):  # Closed meanwhile: two servers, two errors.
            self.is_open = False

    async def _read(self) -> None:
        while (message := await self._socket.receive())["type"] != "websocket.disconnect":
            await self._take(message.get("text") or "")
        self.is_open = False
        await self._frames.put(None)

    async def _take(self, text: str) -> None:
        frame = parse(text)
        if frame is None:
            _log.warning("a frame that ConversationRelay does not have was ignored")
        elif isinstance(frame, Error):
            _log.error("the platform refused a frame of ours; its own log says which")
        else:
            await self._frames.put((frame, now()))

    async def _close(self, code: int) -> None:
        if self.is_open and self._socket.application_state is WebSocketState.CONNECTED:
            self.is_open = False
            await self._socket.close(code)
