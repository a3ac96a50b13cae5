"""A process that takes part in a race for a tenant's identity key: prints a caller's session id.

python identity_process.py KEYS_URL STORE_URL CALLER: waits for a line, then races.
"""

import asyncio
import sys

from turnkeeper.client import VoiceSessions
from turnkeeper.settings import read_settings


async def main(keys: str, store: str, caller: str) -> None:
    settings = read_settings(keys=keys, key_store=store, tenant="acme")
    async with VoiceSessions.connect(settings=settings) as sessions:
        print("ready", flush=True)
        sys.stdin.readline()
        print(await sessions.session_id("claim", caller), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
