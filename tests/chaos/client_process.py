"""An agent as a process of its own, to be killed while its turn is on its way.

python tests/chaos/client_process.py ADDRESS TASK_QUEUE SESSION_ID LEG UTTERANCE_ID TEXT
"""

import asyncio
import sys

from turnkeeper.client import VoiceSessions
from turnkeeper.settings import read_settings


async def main(
    address: str, task_queue: str, session_id: str, leg: str, utterance_id: str, text: str
) -> None:
    settings = read_settings(task_queue=task_queue)
    async with VoiceSessions.connect(address=address, settings=settings) as sessions:
        session = sessions.attach(session_id, int(leg))
        await session.turn(text, utterance_id=utterance_id)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
