"""docs/security.md says what is so: the tests that it names are there."""

import ast
import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "security.md"
TEXT = PAGE.read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)
ROW = re.compile(r"V(\d+)\.(\d+)\.(\d+)")
SECTIONS = dict(enumerate((5, 4, 7, 4, 4, 8, 6, 4, 2, 7, 7, 3, 4, 3, 4, 5, 3), start=1))
"""How many sections each chapter of the standard has (OWASP ASVS 5.0.0)."""


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The cells of a table's rows, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


def collected(file: Path) -> set[str]:
    """Those that pytest would collect."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in tree.body if isinstance(node, functions)}


@pytest.mark.parametrize(("file", "test"), NAMED, ids=[test for _, test in NAMED])
def test_the_test_that_shows_a_promise_is_there(file: str, test: str) -> None:
    assert test.startswith("test_")
    assert test in collected(ROOT / file)


def test_every_promise_has_a_test() -> None:
    promises = rows(section("Promises, and the test that shows each"))
    assert len(promises) > 30
    for promise, shown in promises:
        assert "::test_" in shown, promise


def test_everybody_of_the_threat_model_can_do_something_and_something_not() -> None:
    for who, holds, can, cannot in rows(section("Who can do what")):
        assert who
        assert holds
        assert can
        assert cannot


def test_rows_of_the_standard_are_named_as_it_names_them_and_each_says_how() -> None:
    for names, level, how in rows(section("OWASP ASVS")):
        for name in names.split(", "):
            found = ROW.fullmatch(name)
            assert found, name
            assert 1 <= int(found[2]) <= SECTIONS[int(found[1])], name
        assert set(level.split(", ")) <= {"1", "2", "3"}
        assert how


def test_a_weakness_is_reported_in_private_and_to_no_made_up_address() -> None:
    policy = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert "Report a\nvulnerability" in policy
    assert not re.search(r"\S+@\S+", policy)
