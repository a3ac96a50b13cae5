"""Retell's side of its custom-LLM WebSocket."""

import asyncio
import json
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect

from tests.channels.stand import GatewayProcess

HEARD_CHARACTERS = 5


class RetellLine:
    """A phone call that Retell has answered."""

    def __init__(self) -> None:
        self._sockets: list[ClientConnection] = []
        self._transcript: list[dict[str, str]] = []
        self._response_id = 0

    @property
    def _socket(self) -> ClientConnection:
        return self._sockets[-1]

    async def open(self, gateway: GatewayProcess, form: str, caller: str) -> str:
        self._transcript, self._response_id = [], 0
        self._sockets.append(await connect(f"{gateway.ws_url}/retell/{form}/call_{uuid4().hex}"))
        config = await self._received("config")
        assert config["config"] == {"auto_reconnect": True, "call_details": True}
        call = {
            "from_number": caller,
            "to_number": "+14155550100",
            "direction": "inbound",
            "metadata": {"turnkeeper_token": gateway.token},
        }
        await self._send(interaction_type="call_details", call=call)
        return await self._spoken()

    async def say(self, words: str) -> str:
        await self._asked(words)
        return await self._spoken()

    async def again(self) -> str:
        self._transcript.pop()
        await self._require()
        return await self._spoken()

    async def amend(self, words: str) -> str:
        del self._transcript[-2:]
        return await self.say(words)

    async def say_and_drop(self, words: str) -> None:
        await self._asked(words)
        await self.drop()

    async def barge_in(self, words: str, then: str) -> str:
        await self._asked(words)
        said = await self._spoken()
        self._transcript[-1]["content"] = said[:HEARD_CHARACTERS]
        return await self.say(then)

    async def drop(self) -> None:
        """The connection breaks: no close frame."""
        self._socket.transport.abort()

    async def close(self) -> None:
        await asyncio.gather(*(socket.close() for socket in self._sockets))

    async def _asked(self, words: str) -> None:
        self._transcript.append({"role": "user", "content": words})
        await self._send(interaction_type="update_only", transcript=self._transcript)
        await self._require()

    async def _require(self) -> None:
        self._response_id += 1
        await self._send(
            interaction_type="response_required",
            response_id=self._response_id,
            transcript=self._transcript,
        )

    async def _spoken(self) -> str:
        """The words for the newest request, as the agent's part of the transcript."""
        while (response := await self._received("response"))["response_id"] != self._response_id:
            assert isinstance(response["response_id"], int)
        said = response["content"]
        assert isinstance(said, str)
        self._transcript.append({"role": "agent", "content": said})
        return said

    async def _send(self, **frame: object) -> None:
        await self._socket.send(json.dumps(frame))

    async def _received(self, kind: str) -> dict[str, object]:
        async with asyncio.timeout(30):
            while True:
                frame: dict[str, object] = json.loads(await self._socket.recv())
                if frame["response_type"] == kind:
                    return frame
