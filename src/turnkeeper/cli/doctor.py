"""`turnkeeper doctor`: what is wrong with a set-up, and how to mend it."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from turnkeeper.cli.display import coloured, on_terminal, print_table, printable
from turnkeeper.cli.reach import Place, where
from turnkeeper.settings import read_settings

if TYPE_CHECKING:
    from turnkeeper.doctor import Finding

_MARKS: Mapping[str, tuple[str, str]] = {
    "ok": ("ok", "green"),
    "warning": ("warning", "yellow"),
    "wrong": ("WRONG", "red"),
    "skipped": ("skipped", "bright_black"),
}
"""How each state is shown, and in which colour."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@where
def doctor(as_json: bool, **place: str | None) -> None:
    """Say what is wrong with this set-up, and how to mend it.

    It looks at the server, its namespace, search attributes, workers and sessions, at the clock,
    and at the keys, forms and gateway settings of this machine. It changes nothing. Run it with the
    settings of the process that you ask about. Exits with 1 where something is wrong.

    \b
    Example:
      turnkeeper doctor
      turnkeeper doctor --address temporal.internal:7233 --json
    """
    findings = asyncio.run(_findings(Place(**place)))
    is_well = not any(finding.state == "wrong" for finding in findings)
    if as_json:
        document = {"ok": is_well, "findings": [finding.model_dump() for finding in findings]}
        click.echo(json.dumps(document, indent=2))
    else:
        print_findings(findings)
    sys.exit(0 if is_well else 1)


async def _findings(place: Place) -> "list[Finding]":
    from turnkeeper.connection import connect, target
    from turnkeeper.doctor import Examined, examine
    from turnkeeper.local_server import beside

    settings = beside(read_settings(tenant=place.tenant), place.address)
    client = await connect(place.address, place.namespace, settings=settings, lazy=True)
    return await examine(Examined(settings, client, target(place.address)))


def print_findings(findings: "Sequence[Finding]") -> None:
    """Each, and what to do about it; to a script a line each, with tabs."""
    if not on_terminal():
        rows = [(f.check, f.state, f.found, f.mend) for f in findings]
        print_table(("check", "state", "found", "mend"), rows)
        return
    for finding in findings:
        mark, colour = _MARKS[finding.state]
        click.echo(f"{coloured(f'{mark:8}', colour)} {finding.check}: ", nl=False)
        click.echo(printable(finding.found))
        if finding.mend:
            click.echo(f"{'':8} -> {printable(finding.mend)}")
