"""A form as the language model of a LiveKit agent, whose openai plugin is as LiveKit ships it.

    uv run python -m worker dev    # prints a token
    pip install livekit-agents livekit-plugins-openai
    TURNKEEPER_TOKEN=... python examples/livekit_openai.py dinner_reservation +14155550100

Type what the caller says, read what they hear; Ctrl-D hangs up; the same caller again goes on.
"""

import asyncio
import os
import sys
from uuid import uuid4

from livekit.agents import Agent, AgentSession, ConversationItemAddedEvent, RunContext, StopResponse
from livekit.agents.llm import ChatMessage, function_tool
from livekit.plugins import openai


@function_tool
async def end_call(context: RunContext[None]) -> None:
    """End the call: the gateway calls this after the form's last words."""
    context.speech_handle.add_done_callback(lambda _: context.session.shutdown())
    raise StopResponse


def show(event: ConversationItemAddedEvent) -> None:
    if isinstance(event.item, ChatMessage) and event.item.role == "assistant":
        sys.stdout.write(f"agent:  {event.item.text_content}\n")
        sys.stdout.flush()


async def keyboard(session: AgentSession[None]) -> None:
    lines = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(lines)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    await session.generate_reply()  # A request without words is answered with the greeting.
    while line := (await lines.readline()).decode().strip():
        await session.generate_reply(user_input=line)
    session.shutdown()


async def main(form: str, caller: str, gateway: str = "http://127.0.0.1:8080") -> None:
    who = {"X-Turnkeeper-Subject": caller, "X-Turnkeeper-Call": f"{uuid4()}"}
    token = os.environ.get("TURNKEEPER_TOKEN", "none")
    llm = openai.LLM(model=form, base_url=f"{gateway}/v1", api_key=token, extra_headers=who)
    hung_up = asyncio.Event()
    async with AgentSession[None](llm=llm) as session:
        session.on("close", lambda _: hung_up.set())
        session.on("conversation_item_added", show)
        await session.start(Agent(instructions="", tools=[end_call]))
        typing = asyncio.create_task(keyboard(session))
        await hung_up.wait()
        typing.cancel()


if __name__ == "__main__":
    asyncio.run(main(*(sys.argv[1:] or ("dinner_reservation", "+14155550100"))))
