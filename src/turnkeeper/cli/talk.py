"""`turnkeeper talk`: a form in a terminal. A line is a turn, the end of input hangs up."""

import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, TypeVar

import click

from turnkeeper.cli.reach import Place, Reach, reaching, where
from turnkeeper.cli.talk_view import JsonView, PlainView, TerminalView, View
from turnkeeper.cli.typed import HELP, Typed, meaning_of
from turnkeeper.contract import Reply
from turnkeeper.errors import InvalidInput, TurnConflict, TurnFailed

if TYPE_CHECKING:
    from turnkeeper.client import VoiceSession

T = TypeVar("T")

CHANNEL = "terminal"


@click.command(epilog=f"\b\nIn place of words:\n{HELP}")
@click.argument("form")
@click.option(
    "--caller", required=True, metavar="ID", help="Who rings: a phone number, or any id that stays."
)
@click.option(
    "--transport-id", default="", metavar="ID", help="The call's own name, if it has one."
)
@where
@click.option("--times", is_flag=True, help="Show how long each turn takes.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a reply, for scripts.")
def talk(
    form: str,
    caller: str,
    transport_id: str,
    times: bool,
    as_json: bool,
    **place: str | None,
) -> None:
    """Ring up as a caller and fill in FORM: a line is a turn.

    The end of input, :quit and Ctrl-C hang up; the same command again carries on.

    \b
    Example:
      turnkeeper talk roadside_claim --caller +14155550100
      printf '12345678\\na flat tire\\n' | turnkeeper talk roadside_claim --caller ann --json
    """
    view = _view(times=times, as_json=as_json)
    with reaching(Place(**place)) as reach:
        Call(reach, view, lambda: _dial(reach, form, caller, transport_id)).hold(_lines())


def _dial(
    reach: Reach, form: str, caller: str, transport_id: str
) -> "Coroutine[object, object, VoiceSession]":
    return reach.sessions.open(form, caller, transport_id=transport_id, channel=CHANNEL)


class Call:
    """A caller at a terminal; over a dropped line it goes on as another leg.

    Args:
        dial: opens a leg of the caller's session.
    """

    def __init__(
        self,
        reach: Reach,
        view: View,
        dial: "Callable[[], Coroutine[object, object, VoiceSession]]",
    ) -> None:
        self._reach = reach
        self._view = view
        self._dial = dial
        self._session = self._open()

    def hold(self, lines: Iterator[str]) -> None:
        """Talk until somebody hangs up."""
        try:
            self._converse(lines)
        except KeyboardInterrupt:
            click.echo()
        self._reach.call(self._session.hang_up())
        self._view.note(_ending(self._session.reply))

    def _converse(self, lines: Iterator[str]) -> None:
        while self._session.reply.next == "listen":
            line = next(lines, ":quit")
            try:
                typed = meaning_of(line)
                if typed.action == "quit":
                    return
                self._do(line, typed)
            except (InvalidInput, TurnFailed, TurnConflict) as error:  # Nothing was changed by it.
                click.echo(f"error: {error}", err=True)

    def _do(self, line: str, typed: Typed) -> None:
        match typed.action:
            case "turn":
                self._view.heard(line.strip())
                content = typed.content or {}
                reply, seconds = self._timed(self._session.turn(typed.text, **content))
                self._view.replied(reply, seconds)
            case "drop":
                self._reach.call(self._session.hang_up("drop"))
                self._view.note("the line dropped; the caller rings again")
                self._session = self._open()
            case "state":
                self._view.state(self._reach.call(self._session.state()))
            case "help":
                click.echo(HELP, err=True)

    def _open(self) -> "VoiceSession":
        session, seconds = self._timed(self._dial())
        self._view.opened(session.id, session.reply, seconds)
        return session

    def _timed(self, sending: Coroutine[object, object, T]) -> tuple[T, float]:
        begun = time.perf_counter()
        return self._reach.call(sending), time.perf_counter() - begun


def _ending(reply: Reply) -> str:
    if reply.next == "transfer":
        return "the agent transfers the call"
    if reply.next == "hang_up":
        return f"the agent hung up; the form is {reply.status}"
    return "hung up; the same command carries on"


def _view(*, times: bool, as_json: bool) -> View:
    if as_json:
        return JsonView(times=times)
    if sys.stdout.isatty():
        return TerminalView(times=times, typed=sys.stdin.isatty())
    return PlainView(times=times)


def _lines() -> Iterator[str]:
    """The lines of the input; asked for with a prompt where a person types them."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield from sys.stdin
        return
    _edit_lines()
    while True:
        try:
            yield input(TerminalView.PROMPT)
        except EOFError:
            click.echo()
            return


def _edit_lines() -> None:
    """Makes `input` edit lines and remember them, where Python was built with that."""
    try:
        import readline  # noqa: F401  # its import is its effect
    except ImportError:
        return
