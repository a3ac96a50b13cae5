"""A LiveKit agent as a process of its own, to be killed in mid-call.

python -m tests.adapters.livekit.agent_process ADDRESS TASK_QUEUE TENANT WORDS

It says WORDS for the caller, prints READY when they were answered, and stays on the line.
"""

import asyncio
import sys

from livekit.agents import AgentSession

from turnkeeper.adapters.livekit import DurableFormAgent
from turnkeeper.client import VoiceSessions
from turnkeeper.settings import read_settings

CALLER = "+14155550100"


async def main(address: str, task_queue: str, tenant: str, words: str) -> None:
    settings = read_settings(task_queue=task_queue, tenant=tenant, timezone="UTC")
    async with (
        VoiceSessions.connect(address=address, settings=settings) as sessions,
        AgentSession[None]() as session,
    ):
        await session.start(DurableFormAgent(sessions, "claim", caller=CALLER))
        await session.run(user_input=words)
        sys.stdout.write("READY\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
