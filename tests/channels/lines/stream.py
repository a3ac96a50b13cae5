"""A caller on the WebSocket, as an agent drives it that knows nothing but the protocol."""

import json
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect

from tests.channels.stand import GatewayProcess


class StreamLine:
    """`tests.channels.conformance.Line` over `/v1/stream`."""

    def __init__(self) -> None:
        self._socket: ClientConnection | None = None
        self._utterance = 0
        self._words = ""

    async def open(self, gateway: GatewayProcess, form: str, caller: str) -> str:
        await self.close()
        self._socket = await connect(f"{gateway.ws_url}/v1/stream")
        await self._send(type="hello", token=gateway.token)
        assert json.loads(await self._socket.recv())["type"] == "welcome"
        await self._send(type="open", form=form, caller=caller, connect_id=uuid4().hex)
        return await self._heard()

    async def say(self, words: str) -> str:
        await self._begin(words)
        return await self._heard()

    async def again(self) -> str:
        return await self.amend(self._words)

    async def amend(self, words: str) -> str:
        await self._turn(words)
        return await self._heard()

    async def say_and_drop(self, words: str) -> None:
        await self._begin(words)
        await self.drop()

    async def barge_in(self, words: str, then: str) -> str:
        """Two turns on their way at once: the reply to the first is not spoken."""
        await self._begin(words)
        await self._begin(then)
        await self._heard()
        return await self._heard()

    async def drop(self) -> None:
        """Cut, without a close frame: behind it, what was sent arrives."""
        assert self._socket is not None
        self._socket.transport.close()
        await self._socket.wait_closed()

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.close()

    async def _begin(self, words: str) -> None:
        self._utterance += 1
        await self._turn(words)

    async def _turn(self, words: str) -> None:
        self._words = words
        await self._send(type="turn", utterance_id=f"u{self._utterance}", text=words)

    async def _send(self, **message: object) -> None:
        assert self._socket is not None
        await self._socket.send(json.dumps(message))

    async def _heard(self) -> str:
        """What the next reply says; a turn that the store did not take is sent again."""
        assert self._socket is not None
        message = json.loads(await self._socket.recv())
        while message["type"] == "event":
            message = json.loads(await self._socket.recv())
        if message["type"] == "error" and message["retryable"]:
            return await self.again()
        said: str = message["reply"]["say"]
        return said
