"""`turnkeeper access`: the API keys with which programs come in at the gateway."""

import asyncio
import json
import sys
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import click

from turnkeeper.cli.display import moment, print_table
from turnkeeper.errors import InvalidInput
from turnkeeper.forms.durations import EXAMPLES, parse_duration
from turnkeeper.gateway.access.principal import SCOPES, known_scopes
from turnkeeper.settings import read_settings

if TYPE_CHECKING:
    from turnkeeper.gateway.access.api_keys import ApiKeys
    from turnkeeper.security.access_rows import ApiKeyRow

T = TypeVar("T")

NEVER = "never"

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
tenant_option = click.option("--tenant", help="Whose keys. [TURNKEEPER_TENANT]")


@click.group()
def access() -> None:
    """Make, list and revoke the API keys of programs that use the gateway.

    They are kept beside the keys of sessions: where TURNKEEPER_KEY_STORE says.

    \b
    Example:
      turnkeeper access make agent --scope talk --scope read
      turnkeeper access list
      turnkeeper access revoke 5qk3vdz7h2ra
    """


@access.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(tuple(SCOPES)),
    multiple=True,
    required=True,
    help="What it may do; several times for several.",
)
@click.option(
    "--expires",
    default="90d",
    show_default=True,
    help=f"After how long it is good no more: {EXAMPLES}; or {NEVER}.",
)
@tenant_option
@as_json
def make(
    name: str, scopes: tuple[str, ...], expires: str, tenant: str | None, as_json: bool
) -> None:
    """Make a key for the program NAME and print it, once.

    A name may have two keys that are good: make the new one, give it to the program, revoke the
    old one.
    """
    keys, whose = _opened(tenant)
    key = _run(keys.make(name, whose, known_scopes(scopes), _seconds(expires)))
    if as_json:
        (row,) = [row for row in _run(keys.list(whose)) if row.id == key.split("_")[1]]
        click.echo(json.dumps({"key": key, **_document(row)}, indent=2))
    else:
        click.echo(key)
    click.echo("Keep it now: it is not shown again.", err=True)


@access.command(name="list", short_help="List the keys of a tenant.")
@tenant_option
@as_json
def list_(tenant: str | None, as_json: bool) -> None:
    """List the keys of a tenant; the keys themselves nobody can read again."""
    keys, whose = _opened(tenant)
    rows = _run(keys.list(whose))
    if as_json:
        click.echo(json.dumps([_document(row) for row in rows], indent=2))
        return
    now = datetime.now(UTC)
    print_table(
        ("id", "name", "scopes", "made", "good until"),
        [
            (row.id, row.name, " ".join(row.scopes), moment(row.created_at, now), _until(row, now))
            for row in rows
        ],
    )


@access.command()
@click.argument("key_id", metavar="ID")
@tenant_option
def revoke(key_id: str, tenant: str | None) -> None:
    """Make a key good for nothing, within 15 seconds at every gateway. ID is as `list` shows it."""
    keys, whose = _opened(tenant)
    if _run(keys.revoke(whose, key_id)):
        click.echo(f"Revoked {key_id}.")
        return
    click.echo(f"error: there is no key {key_id!r}, or it was revoked before", err=True)
    sys.exit(1)


def _opened(tenant: str | None) -> "tuple[ApiKeys, str]":
    """The API keys, and whose are asked for."""
    from turnkeeper.gateway.access.api_keys import ApiKeys
    from turnkeeper.local_server import beside

    settings = beside(read_settings(tenant=tenant))
    return ApiKeys.of(settings), settings.tenant


def _seconds(expires: str) -> int | None:
    if expires == NEVER:
        return None
    duration = parse_duration(expires)
    if duration is None:
        raise InvalidInput(f"--expires is {expires!r} and must be {EXAMPLES}; or {NEVER}")
    return int(duration.total_seconds())


def _until(row: "ApiKeyRow", now: datetime) -> str:
    if row.revoked_at is not None:
        return "revoked"
    if row.expires_at is None:
        return NEVER
    return moment(row.expires_at, now) if row.is_live else "run out"


def _document(row: "ApiKeyRow") -> dict[str, object]:
    times = {
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "revoked_at": row.revoked_at,
    }
    return {
        "id": row.id,
        "name": row.name,
        "tenant": row.tenant,
        "scopes": list(row.scopes),
        **{name: time and time.isoformat() for name, time in times.items()},
        "is_live": row.is_live,
    }


def _run(work: Coroutine[object, object, T]) -> T:
    # Given a factory, the runner leaves the thread's current event loop as it is.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(work)
