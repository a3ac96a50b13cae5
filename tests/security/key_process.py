"""A process that takes part in a race for a session's key: prints what it encrypted, in hex.

python key_process.py KEYS_URL STORE_URL WORKFLOW_ID: waits for a line, then races.
"""

import asyncio
import sys

from temporalio.api.common.v1 import Payload

from turnkeeper.security.codec import SessionCodec
from turnkeeper.security.converter import keyring
from turnkeeper.security.key_store import SessionId
from turnkeeper.settings import read_settings


async def main(keys: str, store: str, workflow_id: str) -> None:
    ring = keyring(read_settings(keys=keys, key_store=store, tenant="acme"))
    codec = SessionCodec(ring, session=SessionId("default", workflow_id))
    print("ready", flush=True)
    sys.stdin.readline()
    await ring.of_session(SessionId("default", workflow_id))
    (payload,) = await codec.encode([Payload(metadata={"encoding": b"json/plain"}, data=b'"hi"')])
    print(payload.SerializeToString().hex(), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
