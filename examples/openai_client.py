"""A form as a language model: the unmodified OpenAI client, a lost call included.

    uv run python -m worker dev                     # prints a token
    TURNKEEPER_TOKEN=... uv run python examples/openai_client.py

Words after the form's id are what the caller says; `drop` loses the call, and another one comes in.
"""

import sys
from uuid import uuid4

import click
from openai import APIConnectionError, OpenAI
from openai.types.chat import ChatCompletionMessageParam

CALL = ("four people", "tomorrow", "drop", "half past seven", "Ada Lovelace", "skip", "yes")


@click.command(help=__doc__)
@click.argument("form", default="dinner_reservation")
@click.argument("words", nargs=-1)
@click.option("--gateway", default="http://127.0.0.1:8080", help="Where the gateway is.")
@click.option("--token", envvar="TURNKEEPER_TOKEN", required=True, help="What it lets in with.")
@click.option("--caller", default="+14155550100", help="Who calls: a number, or an id.")
def main(form: str, words: tuple[str, ...], gateway: str, token: str, caller: str) -> None:
    try:
        with OpenAI(base_url=f"{gateway}/v1", api_key=token) as client:
            call(client, form, caller, words or CALL)
    except APIConnectionError:
        sys.exit(f"No gateway answers at {gateway}. Start `python -m worker dev`.")


def call(client: OpenAI, form: str, caller: str, words: tuple[str, ...]) -> None:
    for word in ("drop", *words):
        click.echo(f"caller: {'(a call comes in)' if word == 'drop' else word}")
        if word == "drop":
            call_id = f"{uuid4()}"
            messages: list[ChatCompletionMessageParam] = []
        else:
            messages.append({"role": "user", "content": word})
        answer = client.chat.completions.create(
            model=form,
            messages=messages,
            extra_headers={"X-Turnkeeper-Subject": caller, "X-Turnkeeper-Call": call_id},
        )
        said = answer.choices[0].message.content
        messages.append({"role": "assistant", "content": said})
        click.echo(f"agent:  {said}")
    extra = answer.model_extra or {}
    click.echo(f"({extra['turnkeeper']['next']})")


if __name__ == "__main__":
    main()
