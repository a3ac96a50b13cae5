"""`turnkeeper sessions export` and `erase`: what is kept of a caller, given out and destroyed."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import click

from turnkeeper.cli.display import print_facts
from turnkeeper.cli.fleet import How, Which, do_to_many, many, require_yes
from turnkeeper.cli.reach import Place, reaching, where

if TYPE_CHECKING:
    from turnkeeper.erasure import ErasureCertificate, Step

_STEPS: Mapping[str, str] = {
    "shredding": "destroying its key",
    "deleting": "waiting for Temporal to delete its runs: half a minute if one has just closed",
    "settling": "waiting for every process to forget its key, to look once more: 17 s with keys",
    "certifying": "writing the certificate",
}


@click.command(short_help="Erase all that is kept of sessions, for good.")
@click.argument("session_id", metavar="[ID]", required=False)
@click.option("--no-wait", is_flag=True, help="Begin it and return; the same again waits.")
@click.option("--json", "as_json", is_flag=True, help="Print the certificate as JSON.")
@many
@where
def erase(
    session_id: str | None,
    no_wait: bool,
    which: Which,
    how: How,
    as_json: bool,
    **place: str | None,
) -> None:
    """Erase all that is kept of one session, for good, and print the certificate.

    Its key and every run under its id: those of earlier sessions of the same caller and form as
    well. The workers do it; cut this command short, and they go on. Erased before, a session has
    the same certificate.

    Of all that the options find, erasures are begun and not waited for.
    """
    how.require_one_meaning(session_id, which)
    with reaching(Place(**place)) as reach:
        if session_id is None:
            begin = reach.sessions.begin_erasure
            sought = which.sought()
            do_to_many(reach, sought, begin, "erase", how, as_json=as_json, outcome="begun")
            return
        if not how.yes:
            require_yes(f"Erase {session_id} for good?")
        if no_wait:
            reach.call(reach.sessions.begin_erasure(session_id))
            click.echo("It is being erased; the same without --no-wait waits for it.", err=True)
            return
        certificate = reach.call(reach.sessions.erase(session_id, on_step=_saying()))
    if as_json:
        click.echo(certificate.model_dump_json(indent=2))
    else:
        _print(certificate)


@click.command(short_help="Print all that is kept of one session, as JSON.")
@click.argument("session_id", metavar="ID")
@click.option("--secrets", is_flag=True, help="With the values of secret fields.")
@where
def export(session_id: str, secrets: bool, **place: str | None) -> None:
    """Print all that is kept of one session as JSON: to be given to the caller.

    The sessions under its id, the newest first: answers, transcript, calls, replies, the form.
    """
    with reaching(Place(**place)) as reach:
        found = reach.call(reach.sessions.export(session_id, secrets=secrets))
    click.echo(found.model_dump_json(indent=2))


def _saying() -> "Callable[[Step], None]":
    """Says each step once, on standard error: it takes a while, and a person may be waiting."""
    said: set[str] = set()

    def say(step: "Step") -> None:
        if step in _STEPS and step not in said:
            said.add(step)
            click.echo(f"... {_STEPS[step]}", err=True)

    return say


def _print(certificate: "ErasureCertificate") -> None:
    facts = json.loads(certificate.model_dump_json(exclude={"session_id"}))
    rows = [(name.replace("_", " "), str(value)) for name, value in facts.items()]
    print_facts(f"{certificate.session_id} is erased", [("certificate", rows)])
