"""scripts/check sees what must not be in the tree, and a check that fails makes it fail."""

import importlib.util
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def check(root: Path) -> ModuleType:
    """scripts/check as a module; it has no suffix, since it is a command."""
    loader = SourceFileLoader("check", str(root / "scripts" / "check"))
    spec = importlib.util.spec_from_loader("check", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("https://" + "pypi" + ".org/simple", "names a package registry"),
        ("https://files." + "pythonhosted" + ".org/x.whl", "names a package registry"),
        ("pip install --index-url" + " https://packages.example", "names a package registry"),
        ("/wor" + "k/main/.venv", "names a path of one machine"),
        ("/hom" + "e/ada/turnkeeper", "names a path of one machine"),
    ],
)
def test_a_registry_or_a_machine_is_named_with_its_line(
    check: ModuleType, text: str, why: str
) -> None:
    (offence,) = check.offences(f"one\ntwo {text}\nthree")
    assert offence.startswith("2: ")
    assert why in offence


@pytest.mark.parametrize("text", ["", "a workflow/turn", "docs/home/page", "pip install uv"])
def test_what_only_looks_like_it_is_left_alone(check: ModuleType, text: str) -> None:
    assert list(check.offences(text)) == []


def test_a_command_that_fails_says_what_it_printed(check: ModuleType) -> None:
    assert check._run(("python", "-c", "pass")) == ""
    assert check._run(("python", "-c", "raise SystemExit(3)")) == "exit code 3"
    assert check._run(("python", "-c", "print('this is wrong'); exit(1)")) == "this is wrong"


def test_a_tool_that_is_not_there_is_a_failure(check: ModuleType) -> None:
    assert check._run(("no-such-tool",)).startswith("there is no `no-such-tool`")


def test_one_red_check_makes_all_red_and_the_others_still_run(
    check: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    red, green = ("python", "-c", "exit(1)"), ("python", "-c", "pass")
    monkeypatch.setattr(check, "COMMANDS", {"red": red, "green": green})
    monkeypatch.setattr(check, "_tree", lambda: "")
    assert check.main() == 1
    told = capsys.readouterr().out
    assert "green" in told
    assert told.endswith("failed: red\n")
    monkeypatch.setattr(check, "COMMANDS", {"green": green})
    assert check.main() == 0
