"""An agent's host that calls the tools of `turnkeeper mcp`, with the server in this process.

The process is killed and started again in tests/channels/mcp: here it is the tools that are
compared with the other channels.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from mcp import Client

from tests.channels.conformance import Unsupported
from tests.channels.stand import GatewayProcess, Stand
from turnkeeper.mcp_server.server import build_server

T = TypeVar("T")


class McpLine:
    """`tests.channels.conformance.Line` over the tools; a drop is a host that is gone."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._client: Client | None = None
        self._leave: Callable[[], Awaitable[None]] | None = None
        self._session = ""
        self._session_id = ""
        self._utterance = 0
        self._words = ""

    async def open(self, gateway: GatewayProcess, form: str, caller: str) -> str:
        if self._client is None:
            host = Client(build_server(self._stand.sessions))
            self._client, self._leave = await held(host)
        opened = await self._call("open_form", form=form, caller=caller)
        self._session = opened["session"]
        self._session_id = await self._stand.sessions.session_id(form, caller)
        say: str = opened["say"]
        return say

    async def say(self, words: str) -> str:
        self._utterance += 1
        return await self.amend(words)

    async def again(self) -> str:
        return await self.amend(self._words)

    async def amend(self, words: str) -> str:
        self._words = words
        named = f"u{self._utterance}"
        reply = await self._call("say", session=self._session, text=words, utterance_id=named)
        say: str = reply["say"]
        return say

    async def say_and_drop(self, words: str) -> None:
        """Gone once the turn is in history, whether or not its reply has come."""
        turns = await self._turns()
        saying = asyncio.ensure_future(self.say(words))
        while await self._turns() == turns:
            await asyncio.sleep(0.01)
        saying.cancel()
        await asyncio.wait([saying])
        await self.drop()

    async def barge_in(self, words: str, then: str) -> str:
        raise Unsupported("an agent's host hears no caller, so nobody barges in")

    async def drop(self) -> None:
        if self._leave is not None:
            await self._leave()
        self._client = self._leave = None

    async def close(self) -> None:
        await self.drop()

    async def _turns(self) -> int:
        return (await self._stand.sessions.state(self._session_id)).turns

    async def _call(self, tool: str, **arguments: str) -> dict[str, Any]:
        assert self._client is not None
        result = await self._client.call_tool(tool, arguments)
        assert not result.is_error, result.content
        content: dict[str, Any] = result.structured_content
        return content


async def held(
    context: AbstractAsyncContextManager[T],
) -> tuple[T, Callable[[], Awaitable[None]]]:
    """Enters a context in a task of its own; what it gave, and how to leave it from anywhere.

    The library wants its contexts left in the task that entered them; fixtures are not.
    """
    ready: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    done = asyncio.Event()

    async def hold() -> None:
        async with context as value:
            ready.set_result(value)
            await done.wait()

    async def leave() -> None:
        done.set()
        await holding

    holding = asyncio.create_task(hold())
    first: set[asyncio.Future[Any]] = {holding, ready}
    await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
    if holding.done():  # It could not be entered: say why.
        await holding
    return ready.result(), leave
