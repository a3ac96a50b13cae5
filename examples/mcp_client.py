"""A durable form held by an agent that speaks MCP. Here you are the caller, and nobody the model.

uv run python -m worker dev
uv run python examples/mcp_client.py roadside_claim +14155550100

Each line is what the caller says. Stop it wherever you like: the same command goes on there.
"""

import asyncio
import os
import sys
from typing import Any

from mcp import Client, StdioServerParameters

SERVER = StdioServerParameters(command="turnkeeper", args=["mcp"], env=dict(os.environ))


async def call(client: Client, tool: str, **arguments: str) -> dict[str, Any]:
    """A tool's result. What may work when it is repeated is repeated: the same utterance id makes
    it the same turn."""
    while True:
        result = await client.call_tool(tool, arguments)
        if not result.is_error:
            content: dict[str, Any] = result.structured_content
            return content
        if not (result.meta or {}).get("turnkeeper/retry"):
            sys.exit(f"{tool}: {result.content}")
        await asyncio.sleep(1)


async def main(form: str, caller: str) -> None:
    async with Client(SERVER) as client:
        now = await call(client, "open_form", form=form, caller=caller)
        session, turn = now["session"], 0
        print(now["say"], flush=True)
        while now["next"] == "listen":
            words = await asyncio.to_thread(sys.stdin.readline)
            if not words:
                return  # The form waits.
            turn += 1
            now = await call(
                client, "say", session=session, text=words.strip(), utterance_id=f"u{turn}"
            )
            print(now["say"], flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
