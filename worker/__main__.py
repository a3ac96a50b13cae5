"""`python -m worker`: the production worker; `python -m worker dev`: all of it on this machine."""

import click

from worker.options import (
    DEFAULT_CODEC_PORT,
    DEFAULT_GATEWAY_PORT,
    DEFAULT_PORT,
    DEFAULT_UI_PORT,
    setting_options,
)

_SETTINGS = ("forms", "region", "timezone", "log_format", "log_level")
_HELP = {"max_content_width": 100, "show_default": True}
_PORT = click.IntRange(0, 65535)


@click.group(invoke_without_command=True, context_settings=_HELP)
@setting_options(
    *_SETTINGS,
    *("task_queue", "deployment", "build_id", "versioning", "max_cached_sessions", "sandboxed"),
)
@click.pass_context
def main(context: click.Context, /, **options: str | None) -> None:
    """Run a worker that fills in forms for callers.

    Without a command: the production worker. It connects as Temporal's own settings say
    (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_*, or a profile of the
    `temporal` command), waits for a server that is not there yet, and on SIGTERM or Ctrl-C
    finishes what it has begun.
    """
    context.obj = options
    if context.invoked_subcommand is None:
        # Imported late, here and below: --help need not wait for the Temporal SDK.
        from worker.process import run_command
        from worker.serve import serve

        run_command(lambda: serve(**options))


@main.command("dev")
@click.option("--port", default=DEFAULT_PORT, type=_PORT, help="Temporal's; 0 is any free one.")
@click.option("--ui-port", default=DEFAULT_UI_PORT, type=_PORT, help="The UI's; 0 is any free one.")
@click.option(
    "--gateway-port", default=DEFAULT_GATEWAY_PORT, type=_PORT, help="The page's; 0 is any free."
)
@setting_options("data", "public_url", *_SETTINGS)
@click.pass_obj
def dev_command(
    before: dict[str, str | None],
    /,
    port: int,
    ui_port: int,
    gateway_port: int,
    **options: str | None,
) -> None:
    """Run a server, its UI, a worker and the gateway on this machine.

    The server is Temporal's development server, on SQLite. Sessions are in the data folder, and so
    are the keys that they are encrypted with; started again, it has them all.
    """
    from worker.dev import dev
    from worker.process import run_command

    given = {name: value for name, value in options.items() if value is not None}
    run_command(lambda: dev(port, ui_port, gateway_port, **{**before, **given}))


@main.command("gateway", short_help="Run the gateway: HTTP, WebSocket, Twilio and more.")
@click.option("--host", default="127.0.0.1", help="Another one needs TURNKEEPER_PUBLIC_URL.")
@click.option("--gateway-port", default=DEFAULT_GATEWAY_PORT, type=_PORT, help="0 is any free one.")
@setting_options("public_url", "tenant", "task_queue", *_SETTINGS)
@click.pass_obj
def gateway_command(
    before: dict[str, str | None], /, host: str, gateway_port: int, **options: str | None
) -> None:
    """Run the gateway: HTTP, WebSocket, Twilio, OpenAI-compatible, and a page to try it.

    It connects to Temporal as the worker does, and answers 503 while it cannot.
    """
    from worker.gateway import gateway
    from worker.process import run_command

    given = {name: value for name, value in options.items() if value is not None}
    run_command(lambda: gateway(host, gateway_port, **{**before, **given}))


@main.command("codec", short_help="Run the codec server, for Temporal's UI and command line.")
@click.option("--host", default="127.0.0.1", help="Where it listens.")
@click.option("--port", default=DEFAULT_CODEC_PORT, type=_PORT, help="0 is any free one.")
@setting_options("ui_origin", "tenant", *_SETTINGS)
@click.pass_obj
def codec_command(
    before: dict[str, str | None], /, host: str, port: int, **options: str | None
) -> None:
    """Run the codec server, by which Temporal's UI and command line show sessions in clear.

    They ask at http://HOST:PORT/codec/{namespace}. Who sends a token with the scope "decode" reads,
    everyone else sees ciphertext.
    """
    from worker.codec import codec
    from worker.process import run_command

    given = {name: value for name, value in options.items() if value is not None}
    run_command(lambda: codec(host, port, **{**before, **given}))


@main.command("demo")
def demo_command() -> None:
    """See a call cut off, everything killed, nothing lost.

    A minute at most, with real processes, on free ports and in a temporary folder.
    """
    from worker.demo import demo
    from worker.process import run_command

    run_command(demo)


if __name__ == "__main__":
    main(prog_name="python -m worker")
