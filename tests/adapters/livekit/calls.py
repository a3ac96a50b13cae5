"""Sessions of LiveKit without a network, and calls in them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from livekit.agents import Agent, AgentSession, APIConnectOptions, CloseEvent, RunResult
from livekit.agents.voice.agent_session import SessionConnectOptions


def impatient() -> AgentSession[None]:
    """A session that repeats a failed reply at once, not after LiveKit's two seconds."""
    retries = APIConnectOptions(max_retry=2, retry_interval=0.01)
    return AgentSession(conn_options=SessionConnectOptions(llm_conn_options=retries))


@dataclass
class Call:
    """A LiveKit session in which somebody types instead of speaking."""

    session: AgentSession[None]
    greeting: str
    closed: "asyncio.Future[CloseEvent]"

    async def say(self, words: str) -> str:
        """The words of the caller; what the agent said to them."""
        return spoken(await self.session.run(user_input=words))

    def heard(self) -> list[str]:
        """All that the agent has said, as LiveKit keeps it."""
        return [
            item.text_content or ""
            for item in self.session.history.messages()
            if item.role == "assistant"
        ]

    async def until_heard(self, words: str) -> None:
        await until(lambda: any(words in said for said in self.heard()))


@asynccontextmanager
async def call(agent: Agent, session: AgentSession[None] | None = None) -> AsyncIterator[Call]:
    """A call to an agent, until the end of the block."""
    session = session or impatient()
    closed: asyncio.Future[CloseEvent] = asyncio.get_running_loop().create_future()
    session.once("close", lambda event: closed.set_result(event))
    async with session:
        begun = await session.start(agent, capture_run=True)
        yield Call(session, spoken(begun), closed)


def spoken(result: RunResult[None]) -> str:
    """All that the agent said in a run."""
    items = [event.item for event in result.events if event.type == "message"]
    return " ".join(item.text_content or "" for item in items if item.role == "assistant")


async def until(condition: Callable[[], object], within: float = 10.0) -> None:
    """Returns when the condition holds; TimeoutError when it does not come to hold."""
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.005)
