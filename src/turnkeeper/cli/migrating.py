"""`turnkeeper sessions migrate`: one waiting session, or many, to another version of the form."""

import json
from functools import partial

import click

from turnkeeper.cli.fleet import How, Which, do_to_many, many
from turnkeeper.cli.reach import Place, reaching, where


@click.command()
@click.argument("session_id", metavar="[ID]", required=False)
@click.option("--reason", default="", help="Why; it is kept with the session.")
@click.option("--back", is_flag=True, help="To the version before, with what was put aside.")
@many
@where
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def migrate(
    session_id: str | None,
    reason: str,
    back: bool,
    which: Which,
    how: How,
    as_json: bool,
    **place: str | None,
) -> None:
    """Have one waiting session, or all that the options find, go by the version of its form that
    workers have now. The new form says in `migrates_from` which versions it takes over.

    \b
    Example:
      turnkeeper sessions migrate --form roadside_claim --dry-run
    """
    how.require_one_meaning(session_id, which)
    with reaching(Place(**place)) as reach:
        send = partial(reach.sessions.migrate, reason=reason, back=back)
        if session_id is None:
            verb = "migrate back" if back else "migrate"
            do_to_many(reach, which.sought(running=True), send, verb, how, as_json=as_json)
            return
        state = reach.call(send(session_id))
    if as_json:
        found = {"session_id": session_id, "form_version": state.form_version}
        click.echo(json.dumps(found, indent=2))
    else:
        click.echo(f"{session_id} goes by version {state.form_version}.")
