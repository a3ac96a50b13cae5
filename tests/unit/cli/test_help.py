"""Help is whole: what a list says of a command ends where its sentence does."""

from collections.abc import Iterator

import click
import pytest

from turnkeeper.cli import main
from worker.__main__ import main as worker

Named = tuple[str, click.Context]


def groups(group: click.Group, name: str, parent: click.Context | None = None) -> Iterator[Named]:
    """Every group of commands under one, with itself."""
    context = click.Context(group, parent=parent, info_name=name, **group.context_settings)
    yield context.command_path, context
    for one in group.list_commands(context):
        command = group.get_command(context, one)
        if isinstance(command, click.Group):
            yield from groups(command, one, context)


ALL = dict([*groups(main, "turnkeeper"), *groups(worker, "python -m worker")])


@pytest.mark.parametrize("name", ALL)
def test_no_line_of_a_list_of_commands_is_cut_off(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = ALL[name].get_help().partition("Commands:")[2].splitlines()
    assert len(lines) > 1
    assert [line for line in lines if line.endswith("...")] == []


def test_all_groups_are_looked_at() -> None:
    assert {"turnkeeper sessions", "turnkeeper keys", "python -m worker"} <= set(ALL)
