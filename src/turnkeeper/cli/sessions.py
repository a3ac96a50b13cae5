"""`turnkeeper sessions`: what an operator wants to know of callers' forms, and may do to them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, get_args

import click

from turnkeeper.cli import erasing, migrating
from turnkeeper.cli.display import ago, on_terminal, print_facts, print_table
from turnkeeper.cli.fleet import How, Which, do_to_many, filters, many, print_counts
from turnkeeper.cli.reach import Place, reaching, where
from turnkeeper.cli.session_facts import facts
from turnkeeper.contract import Reply, SessionState, Status, Transcript

if TYPE_CHECKING:
    from turnkeeper.backend import SessionSummary

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


@click.group()
def sessions() -> None:
    """List and count sessions, look into one, export one; hand off, cancel, migrate or erase them.

    \b
    Example:
      turnkeeper sessions list --status collecting
      turnkeeper sessions show voice:session:default:roadside_claim:4vpcede3a3lvhqdoebqulbd4g4
    """


@sessions.command(name="list", short_help="List a tenant's sessions, those that run first.")
@filters
@click.option("--transport-id", help="Only the session of this call: a CallSid, a room name.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many."
)
@where
@as_json
def list_(
    which: Which, transport_id: str | None, limit: int, as_json: bool, **place: str | None
) -> None:
    """List a tenant's sessions: those that run first, then the finished ones that Temporal still
    keeps; of each the newest first. Temporal's list is a moment behind what happens.
    """
    sought = which.sought(transport_id=transport_id)
    with reaching(Place(**place)) as reach:
        rows = reach.collect(reach.sessions.find(sought, limit=limit))
    if as_json:
        click.echo(json.dumps([row.model_dump(mode="json") for row in rows], indent=2))
    elif rows or not on_terminal():
        _print_list(rows)
        if len(rows) == limit:
            click.echo(f"There may be more than these {limit}: see --limit.", err=True)
    else:
        click.echo("There are no such sessions.")


@sessions.command()
@filters
@where
@as_json
def count(which: Which, as_json: bool, **place: str | None) -> None:
    """Count a tenant's sessions by status. Temporal's count is a moment behind what happens."""
    statuses: tuple[Status, ...] = (which.status,) if which.status else get_args(Status)
    with reaching(Place(**place)) as reach:
        counted = reach.sessions.count
        counts: dict[str, int] = {
            status: reach.call(counted(which.sought(status=status))) for status in statuses
        }
        counts["all"] = reach.call(counted(which.sought()))
    print_counts(counts, as_json=as_json)


@sessions.command(short_help="Show one session: its answers, its calls, its delivery.")
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


@sessions.command(short_help="End sessions without submitting them.")
@click.argument("session_id", metavar="[ID]", required=False)
@click.option("--reason", default="", help="Why; it is kept with the session.")
@many
@where
@as_json
def cancel(
    session_id: str | None,
    reason: str,
    which: Which,
    how: How,
    as_json: bool,
    **place: str | None,
) -> None:
    """End one session without submitting it, or all that the options find. Answers stay readable.

    \b
    Example:
      turnkeeper sessions cancel --form roadside_claim --older-than 30d --dry-run
    """
    how.require_one_meaning(session_id, which)
    with reaching(Place(**place)) as reach:
        send = partial(reach.sessions.cancel, reason=reason)
        if session_id is None:
            do_to_many(reach, which.sought(running=True), send, "cancel", how, as_json=as_json)
            return
        reply = reach.call(send(session_id))
    _print_status(session_id, reply, as_json=as_json)


@sessions.command()
@click.argument("session_id", metavar="[ID]", required=False)
@click.option("--reason", default="", help="Why; it is kept with the session.")
@click.option("--unlock", is_flag=True, help="Give a caller who was not let in all attempts again.")
@many
@where
@as_json
def hand_off(
    session_id: str | None,
    reason: str,
    unlock: bool,
    which: Which,
    how: How,
    as_json: bool,
    **place: str | None,
) -> None:
    """Leave one caller to a person, or all that the options find. The answers wait: a caller who
    rings back goes on."""
    how.require_one_meaning(session_id, which)
    with reaching(Place(**place)) as reach:
        send = partial(reach.sessions.hand_off, reason=reason, unlock=unlock)
        if session_id is None:
            do_to_many(reach, which.sought(running=True), send, "hand off", how, as_json=as_json)
            return
        reply = reach.call(send(session_id))
        state = reach.call(reach.sessions.state(session_id)) if unlock else None
    _print_status(session_id, reply, as_json=as_json)
    if state is not None and not as_json:
        click.echo(_unlocked(state))


sessions.add_command(migrating.migrate)
sessions.add_command(erasing.export)
sessions.add_command(erasing.erase)


def _print_status(session_id: str, reply: Reply, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"session_id": session_id, "status": reply.status}, indent=2))
    else:
        click.echo(f"{session_id} is {reply.status}.")


def _unlocked(state: SessionState) -> str:
    if state.verification is None:
        return "There was nothing to unlock: its form lets every caller in (it has no `resume`)."
    return f"Whoever calls has {state.verification.attempts_left} attempts to be let in."


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
        wraps=True,
    )
