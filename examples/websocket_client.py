"""A form over the WebSocket; a connection that is cut once is taken up again, on the same leg.

TURNKEEPER_TOKEN=... uv run python examples/websocket_client.py    # dev prints a token
"""

import asyncio
import json
import random
from typing import Any
from uuid import uuid4

import click
from websockets import ClientConnection, ConnectionClosed, connect


async def exchange(line: ClientConnection, message: dict[str, Any]) -> dict[str, Any]:
    await line.send(json.dumps(message))
    while (answer := json.loads(await line.recv()))["type"] == "event":
        continue
    if answer["type"] != "error":
        return dict(answer)
    if not answer["retryable"]:
        raise click.ClickException(answer["problem"]["detail"])
    return await exchange(line, message)


async def call(url: str, token: str, first: dict[str, Any]) -> None:
    said = iter(("four people", "tomorrow", "half past seven", "Ada Lovelace", "skip", "yes"))
    turn: dict[str, Any] = {}
    async for line in connect(f"{url}/v1/stream"):  # Connects again, with backoff.
        try:
            await exchange(line, {"type": "hello", "token": token})
            opened = await exchange(line, first)
            first = {"type": "resume"} | {k: opened[k] for k in ("session_id", "leg", "epoch")}
            reply = (await exchange(line, turn) if turn else opened)["reply"]
            while reply["next"] == "listen" and (words := next(said, None)):
                click.echo(f"agent:  {reply['say']}\ncaller: {words}")
                turn = {"type": "turn", "utterance_id": uuid4().hex, "text": words}
                if words == "half past seven":
                    line.transport.abort()
                reply = (await exchange(line, turn))["reply"]
            click.echo(f"agent:  {reply['say']}")
            await line.send('{"type": "hangup"}')
            break
        except ConnectionClosed:
            click.echo("        (the line was cut; on again)")
            await asyncio.sleep(random.random())  # Not all clients at once.


@click.command(help=__doc__)
@click.option("--gateway", default="ws://127.0.0.1:8080", help="Where the gateway is.")
@click.option("--caller", default="+14155550100", help="Who calls: a number, or an id.")
@click.option("--token", envvar="TURNKEEPER_TOKEN", required=True, help="What it lets in with.")
def main(gateway: str, caller: str, token: str) -> None:
    who = {"form": "dinner_reservation", "caller": caller, "connect_id": uuid4().hex}
    asyncio.run(call(gateway, token, {"type": "open"} | who))


if __name__ == "__main__":
    main()
