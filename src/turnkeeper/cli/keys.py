"""`turnkeeper keys`: the versions of the tenant key, and what they wrap."""

import asyncio
import json
import sys
from collections.abc import Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from turnkeeper.cli.display import print_table, progress
from turnkeeper.errors import SettingsError
from turnkeeper.settings import read_settings

if TYPE_CHECKING:
    from turnkeeper.security.keyring import Keyring
    from turnkeeper.security.rewrapping import TenantKeys

T = TypeVar("T")

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
tenant_option = click.option("--tenant", help="Whose keys. [TURNKEEPER_TENANT]")


@click.group()
def keys() -> None:
    """Make, list, rotate and rewrap the keys that TURNKEEPER_KEYS and TURNKEEPER_KEY_STORE name.

    \b
    Example:
      turnkeeper keys make tenant-keys.json
      turnkeeper keys rotate
      turnkeeper keys rewrap
    """


@keys.command(short_help="Make a key file, for its owner alone.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def make(file: Path) -> None:
    """Make a key file, for its owner alone; one that is there stays as it is."""
    from turnkeeper.security.key_file import make_key_file

    made = make_key_file(file.absolute())
    click.echo(f"{'Made' if made else 'There is'} {file}. To encrypt with it, set")
    click.echo(f"  TURNKEEPER_KEYS=file:{file.absolute()}")
    click.echo("  TURNKEEPER_KEY_STORE=sqlite:PATH or postgresql://HOST/DATABASE")
    click.echo("for every worker, gateway and client.")


@keys.command(name="list", short_help="List the versions of the tenant key.")
@tenant_option
@as_json
def list_(tenant: str | None, as_json: bool) -> None:
    """List the versions of the tenant key, and what each one wraps: the keys of so many sessions,
    and the tenant's identity key, which makes the ids of callers."""
    from turnkeeper.security.rewrapping import tenant_keys

    _print(_run(tenant_keys(*_opened(tenant))), as_json=as_json)


@keys.command(short_help="Add a version to a local key file.")
@tenant_option
@as_json
def rotate(tenant: str | None, as_json: bool) -> None:
    """Add a version to a local key file and wrap new sessions with it from now on.

    Sessions that have begun go on under the older version until they are rewrapped. A file that is
    copied to several machines has to reach all of them.
    """
    from turnkeeper.security.key_file import FileKeys
    from turnkeeper.security.rewrapping import tenant_keys

    keyring, whose = _opened(tenant)
    if not isinstance(keyring.provider, FileKeys):
        raise SettingsError(
            "only a key file (TURNKEEPER_KEYS=file:PATH) is rotated here: give an environment"
            " variable another version at its end, or let the KMS alias point to another key, and"
            " then run `turnkeeper keys rewrap`"
        )
    _run(keyring.provider.rotate())
    _print(_run(tenant_keys(keyring, whose)), as_json=as_json)


@keys.command(short_help="Wrap all keys with the current version.")
@tenant_option
@as_json
def rewrap(tenant: str | None, as_json: bool) -> None:
    """Wrap all keys, the identity key too, with the current version of the tenant key.

    Nothing stops meanwhile. Cut short, it goes on where it was when it is run again. Exits with 1
    if a key is left whose version is not here.
    """
    from turnkeeper.security.rewrapping import rewrap as rewrap_all
    from turnkeeper.security.rewrapping import tenant_keys

    keyring, whose = _opened(tenant)
    outdated = _run(tenant_keys(keyring, whose)).outdated
    with progress("rewrapping", outdated, shown=not as_json) as advance:
        done = _run(rewrap_all(keyring, whose, advance))
    if as_json:
        click.echo(json.dumps(asdict(done), indent=2))
    else:
        click.echo(f"Rewrapped {done.rewrapped} keys.")
    if done.unknown:
        click.echo(
            f"error: {done.unknown} keys are wrapped by a version that is not here; they"
            " are as they were",
            err=True,
        )
        sys.exit(1)


def _opened(tenant: str | None) -> "tuple[Keyring, str]":
    """The keys, and whose are asked for."""
    from turnkeeper.local_server import beside
    from turnkeeper.security.converter import keyring

    settings = beside(read_settings(tenant=tenant))
    return keyring(settings), settings.tenant


def _run(work: Coroutine[object, object, T]) -> T:
    # Given a factory, the runner leaves the thread's current event loop as it is.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(work)


def _print(found: "TenantKeys", *, as_json: bool) -> None:
    if as_json:
        document = {**asdict(found), "outdated": found.outdated}
        click.echo(json.dumps(document, indent=2))
        return
    identity = () if found.identity is None else (found.identity,)
    versions = dict.fromkeys((*found.versions.known, *found.live, *identity))
    print_table(
        ("version", "wraps new sessions", "sessions", "identity key"),
        [
            (
                version,
                _yes(version == found.versions.current),
                str(found.live.get(version, 0)),
                _yes(version == found.identity),
            )
            for version in versions
        ],
    )


def _yes(so: bool) -> str:
    return "yes" if so else ""
