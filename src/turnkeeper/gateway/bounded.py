"""HTTP/1.1 as anybody on the network may speak it to us: a request's head has a size, a request a
time, and a body that was answered before it was all here an end.

uvicorn reads with httptools where that is installed, which takes a head of any length; its other
reader, h11, has a limit for one, and neither has one for time. A socket's handshake comes in by
the same way, and `websockets` then takes 128 headers of 8 KiB each of it.
"""

import asyncio
from typing import cast

from h11 import DONE, IDLE, SEND_BODY
from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_HEAD_BYTES = 32 * 1024
"""Of a request line and its headers; a token has 8 KiB at most. More gets a 400."""
REQUEST_SECONDS = 30.0
"""From a connection, or the answer before, to a request's last byte. Keep-alive is shorter."""
MAX_UNREAD_BYTES = 1024 * 1024
"""Of a body whose request was answered, refused say: they are read and dropped, since a client that
is still writing would not see the answer if the connection were closed at once."""


class BoundedHTTP(H11Protocol):
    """A connection, which is cut when its client takes too long or sends what nobody reads."""

    _timer: asyncio.TimerHandle | None = None
    _unread = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast(asyncio.Transport, transport))  # uvloop's own is none by class
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._is_here()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.our_state is DONE and self.conn.their_state is SEND_BODY:
            self._unread += len(data)
            if self._unread > MAX_UNREAD_BYTES:
                self.transport.abort()

    def handle_events(self) -> None:
        super().handle_events()
        self._look()

    def _look(self) -> None:
        """Whether more of a request has to come; after an upgrade the connection is a socket's."""
        is_socket = self.transport.get_protocol() is not self
        if is_socket or self.conn.their_state not in (IDLE, SEND_BODY):
            self._is_here()
        elif self._timer is None:
            self._timer = self.loop.call_later(REQUEST_SECONDS, self.transport.abort)

    def _is_here(self) -> None:
        self._unread = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
