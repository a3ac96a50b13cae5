"""What a person at a terminal sees: nothing cut off that is to be copied, no colour where none is
wanted. The terminal has 80 columns."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

import pytest

from turnkeeper.cli.display import coloured, print_facts, print_table
from turnkeeper.cli.doctor import print_findings
from turnkeeper.cli.forms import print_form
from turnkeeper.cli.talk_view import TerminalView
from turnkeeper.contract import Reply
from turnkeeper.doctor.finding import wrong
from turnkeeper.forms.load import parse_form
from worker.demo_screen import Screen

ID = "voice:session:default:pizza:k3a9b0c1d2e3f4g5h6j7k8m9n0"
LONG_ID = ID.replace("pizza", "roadside_claim")
ROW = ("collecting", "vehicle_registration", "3 min ago", "")
FORM = parse_form("form: visit\nfields: [{name: a, type: text, prompt: 'A :pizza: or two?'}]\n")
COLUMNS = 80
COLOUR = "\x1b[3"
"""How a foreground colour begins (ECMA-48, SGR 30 to 37)."""


class _Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Terminal]:
    shown = _Terminal()
    with monkeypatch.context() as context:
        for name, value in {"COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}.items():
            context.setenv(name, value)
        context.setattr("sys.stdout", shown)
        yield shown


def plain(lines: list[str]) -> list[str]:
    """The lines without escape codes."""
    return [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]


def test_a_session_id_is_shown_as_it_is_whatever_the_form_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with terminal(monkeypatch) as shown:
        print_table(("session", "status"), [(ID, "collecting")])
        print_facts(ID, [("session", [("form", ":pizza:")])])
        TerminalView(times=False, typed=True).opened(ID, Reply(say=":pizza:"), 0.0)
        print_form(FORM)
    assert shown.getvalue().count(ID) == 3
    assert shown.getvalue().count(":pizza:") == 6


def test_a_row_that_is_too_wide_for_the_terminal_has_its_id_on_a_line_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with terminal(monkeypatch) as shown:
        print_table(("session", "status", "asked", "begun", "ended"), [(LONG_ID, *ROW)] * 2)
    lines = shown.getvalue().splitlines()
    told = "  status: collecting, asked: vehicle_registration, begun: 3 min ago"
    assert lines == [LONG_ID, told] * 2
    assert max(map(len, lines)) <= COLUMNS


def test_a_table_that_fits_is_a_table_and_prose_wraps_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with terminal(monkeypatch) as shown:
        print_table(("status", "sessions"), [("collecting", "3")])
        print_table(("leg", "said"), [("1", "word " * 40)], wraps=True)
    lines = shown.getvalue().splitlines()
    assert sum("leg" in line and "said" in line for line in lines) == 1
    assert sum("status" in line and "sessions" in line for line in lines) == 1
    assert max(map(len, plain(lines))) <= COLUMNS


@pytest.mark.parametrize("wanted", [True, False])
def test_there_is_colour_only_where_no_color_is_empty(
    monkeypatch: pytest.MonkeyPatch, wanted: bool
) -> None:
    """https://no-color.org: when present and not an empty string."""
    monkeypatch.setenv("NO_COLOR", "" if wanted else "1")
    with terminal(monkeypatch) as shown:
        screen = Screen()
        screen.caller("hello")
        screen.event("the line drops")
        screen.check(True, "kept")
        print_findings([wrong("a", "b")])
        print_facts(ID, [("session", [("form", "visit")])])
    coloured_lines = [line for line in shown.getvalue().splitlines() if COLOUR in line]
    assert len(coloured_lines) == (5 if wanted else 0)
    assert (coloured("x", "red") == "x") is not wanted


def test_the_demo_fits_into_80_columns_with_the_times_behind_what_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with terminal(monkeypatch) as shown:
        for length in range(1, 12):
            Screen().agent("seven77 " * length, seconds=12.345)
    lines = plain(shown.getvalue().splitlines())
    assert sum("[12345 ms]" in line for line in lines) == 11
    assert max(map(len, lines)) <= COLUMNS
