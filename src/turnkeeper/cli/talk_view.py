"""How `turnkeeper talk` looks: to a person at a terminal, in a pipe, and to a script."""

import json
from typing import Protocol

import click

from turnkeeper.cli.display import printable, terminal
from turnkeeper.contract import Reply, SessionState


class View(Protocol):
    """What is shown of a conversation, in the order in which it happens."""

    def opened(self, session_id: str, reply: Reply, seconds: float) -> None:
        """A leg began; `seconds` is what connecting took."""

    def heard(self, line: str) -> None:
        """The caller's line, where typing it has not shown it already."""

    def replied(self, reply: Reply, seconds: float) -> None: ...

    def state(self, state: SessionState) -> None: ...

    def note(self, text: str) -> None:
        """Something about the call itself: it ended, it dropped."""


def changes(reply: Reply) -> list[str]:
    """What a turn did to the form, a line a field: `+` recorded, `-` removed, `!` refused, `?` read
    back and waiting for a yes."""
    lines = [f"+ {field} = {shown(value)}" for field, value in reply.recorded.items()]
    lines += [f"- {field}" for field in reply.removed]
    lines += [f"! {refused.field}: {refused.code}" for refused in reply.rejected]
    if reply.confirming and reply.confirming["field"]:
        lines.append(f"? {reply.confirming['field']} = {shown(reply.confirming['value'])}")
    elif reply.confirming:
        lines.append("? everything, before it is submitted")
    return [printable(line) for line in lines]


def shown(value: object) -> str:
    """A value as in JSON, text without quotes."""
    return value if isinstance(value, str) else json.dumps(value)


def answers(state: SessionState) -> list[str]:
    """A session in a few lines: its status and its answers."""
    lines = [f"{field} = {shown(value)}" for field, value in state.form_answers.items()]
    asked = f", {state.field} is asked" if state.field and state.status == "collecting" else ""
    return [
        f"{state.status}, {_progress(state)} answered{asked}",
        *(printable(line) for line in lines or ["no answers yet"]),
    ]


def _progress(of: Reply | SessionState) -> str:
    return f"{of.progress.done}/{of.progress.total}"


class JsonView:
    """One JSON object a reply, on a line of its own; a state is one too."""

    def __init__(self, *, times: bool) -> None:
        self._times = times
        self._session_id = ""

    def opened(self, session_id: str, reply: Reply, seconds: float) -> None:
        self._session_id = session_id
        self.replied(reply, seconds)

    def heard(self, line: str) -> None:
        pass

    def replied(self, reply: Reply, seconds: float) -> None:
        document = {"session_id": self._session_id, **reply.model_dump(mode="json")}
        if self._times:
            document["milliseconds"] = round(seconds * 1000, 1)
        click.echo(json.dumps(document, ensure_ascii=False))

    def state(self, state: SessionState) -> None:
        click.echo(state.model_dump_json(exclude={"definition"}))

    def note(self, text: str) -> None:
        pass


class PlainView:
    """Text without colours or wrapping, in a pipe or a file."""

    def __init__(self, *, times: bool) -> None:
        self._times = times

    def opened(self, session_id: str, reply: Reply, seconds: float) -> None:
        click.echo(f"-- {session_id}, leg {reply.leg}")
        self.replied(reply, seconds)

    def heard(self, line: str) -> None:
        click.echo(f"caller: {printable(line)}")

    def replied(self, reply: Reply, seconds: float) -> None:
        for line in changes(reply):
            click.echo(f"  {line}")
        took = f" [{milliseconds(seconds)}]" if self._times else ""
        click.echo(f"agent: {printable(reply.say)} [{_progress(reply)}]{took}")

    def state(self, state: SessionState) -> None:
        for line in answers(state):
            click.echo(f"  {line}")

    def note(self, text: str) -> None:
        click.echo(f"-- {text}")


class TerminalView:
    """A conversation in columns: who, what, and at the right how far the form is."""

    PROMPT = "   you  "

    def __init__(self, *, times: bool, typed: bool) -> None:
        self._console = terminal()
        self._times = times
        self._typed = typed
        """Whether the caller's lines are typed here, and so stand here already."""

    def opened(self, session_id: str, reply: Reply, seconds: float) -> None:
        back = ", restored" if reply.restored else ""
        self._console.rule(f"{printable(session_id)}  leg {reply.leg}{back}", style="dim")
        self.replied(reply, seconds)

    def heard(self, line: str) -> None:
        if not self._typed:
            self._row("you", printable(line), style="default")

    def replied(self, reply: Reply, seconds: float) -> None:
        for line in changes(reply):
            self._dim(line)
        took = f"{milliseconds(seconds)}  " if self._times else ""
        self._row("agent", printable(reply.say), f"{took}{_progress(reply)}", style="cyan")

    def state(self, state: SessionState) -> None:
        for line in answers(state):
            self._dim(line)

    def note(self, text: str) -> None:
        self._console.rule(text, style="dim")

    def _dim(self, line: str) -> None:
        from rich.padding import Padding
        from rich.text import Text

        self._console.print(Padding(Text(line, style="dim"), (0, 0, 0, len(self.PROMPT))))

    def _row(self, who: str, text: str, aside: str = "", *, style: str) -> None:
        from rich.table import Table

        grid = Table.grid(expand=True, padding=(0, 2, 0, 0))
        grid.add_column(width=len(self.PROMPT) - 2, justify="right", style="bold")
        grid.add_column(ratio=1, style=style)
        grid.add_column(justify="right", style="dim", no_wrap=True)
        grid.add_row(who, text, aside)
        self._console.print(grid)


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
