"""Who is on a socket: its hello, and for how long that is good.

Before a hello nothing else is heard. It comes as the first message, or with the handshake as a
subprotocol; a token in the address is refused, because addresses end up in logs.
"""

import asyncio
import time
from collections.abc import Collection
from contextlib import ExitStack
from typing import Never

from starlette.websockets import WebSocket

from turnkeeper.errors import InvalidInput, StoreUnavailable, TooManyRequests, Unauthenticated
from turnkeeper.gateway.access.gate import Gate
from turnkeeper.gateway.access.lasting import pause, still_good
from turnkeeper.gateway.access.principal import Principal, Scope
from turnkeeper.gateway.access.tickets import PREFIX
from turnkeeper.gateway.doorway import Doorway
from turnkeeper.gateway.stream.closing import Code, Ended
from turnkeeper.gateway.stream.messages import BadMessage, Hello, Welcome

SUBPROTOCOL = "turnkeeper.v1"
"""What a client offers and is answered with; beside it it may offer its token."""
BEARER = "bearer."
"""How the subprotocol begins that is a token. It is never answered."""
IN_ADDRESS = frozenset({"token", "ticket", "access_token", "api_key", "key", "authorization"})
"""Names in a query that mean a token."""


async def accepted(socket: WebSocket) -> Hello | BadMessage | None:
    """Accepts a socket. The hello that came with its handshake, or what is wrong with that."""
    offered: Collection[str] = socket.scope.get("subprotocols", ())
    await socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
    if IN_ADDRESS & {name.lower() for name in socket.query_params}:
        return BadMessage(
            "a token in the address ends up in logs: send it in the first message,"
            ' {"type": "hello", "token": ...}, or as the subprotocol bearer.<token>; and replace'
            " this one",
            of="hello",
        )
    token = next((one for one in offered if one.startswith(BEARER)), "").removeprefix(BEARER)
    return Hello(token=token) if token else None


class Entrance:
    """Lets one socket in.

    Args:
        gate: the gateway's.
        address: whose socket it is.
        patience: seconds that a client has for its hello.
    """

    def __init__(self, gate: Gate, address: str, patience: float) -> None:
        self._gate = gate
        self._address = address
        self._patience = patience
        self._waits_until = time.monotonic() + patience
        self._door: Doorway | None = None
        self._token: str | None = None
        self._is_in = asyncio.Event()
        self._counted = ExitStack()

    @property
    def is_in(self) -> bool:
        return self._door is not None

    @property
    def door(self) -> Doorway:
        """What the client reaches. Raises Unauthenticated while it is not known."""
        if self._door is None:
            raise Unauthenticated("nothing goes before a hello with a token")
        return self._door

    async def open(self) -> None:
        """Where everyone is let in, a client need not say hello. Raises Ended where too many others
        have yet to say theirs."""
        try:
            self._counted.enter_context(self._gate.waiting(self._address))
        except TooManyRequests:
            raise Ended(Code.TOO_MANY_WAIT) from None
        if self._gate.is_open:
            self._door = self._gate.door(await self._gate.access.principal(None))
            self._is_in.set()

    def close(self) -> None:
        """The socket is over."""
        self._counted.close()

    async def admit(self, scope: Scope) -> None:
        """One message that needs it. Raises Unauthenticated, Forbidden, TooManyRequests."""
        self.door.require(scope)
        await self._gate.limits.request(self.door.principal)

    async def hello(self, message: Hello) -> Welcome:
        """Raises Unauthenticated, StoreUnavailable, TooManyRequests, and InvalidInput for a client
        that is in."""
        if self._token is not None:
            raise InvalidInput("this socket has said hello; open another one for another token")
        try:
            principal = await self._of(message.token)
        except StoreUnavailable:
            self._waits_until = time.monotonic() + self._patience
            raise
        self._let_in(principal)
        self._token = message.token
        ends = principal.expires_at
        return Welcome(
            scopes=tuple(sorted(principal.scopes)),
            expires_in=None if ends is None else max(0, int(ends - time.time())),
        )

    async def watch(self) -> Never:
        """Raises Ended when the client has not said who it is in time, or is no longer let in."""
        while not self._is_in.is_set():
            try:
                async with asyncio.timeout(self._waits_until - time.monotonic()):
                    await self._is_in.wait()
            except TimeoutError:
                if time.monotonic() >= self._waits_until:
                    raise Ended(Code.UNAUTHENTICATED) from None
        while True:
            await asyncio.sleep(pause(self.door.principal))
            if not await still_good(self._gate.access, self.door.principal, self._token):
                raise Ended(Code.UNAUTHENTICATED)

    async def _of(self, token: str) -> Principal:
        if token.startswith(PREFIX):
            return await self._gate.of_ticket(token, "stream", self._address)
        return await self._gate.of_token(token, self._address)

    def _let_in(self, principal: Principal) -> None:
        limits = self._gate.limits
        self._counted.close()  # It waits no more.
        limits.require_stream(principal)
        self._door = self._gate.door(principal)
        self._counted.enter_context(limits.streaming(principal))
        self._is_in.set()
