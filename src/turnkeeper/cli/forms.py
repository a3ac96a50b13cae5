"""`turnkeeper forms`: check form files, show one, print the JSON Schema."""

import json
import sys
from pathlib import Path

import click

from turnkeeper.cli.display import terminal
from turnkeeper.errors import FormError
from turnkeeper.forms.json_schema import json_schema
from turnkeeper.forms.load import LoadedFile, load_files, load_form
from turnkeeper.forms.model import Field, Form

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


@click.group()
def forms() -> None:
    """Check form files and show what they say.

    \b
    Example:
      turnkeeper forms check forms
    """


@forms.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
@as_json
def check(files: tuple[Path, ...], as_json: bool) -> None:
    """Check form files, or every form file of a folder.

    Prints each mistake with its place, and exits with 1 when there is one.

    \b
    Example:
      turnkeeper forms check forms/roadside_claim.yaml
      turnkeeper forms check forms --json
    """
    checked = load_files(files)
    if not checked:
        places = ", ".join(map(str, files))
        raise FormError([f"there are no *.yaml or *.yml files in {places}; name a form file"])
    if as_json:
        click.echo(json.dumps([_result(file) for file in checked], indent=2))
    else:
        for file in checked:
            _print(file)
    if any(file.mistakes for file in checked):
        sys.exit(1)


@forms.command(short_help="Print the JSON Schema of form files, for editors.")
def schema() -> None:
    """Print the JSON Schema of form files, so that an editor completes them.

    \b
    Example:
      turnkeeper forms schema > form.schema.json
    """
    click.echo(json.dumps(json_schema(), indent=2))


@forms.command()
@click.argument("file", type=click.Path(path_type=Path))
@as_json
def show(file: Path, as_json: bool) -> None:
    """Show a form's fields, in the order in which they are asked.

    \b
    Example:
      turnkeeper forms show forms/roadside_claim.yaml
    """
    form = load_form(file)
    if as_json:
        click.echo(form.model_dump_json(indent=2, exclude_defaults=True))
    elif sys.stdout.isatty():
        print_form(form)
    else:
        for row in ((*COLUMNS,), *map(_row, form.fields)):
            click.echo("\t".join(row))


# --- check ----------------------------------------------------------------------------------------


def _print(file: LoadedFile) -> None:
    if file.form:
        count = len(file.form.fields)
        fields = "1 field" if count == 1 else f"{count} fields"
        click.echo(f"{_tick()} {file.path}: {file.form.form}, {fields}")
    for mistake in file.mistakes:
        click.echo(mistake)


def _tick() -> str:
    """A tick where the terminal can show one."""
    try:
        "✓".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return "ok"
    return "✓"


def _result(file: LoadedFile) -> dict[str, object]:
    return {
        "file": str(file.path),
        "ok": not file.mistakes,
        "form": file.form.form if file.form else None,
        "fields": len(file.form.fields) if file.form else None,
        "mistakes": list(file.mistakes),
    }


# --- show -----------------------------------------------------------------------------------------

COLUMNS = ("field", "type", "required", "when", "prompt")


def _row(field: Field) -> tuple[str, ...]:
    return (
        field.name,
        field.type,
        "yes" if field.required else "no",
        field.when or "",
        field.prompt[0],
    )


def print_form(form: Form) -> None:
    """Its fields as a table on a terminal."""
    from rich.table import Table

    table = Table(*COLUMNS, title=f"{form.spoken_title} ({form.form}, version {form.version})")
    for field in form.fields:
        table.add_row(*_row(field))
    terminal().print(table)
