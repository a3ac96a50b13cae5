"""What commands share in showing things: tables, times, and text that is safe on a terminal."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

_UNITS = (
    (timedelta(days=1), "d"),
    (timedelta(hours=1), "h"),
    (timedelta(minutes=1), "min"),
    (timedelta(seconds=1), "s"),
)

_ENDLESS = 10_000
"""Columns that no row needs: what a table is measured in."""

Row = tuple[str, ...]
Fact = tuple[str, str]
"""A name and a value."""


def on_terminal() -> bool:
    """Whether a person reads what is printed."""
    return sys.stdout.isatty()


def terminal(*, stderr: bool = False) -> "Console":
    """A terminal that shows text as it is: rich would make an emoji of the `:pizza:` in a session's
    id, which then can't be copied."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)


def coloured(text: str, colour: str) -> str:
    """Text in a colour of click's, unless the reader wants none (https://no-color.org); rich sees
    to that itself."""
    return text if os.environ.get("NO_COLOR") else click.style(text, fg=colour)


def printable(text: str) -> str:
    """Text on one line, without control characters: a caller's words may hold any, and a terminal
    would obey them."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def ago(then: datetime, now: datetime) -> str:
    """`3 min ago`, `in 12 s`, `now`: in the largest unit that fits, rounded down."""
    passed = now - then
    for unit, name in _UNITS:
        if abs(passed) >= unit:
            count = f"{abs(passed) // unit} {name}"
            return f"{count} ago" if passed > timedelta() else f"in {count}"
    return "now"


def moment(then: datetime, now: datetime) -> str:
    """`3 min ago (2026-03-02 15:00:00 UTC)`."""
    return f"{ago(then, now)} ({then.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC)"


def print_table(columns: Sequence[str], rows: Iterable[Row], *, wraps: bool = False) -> None:
    """A table on a terminal; elsewhere a line a row, with tabs, headed by the columns.

    The first column is never cut: it has what the next command wants copied. Where the terminal is
    too narrow for the others beside it, they follow on a line of their own, unless they hold prose
    that `wraps`.
    """
    cleaned = [tuple(map(printable, row)) for row in rows]
    if not on_terminal():
        for row in (tuple(columns), *cleaned):
            click.echo("\t".join(row))
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Column, Table

    console = terminal()
    first = Column(
        columns[0], no_wrap=True, min_width=max((len(row[0]) for row in cleaned), default=0)
    )
    table = Table(first, *columns[1:], box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for row in cleaned:
        table.add_row(*row)
    if (
        not wraps
        and console.measure(table, options=console.options.update_width(_ENDLESS)).maximum
        > console.width
    ):
        _print_stacked(columns, cleaned)
    else:
        console.print(table)


def _print_stacked(columns: Sequence[str], rows: Sequence[Row]) -> None:
    for first, *others in rows:
        click.echo(first)
        named = zip(columns[1:], others, strict=True)
        click.echo("  " + ", ".join(f"{name}: {value}" for name, value in named if value))


def print_facts(title: str, sections: Iterable[tuple[str, Sequence[Fact]]]) -> None:
    """Headed lists of name and value; on a terminal aligned, elsewhere with tabs."""
    if not on_terminal():
        click.echo(printable(title))
        for heading, rows in sections:
            for name, value in rows:
                click.echo("\t".join(map(printable, (heading, name, value))))
        return
    from rich.table import Table

    console = terminal()
    console.print(printable(title), style="bold")
    for heading, rows in sections:
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim", no_wrap=True)
        for name, value in rows:
            grid.add_row(f"  {printable(name)}", printable(value))
        console.print()
        console.print(heading, style="cyan")
        console.print(grid)


@contextmanager
def progress(what: str, total: int, *, shown: bool) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, where that is a terminal and a person waits."""
    if not shown or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.progress import Progress

    with Progress(console=terminal(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)
