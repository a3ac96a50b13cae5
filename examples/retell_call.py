"""A phone call without a phone: plays Retell's side of its custom-LLM socket, a lost call included.

    uv run python -m worker dev    # prints a token
    TURNKEEPER_TOKEN=... uv run python examples/retell_call.py

Words after the form's id are what the caller says; `drop` loses the call, and another one comes in.
"""

import asyncio
import json
import sys
from uuid import uuid4

import click
from websockets.asyncio.client import ClientConnection, connect

CALL = ("four people", "tomorrow", "drop", "half past seven", "Ada Lovelace", "skip", "yes")


@click.command(help=__doc__)
@click.argument("form", default="dinner_reservation")
@click.argument("words", nargs=-1)
@click.option("--gateway", default="ws://127.0.0.1:8080", help="Where the gateway is.")
@click.option("--caller", default="+14155550100", help="The number that rings.")
@click.option("--token", envvar="TURNKEEPER_TOKEN", required=True, help="What it lets in with.")
def main(form: str, words: tuple[str, ...], gateway: str, caller: str, token: str) -> None:
    details: dict[str, object] = {"direction": "inbound", "from_number": caller}
    details["metadata"] = {"turnkeeper_token": token}
    calls = " ".join(f"{word}\n" for word in words or CALL).split("drop\n")
    try:
        for said in calls:
            asyncio.run(call(f"{gateway}/retell/{form}/{uuid4()}", details, said.splitlines()))
    except OSError as error:
        sys.exit(f"No gateway answers at {gateway} ({error}). Start `python -m worker dev`.")


async def call(url: str, details: dict[str, object], words: list[str]) -> None:
    transcript: list[dict[str, str]] = []
    async with connect(url) as socket:
        click.echo("caller: (a call comes in)")
        await socket.send(json.dumps({"interaction_type": "call_details", "call": details}))
        for response_id, word in enumerate(["", *words]):
            if response_id:
                click.echo(f"caller: {word.strip()}")
                transcript.append({"role": "user", "content": word.strip()})
                request = {"interaction_type": "response_required", "response_id": response_id}
                await socket.send(json.dumps({**request, "transcript": transcript}))
            transcript.append({"role": "agent", "content": await spoken(socket)})


async def spoken(socket: ClientConnection) -> str:
    while (frame := json.loads(await socket.recv()))["response_type"] != "response":
        pass
    click.echo(f"agent:  {frame['content']}{' (hangs up)' if frame['end_call'] else ''}")
    return str(frame["content"])


if __name__ == "__main__":
    main()
