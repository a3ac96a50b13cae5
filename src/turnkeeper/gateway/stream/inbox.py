"""What a client has sent and was not answered yet: read ahead, as far as the window, at the pace
that it is allowed. Until it is known who the client is, one message is read at a time."""

import asyncio
import time

from turnkeeper.errors import TooManyRequests
from turnkeeper.gateway.stream.closing import Code, Ended
from turnkeeper.gateway.stream.failing import ToAnswer, failed
from turnkeeper.gateway.stream.line import Limits, Line
from turnkeeper.gateway.stream.messages import BadMessage, Hello, Ping, Pong
from turnkeeper.gateway.stream.pace import Pace

TOO_FAST = (
    "this socket sends more than {rate:g} messages a second: it is read more slowly now, and closed"
    " if that goes on"
)


class Look:
    """There may be news of the session: look, after what was sent before."""

    def __init__(self) -> None:
        self.seen: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        """Whether the store could be reached."""


class Inbox:
    """The inbox of one socket."""

    def __init__(self, line: Line, limits: Limits) -> None:
        self._line = line
        self._rate = limits.rate
        self._pace = Pace(limits.rate, limits.burst, limits.over_rate)
        self._window = asyncio.Semaphore(1)
        self._kept_back = limits.window - 1
        """How much of the window is, until it is known who is there."""
        self._queue: asyncio.Queue[ToAnswer | Look | None] = asyncio.Queue()
        self.unanswered = 0

    async def read(self, hello: Hello | BadMessage | None) -> None:
        """Returns when the socket is lost. `hello` came with the handshake. Raises Ended."""
        await self._window.acquire()
        if hello is not None:
            await self._take(hello)
        while (message := await self._line.receive()) is not None:
            await self._keep_pace()
            if isinstance(message, Ping):
                await self._line.send(Pong(id=message.id))
            else:
                await self._take(message)
        self._queue.put_nowait(None)

    def look(self) -> Look:
        """Put a look behind what has come so far."""
        look = Look()
        self._queue.put_nowait(look)
        return look

    async def next(self) -> ToAnswer | Look | None:
        """What is to be answered next; None when the socket is lost and all was."""
        return await self._queue.get()

    def answered(self) -> None:
        """A message was: there is room for another one."""
        self.unanswered -= 1
        self._window.release()

    def widen(self) -> None:
        """Read ahead from now on."""
        for _ in range(self._kept_back):
            self._window.release()
        self._kept_back = 0

    async def _take(self, message: ToAnswer) -> None:
        """Returns when there is room for another one."""
        self.unanswered += 1
        self._queue.put_nowait(message)
        await self._window.acquire()

    async def _keep_pace(self) -> None:
        """Raises Ended for a client that goes on sending too much."""
        wait = self._pace.came(time.monotonic())
        if self._pace.is_too_much:
            raise Ended(Code.TOO_MANY)
        if wait and self._pace.over == 1:
            told = TooManyRequests(TOO_FAST.format(rate=self._rate))
            await self._line.send(failed(None, told))
        await asyncio.sleep(wait)
