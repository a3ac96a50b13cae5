"""A phone call without a phone: plays Twilio's side of a call, a lost line included.

    export TURNKEEPER_TWILIO_AUTH_TOKEN=12345
    uv run python -m worker dev --public-url http://127.0.0.1:8080
    uv run python examples/twilio_caller.py

Words after the form's id are what the caller says: `drop` loses the line, and keys end in `#`.
"""

import asyncio
import sys
from urllib.error import HTTPError, URLError

import click

from turnkeeper.relay_caller import RelayCaller

CALL = ("four people", "tomorrow", "drop", "half past seven", "Ada Lovelace", "skip", "yes")


@click.command(help=__doc__)
@click.argument("form", default="dinner_reservation")
@click.argument("words", nargs=-1)
@click.option("--gateway", default="http://127.0.0.1:8080", help="Where the gateway is.")
@click.option("--caller", default="+14155550100", help="The number that rings.")
@click.option("--auth-token", envvar="TURNKEEPER_TWILIO_AUTH_TOKEN", required=True, help="Signs.")
def main(form: str, words: tuple[str, ...], gateway: str, caller: str, auth_token: str) -> None:
    line = RelayCaller(f"{gateway}/twilio/voice?form={form}", caller=caller, auth_token=auth_token)
    try:
        asyncio.run(call(line, words or CALL))
    except HTTPError:
        sys.exit("The gateway refused the call: it has another auth token, or no --public-url.")
    except URLError as error:
        sys.exit(f"No gateway answers at {gateway} ({error.reason}). Start `python -m worker dev`.")


async def call(line: RelayCaller, words: tuple[str, ...]) -> None:
    async with line:
        click.echo(f"agent:  {await line.ring()}")
        for word in words:
            click.echo(f"agent:  {await turn(line, word)}")
        try:
            async with asyncio.timeout(3):  # The session ends itself when the form is done.
                ended = await line.finish()
            click.echo(f"(the gateway answers {', '.join(verb.tag for verb in ended)})")
        except TimeoutError:
            click.echo("(the caller hangs up; ring again to go on)")


async def turn(line: RelayCaller, word: str) -> str:
    click.echo(f"caller: {'(the line is lost)' if word == 'drop' else word}")
    if word == "drop":
        await line.drop()
        return await line.carry_on()
    return await (line.press(word) if word.endswith("#") else line.say(word))


if __name__ == "__main__":
    main()
