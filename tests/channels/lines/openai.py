"""A voice platform that has a custom language model: the unmodified `openai` client."""

import asyncio
import json
from uuid import uuid4

from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionMessageParam

from tests.channels.stand import GatewayProcess


class OpenAILine:
    """Keeps the conversation and sends all of it each time, streaming, as platforms do."""

    def __init__(self) -> None:
        self._client: AsyncOpenAI | None = None
        self._clients: list[AsyncOpenAI] = []
        self._form, self._port = "", 0
        self._named: dict[str, str] = {}
        self._authorization: dict[str, str] = {}
        self._messages: list[ChatCompletionMessageParam] = []

    async def open(self, gateway: GatewayProcess, form: str, caller: str) -> str:
        self._named = {"X-Turnkeeper-Subject": caller, "X-Turnkeeper-Call": uuid4().hex}
        self._client = AsyncOpenAI(
            base_url=f"{gateway.url}/v1", api_key=gateway.token, default_headers=self._named
        )
        self._clients.append(self._client)
        self._authorization = gateway.headers
        self._form, self._port = form, int(gateway.url.rsplit(":", 1)[1])
        self._messages = [{"role": "system", "content": "You fill in a form."}]
        return await self._answered()

    async def say(self, words: str) -> str:
        self._messages.append({"role": "user", "content": words})
        return await self._answered()

    async def again(self) -> str:
        self._messages.pop()
        return await self._answered()

    async def amend(self, words: str) -> str:
        self._messages[-2:] = [{"role": "user", "content": words}]
        return await self._answered()

    async def say_and_drop(self, words: str) -> None:
        await self._given_up(words)

    async def barge_in(self, words: str, then: str) -> str:
        await self._given_up(words)
        return await self.say(then)

    async def drop(self) -> None:
        """There is no connection to lose: the platform is heard of no more."""

    async def close(self) -> None:
        await asyncio.gather(*(client.close() for client in self._clients))

    async def _answered(self) -> str:
        said = await self._asked()
        self._messages.append({"role": "assistant", "content": said})
        return said

    async def _asked(self) -> str:
        assert self._client is not None
        stream = await self._client.chat.completions.create(
            model=self._form, messages=self._messages, stream=True
        )
        chunks = [chunk async for chunk in stream]
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)

    async def _given_up(self, words: str) -> None:
        """A request whose connection is closed as soon as the gateway has all of it. That it reads
        it is what its "100 Continue" says."""
        self._messages.append({"role": "user", "content": words})
        body = json.dumps({"model": self._form, "messages": self._messages}).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        headers = {**self._authorization, **self._named}
        headers |= {"Host": "127.0.0.1", "Content-Length": str(len(body))}
        lines = [f"{name}: {value}" for name, value in headers.items()]
        head = ["POST /v1/chat/completions HTTP/1.1", *lines, "Expect: 100-continue", "", ""]
        writer.write("\r\n".join(head).encode())
        assert b" 100 " in await reader.readline()
        writer.write(body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
