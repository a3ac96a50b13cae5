"""Retell's end of a call."""

import asyncio
import json
from collections.abc import Callable

from websockets.asyncio.client import ClientConnection

from tests.channels.claim import CALLER, state_of
from turnkeeper.contract import SessionState
from turnkeeper.testing import MemorySessions

Json = dict[str, object]


class Retell:
    """Retell's end of one socket, and the transcript of the call."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.transcript: list[dict[str, str]] = []
        self.response_id = 0

    async def send(self, **frame: object) -> None:
        await self.socket.send(json.dumps(frame))

    async def details(self, **call: object) -> None:
        given = call or {"direction": "inbound", "from_number": CALLER}
        await self.send(interaction_type="call_details", call=given)

    async def response(self) -> Json:
        """The next response, past frames of other kinds."""
        async with asyncio.timeout(10):
            while True:
                frame: Json = json.loads(await self.socket.recv())
                if frame["response_type"] == "response":
                    return frame

    async def require(self, kind: str = "response_required") -> None:
        self.response_id += 1
        await self.send(
            interaction_type=kind, response_id=self.response_id, transcript=self.transcript
        )

    async def is_told_nothing(self) -> bool:
        """Whether no response came until two pings were answered, one after the other."""
        kinds = []
        for stamp in (1, 2):
            await self.send(interaction_type="ping_pong", timestamp=stamp)
            async with asyncio.timeout(10):
                while (frame := json.loads(await self.socket.recv())).get("timestamp") != stamp:
                    kinds.append(frame["response_type"])
        return "response" not in kinds

    async def says(self, words: str) -> Json:
        self.transcript.append({"role": "user", "content": words})
        await self.require()
        response = await self.response()
        self.transcript.append({"role": "agent", "content": str(response["content"])})
        return response


async def until(condition: Callable[[SessionState], bool], sessions: MemorySessions) -> None:
    """Returns when the session is so."""
    async with asyncio.timeout(10):
        while not condition(await state_of(sessions)):
            await asyncio.sleep(0.01)
