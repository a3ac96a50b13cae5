"""An agent in any language, over plain HTTP: a request a turn, sent again when in doubt."""

import asyncio
import json
from itertools import count
from urllib.parse import urlsplit

import httpx

from tests.channels.stand import GatewayProcess
from turnkeeper.contract import SessionState
from turnkeeper.gateway.http.models import Opened, path_of

PATIENCE_SECONDS = 60


class HttpLine:
    """`tests.channels.conformance.Line` over `/v1/sessions`."""

    def __init__(self) -> None:
        self._http = httpx.AsyncClient(timeout=PATIENCE_SECONDS)
        self._calls, self._utterances = count(1), count(1)
        self._url = ""
        self._authorization: dict[str, str] = {}
        self._opened: Opened
        self._turn: dict[str, object] = {}

    async def open(self, gateway: GatewayProcess, form: str, caller: str) -> str:
        self._url = gateway.url
        self._authorization = gateway.headers
        self._http.headers.update(self._authorization)
        call = f"CA{next(self._calls)}{caller}"
        opening = {"form": form, "caller": caller, "transport_id": call, "connect_id": call}
        self._opened = Opened.model_validate(await self._post("/v1/sessions", opening))
        return self._opened.reply.say

    async def say(self, words: str) -> str:
        self._next(words)
        return await self.again()

    async def again(self) -> str:
        reply = await self._post(f"{path_of(self._opened.session_id)}/turns", self._turn)
        return str(reply["say"])

    async def amend(self, words: str) -> str:
        self._turn = {**self._turn, "text": words}
        return await self.again()

    async def say_and_drop(self, words: str) -> None:
        self._next(words)
        await self._post_and_go()

    async def barge_in(self, words: str, then: str) -> str:
        self._next(words)
        await self._post_and_go()
        return await self.say(then)

    async def drop(self) -> None:
        await self._http.aclose()
        self._http = httpx.AsyncClient(timeout=PATIENCE_SECONDS, headers=self._authorization)

    async def close(self) -> None:
        await self._http.aclose()

    def _next(self, words: str) -> None:
        leg = {"leg": self._opened.leg, "epoch": self._opened.epoch}
        self._turn = {**leg, "utterance_id": f"u{next(self._utterances)}", "text": words}

    async def _post(self, path: str, body: object) -> dict[str, object]:
        """Send it, and again as it is for as long as nobody knows what became of it."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                response = await self._http.post(self._url + path, json=body)
                if response.status_code != 503:
                    assert response.is_success, response.text
                    answer: dict[str, object] = response.json()
                    return answer
                await asyncio.sleep(float(response.headers["retry-after"]))

    async def _post_and_go(self) -> None:
        """Send the turn and close the connection without a look at the answer. Returns when the
        turn is in history: a request on another connection could overtake it."""
        body = json.dumps(self._turn).encode()
        url = urlsplit(self._url)
        _, writer = await asyncio.open_connection(url.hostname, url.port)
        head = (
            f"POST {path_of(self._opened.session_id)}/turns HTTP/1.1\r\nHost: {url.netloc}\r\n"
            f"Authorization: {self._authorization['Authorization']}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await self._is_recorded():
                await asyncio.sleep(0.02)

    async def _is_recorded(self) -> bool:
        found = await self._http.get(self._url + path_of(self._opened.session_id))
        last = SessionState.model_validate_json(found.text).last_turn
        return last is not None and last.utterance_id == self._turn["utterance_id"]
