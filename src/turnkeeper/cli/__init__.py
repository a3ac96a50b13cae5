"""The `turnkeeper` command.

Commands are imported when they are used, so that `turnkeeper --help` starts at once: importing
Temporal's client alone takes half a second. To add a command, write its module and its row in
`COMMANDS`.
"""

import os
import sys
from collections.abc import Mapping
from importlib import import_module
from io import TextIOWrapper

import click

from turnkeeper.errors import FormError, TurnkeeperError

COMMANDS: Mapping[str, tuple[str, str]] = {
    "forms": ("turnkeeper.cli.forms:forms", "Check form files and show what they say."),
    "talk": ("turnkeeper.cli.talk:talk", "Ring up as a caller and fill in a form."),
    "sessions": (
        "turnkeeper.cli.sessions:sessions",
        "List, count, look into, cancel, erase sessions.",
    ),
    "doctor": ("turnkeeper.cli.doctor:doctor", "Say what is wrong with a set-up; how to mend it."),
    "keys": ("turnkeeper.cli.keys:keys", "List, rotate and rewrap the keys of sessions."),
    "access": ("turnkeeper.cli.access:access", "Make, list and revoke API keys of the gateway."),
    "mcp": ("turnkeeper.cli.mcp:mcp_command", "Serve forms as tools to an agent that speaks MCP."),
}
"""Each command: where it is (`module:attribute`) and its line in the help."""


class LazyGroup(click.Group):
    """The group of `COMMANDS`. An error of Turnkeeper's is one sentence on stderr and exit 1."""

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Run as a process of its own, which ends with the command, at once: threads of Temporal's
        SDK may still be at work, and abort an interpreter that is taken down under them."""
        for stream in (sys.stdin, sys.stdout):
            if isinstance(stream, TextIOWrapper):  # Bytes that are no text must not end a command.
                stream.reconfigure(errors="replace")
        try:
            return super().__call__(*args, **kwargs)
        except SystemExit as end:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(end.code if isinstance(end.code, int) else 0)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name][0].split(":")
        command = getattr(import_module(module), attribute)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except TurnkeeperError as error:
            sentences = error.mistakes if isinstance(error, FormError) else (str(error),)
            for sentence in sentences:
                click.echo(f"error: {sentence}", err=True)
            ctx.exit(1)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="turnkeeper", prog_name="turnkeeper")
def main() -> None:
    """Durable forms for voice agents.

    \b
    Example:
      turnkeeper forms check forms
      turnkeeper talk roadside_claim --caller +14155550100
      turnkeeper sessions list
    """
