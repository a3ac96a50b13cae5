"""A form as a LiveKit agent: type what the caller says, read what they hear.

    uv run python -m worker dev
    pip install 'turnkeeper[livekit]'
    python examples/livekit_adapter.py dinner_reservation +14155550100

Ctrl-D hangs up; the same caller again goes on. An agent on the phone has a room and speech services
in place of the terminal, see docs/channels/livekit.md.
"""

import asyncio
import sys

from livekit.agents import AgentSession, ConversationItemAddedEvent
from livekit.agents.llm import ChatMessage

from turnkeeper import VoiceSessions
from turnkeeper.adapters.livekit import DurableFormAgent


def show(event: ConversationItemAddedEvent) -> None:
    if isinstance(event.item, ChatMessage) and event.item.role == "assistant":
        sys.stdout.write(f"agent:  {event.item.text_content}\n")
        sys.stdout.flush()


async def keyboard(session: AgentSession[None]) -> None:
    lines = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(lines)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    while line := (await lines.readline()).decode().strip():
        await session.generate_reply(user_input=line)
    session.shutdown()


async def main(form: str = "dinner_reservation", caller: str = "+14155550100") -> None:
    hung_up = asyncio.Event()
    async with VoiceSessions.connect() as sessions, AgentSession[None]() as session:
        session.on("close", lambda _: hung_up.set())
        session.on("conversation_item_added", show)
        await session.start(DurableFormAgent(sessions, form, caller=caller, noinput_timeout=None))
        typing = asyncio.create_task(keyboard(session))
        await hung_up.wait()
        typing.cancel()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
