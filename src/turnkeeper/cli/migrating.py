"""`turnkeeper sessions migrate`: one waiting session, or many, to another version of the form."""

import json
from collections import Counter

import click

from turnkeeper.cli.fleet import How, Which, do_to_many, many
from turnkeeper.cli.reach import Place, reaching, where
from turnkeeper.contract import SessionState


@click.command(short_help="Move waiting sessions to another version of their form.")
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
    versions: Counter[str] = Counter()
    already: Counter[str] = Counter()
    """Of these, those that went by it before."""
    with reaching(Place(**place)) as reach:

        async def move(session_id: str) -> SessionState:
            before = await reach.sessions.state(session_id)
            state = await reach.sessions.migrate(session_id, reason, back=back)
            versions[state.form_version] += 1
            if before.form_version == state.form_version:
                already[state.form_version] += 1
            return state

        if session_id is None:
            verb, sought = "migrate back" if back else "migrate", which.sought(running=True)
            do_to_many(
                *(reach, sought, move, verb, how),
                as_json=as_json,
                version=versions,
                already_at_version=already,
            )
            return
        state = reach.call(move(session_id))
    if as_json:
        found = {"session_id": session_id, "form_version": state.form_version}
        click.echo(json.dumps(found, indent=2))
    else:
        since = " already" if already.total() else ""
        click.echo(f"{session_id} goes by version {state.form_version}{since}.")
