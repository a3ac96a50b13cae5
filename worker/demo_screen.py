"""How the demo looks: a conversation, with what happens to the machines between the lines."""

import textwrap
import time

import click

from turnkeeper.cli.display import coloured

_NAME = 8
_WIDTH = 80 - (2 + _NAME) - len("  [99999 ms]")
"""Of what is said: who says it is before it, and how long the turn took may be behind it."""


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._start


class Screen:
    """Prints the story, and keeps how long each turn took."""

    def __init__(self) -> None:
        self._turns: list[float] = []

    def title(self, text: str) -> None:
        click.secho(f"\n{text}\n", bold=True)

    def caller(self, text: str) -> None:
        self._speech("caller", text, "cyan")

    def agent(self, text: str, seconds: float | None = None) -> None:
        """What the agent says; `seconds` is how long the turn took until it could."""
        note = "" if seconds is None else f"  [{seconds * 1000:.0f} ms]"
        if seconds is not None:
            self._turns.append(seconds)
        self._speech("agent", text, "green", note)

    def event(self, text: str) -> None:
        click.echo(coloured(f"  ── {text}", "yellow"))

    def check(self, holds: bool, text: str) -> bool:
        """One line of the verdict; gives `holds` back."""
        line = f"  {'✓' if holds else '✗'} {text}"
        click.echo(coloured(line, "green" if holds else "red"))
        return holds

    def times(self) -> str:
        """The turns' times in one phrase."""
        turns = sorted(self._turns)
        middle, longest = turns[len(turns) // 2] * 1000, turns[-1] * 1000
        return f"{len(turns)} turns, median {middle:.0f} ms, longest {longest:.0f} ms"

    def _speech(self, who: str, text: str, colour: str, note: str = "") -> None:
        lines = textwrap.wrap(text, _WIDTH) or [""]
        for number, line in enumerate(lines):
            name = coloured(f"  {who if number == 0 else '':<{_NAME}}", colour)
            end = click.style(note, dim=True) if number == len(lines) - 1 else ""
            click.echo(name + line + end)
