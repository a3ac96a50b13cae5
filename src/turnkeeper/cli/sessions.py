"""`turnkeeper sessions`: what an operator wants to know of callers' forms, and may do to one."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, get_args

import click

from turnkeeper.cli.display import ago, on_terminal, print_facts, print_table
from turnkeeper.cli.reach import Place, reaching, where
from turnkeeper.cli.session_facts import facts
from turnkeeper.contract import Reply, Status, Transcript

if TYPE_CHECKING:
    from turnkeeper.backend import SessionSummary

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


@click.group()
def sessions() -> None:
    """List sessions, look into one, hand one off, cancel one.

    \b
    Example:
      turnkeeper sessions list --status collecting
      turnkeeper sessions show voice:session:default:roadside_claim:+14155550100
    """


@sessions.command(name="list")
@click.option("--form", help="Only sessions of this form.")
@click.option("--status", type=click.Choice(get_args(Status)), help="Only sessions that stand so.")
@click.option("--transport-id", help="Only the session of this call: a CallSid, a room name.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many."
)
@where
@as_json
def list_(
    form: str | None,
    status: Status | None,
    transport_id: str | None,
    limit: int,
    as_json: bool,
    **place: str | None,
) -> None:
    """List a tenant's sessions: those that run first, then the finished ones that Temporal still
    keeps; of each the newest first. Temporal's list is a moment behind what happens.
    """
    with reaching(Place(**place)) as reach:
        found = reach.sessions.list(
            form=form, status=status, transport_id=transport_id, limit=limit
        )
        rows = reach.collect(found)
    if as_json:
        click.echo(json.dumps([row.model_dump(mode="json") for row in rows], indent=2))
    elif rows or not on_terminal():
        _print_list(rows)
    else:
        click.echo("There are no such sessions.")


@sessions.command()
@click.argument("session_id", metavar="ID")
@where
@as_json
def show(session_id: str, as_json: bool, **place: str | None) -> None:
    """Show one session: its answers, what is asked, its calls, its delivery.

    Answers are shown as they are, except those of secret fields.
    """
    with reaching(Place(**place)) as reach:
        state = reach.call(reach.sessions.state(session_id))
        sent = state.status == "submitting"
        attempts = reach.call(reach.sessions.attempts(session_id)) if sent else None
    if as_json:
        document = state.model_dump(mode="json", exclude={"definition"})
        document["attempts"] = attempts.model_dump(mode="json") if attempts else None
        click.echo(json.dumps(document, indent=2))
    else:
        print_facts(state.session_id, facts(state, attempts, datetime.now(UTC)))


@sessions.command()
@click.argument("session_id", metavar="ID")
@where
@as_json
def turns(session_id: str, as_json: bool, **place: str | None) -> None:
    """Show what was heard and said in one session, the oldest first."""
    with reaching(Place(**place)) as reach:
        transcript = reach.call(reach.sessions.transcript(session_id))
    if as_json:
        click.echo(transcript.model_dump_json(indent=2))
    else:
        _print_turns(transcript)


@sessions.command()
@click.argument("session_id", metavar="ID")
@click.option("--reason", default="", help="Why; it is kept with the session.")
@where
@as_json
def cancel(session_id: str, reason: str, as_json: bool, **place: str | None) -> None:
    """End one session without submitting it. Its answers stay readable."""
    with reaching(Place(**place)) as reach:
        reply = reach.call(reach.sessions.cancel(session_id, reason))
    _print_status(session_id, reply, as_json=as_json)


@sessions.command()
@click.argument("session_id", metavar="ID")
@click.option("--reason", default="", help="Why; it is kept with the session.")
@where
@as_json
def hand_off(session_id: str, reason: str, as_json: bool, **place: str | None) -> None:
    """Leave one caller to a person. The answers wait: a caller who rings back goes on."""
    with reaching(Place(**place)) as reach:
        reply = reach.call(reach.sessions.hand_off(session_id, reason))
    _print_status(session_id, reply, as_json=as_json)


def _print_status(session_id: str, reply: Reply, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"session_id": session_id, "status": reply.status}, indent=2))
    else:
        click.echo(f"{session_id} is {reply.status}.")


def _print_list(rows: "Sequence[SessionSummary]") -> None:
    now = datetime.now(UTC)
    print_table(
        ("session", "status", "asked", "begun", "ended"),
        [
            (
                row.session_id,
                row.status or ("running" if row.running else "closed"),
                row.field or "",
                ago(row.started_at, now),
                ago(row.closed_at, now) if row.closed_at else "",
            )
            for row in rows
        ],
    )


def _print_turns(transcript: Transcript) -> None:
    if transcript.omitted and on_terminal():
        click.echo(f"{transcript.omitted} earlier exchanges are no longer carried.")
    print_table(
        ("at (UTC)", "leg", "heard", "said", "recorded"),
        [
            (
                f"{entry.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
                str(entry.leg),
                entry.heard,
                entry.said,
                ", ".join(entry.recorded),
            )
            for entry in transcript.entries
        ],
    )
