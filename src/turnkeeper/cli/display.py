"""What commands share in showing things: tables, times, and text that is safe on a terminal."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import click

_UNITS = (
    (timedelta(days=1), "d"),
    (timedelta(hours=1), "h"),
    (timedelta(minutes=1), "min"),
    (timedelta(seconds=1), "s"),
)

Row = tuple[str, ...]
Fact = tuple[str, str]
"""A name and a value."""


def on_terminal() -> bool:
    """Whether a person reads what is printed."""
    return sys.stdout.isatty()


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


def print_table(columns: Sequence[str], rows: Iterable[Row]) -> None:
    """A table on a terminal; elsewhere a line a row, with tabs, headed by the columns. The first
    column is never cut: it has what the next command wants copied."""
    cleaned = [tuple(map(printable, row)) for row in rows]
    if not on_terminal():
        for row in (tuple(columns), *cleaned):
            click.echo("\t".join(row))
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Column, Table

    first = Column(
        columns[0], no_wrap=True, min_width=max((len(row[0]) for row in cleaned), default=0)
    )
    table = Table(first, *columns[1:], box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for row in cleaned:
        table.add_row(*row)
    Console(markup=False, highlight=False).print(table)


def print_facts(title: str, sections: Iterable[tuple[str, Sequence[Fact]]]) -> None:
    """Headed lists of name and value; on a terminal aligned, elsewhere with tabs."""
    if not on_terminal():
        click.echo(printable(title))
        for heading, rows in sections:
            for name, value in rows:
                click.echo("\t".join(map(printable, (heading, name, value))))
        return
    from rich.console import Console
    from rich.table import Table

    console = Console(markup=False, highlight=False)
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
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)
