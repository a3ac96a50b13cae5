"""An agent on Pipecat as a process of its own, for a test that kills it.

    python tests/adapters/pipecat/agent_process.py ADDRESS TASK_QUEUE TENANT

It takes a call in which the caller says "4321", prints HEARD and what the caller hears then, and
stays on the line.
"""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.adapters.pipecat.phone import CALLER, Phone
from turnkeeper.adapters.pipecat import DurableFormProcessor
from turnkeeper.client import VoiceSessions
from turnkeeper.settings import read_settings


async def main(address: str, task_queue: str, tenant: str) -> None:
    settings = read_settings(task_queue=task_queue, tenant=tenant)
    async with VoiceSessions.connect(address=address, settings=settings) as sessions:
        form = DurableFormProcessor(sessions, "claim", caller=CALLER, transport_id="CA1")
        async with Phone(form) as phone:
            await phone.ring()
            print("HEARD", await phone.says("four three two one"), flush=True)
            await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
