"""The wheel holds the one published package, and works with its base dependencies alone."""

import re
from importlib.metadata import version
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.packaging.conftest import Environment, build

FORM = """
form: dinner
title: Table booking
fields:
  - name: guests
    type: number
    prompt: For how many people?
  - name: day
    type: date
    prompt: For which day?
"""

CONVERSATION = """
import asyncio
from pathlib import Path
from turnkeeper.forms.load import load_form
from turnkeeper.testing import MemorySessions

async def main():
    async with MemorySessions([load_form(Path("dinner.yaml"))]) as sessions:
        session = await sessions.open("dinner", caller="+14155550100")
        await session.turn("four")
        session = await sessions.open("dinner", caller="(415) 555-0100")
        assert session.restored and session.reply.field == "day"
        await session.turn("three fortnights ago")
        await session.turn("yes")
        print((await session.state()).status, sessions.delivered[0].answers)

asyncio.run(main())
"""
"""The clock of these sessions stands at 2 March 2026, so the day is 19 January."""

NEED_AN_EXTRA = (
    "turnkeeper.adapters.",
    "turnkeeper.gateway.",
    "turnkeeper.mcp_server.",
    "turnkeeper.pytest_relay",
    "turnkeeper.relay_caller",
    "turnkeeper.security.aws_kms",
    "turnkeeper.security.postgres_rows",
    "turnkeeper.values.duckling_process",
)
"""How the names of modules begin that nothing imports unless their extra is there."""


@pytest.fixture(scope="module")
def with_form(installed: Environment) -> Environment:
    (installed.folder / "dinner.yaml").write_text(FORM)
    return installed


def test_nothing_but_the_package_is_installed_at_top_level(wheel: Path) -> None:
    with ZipFile(wheel) as files:
        top = {name.split("/")[0] for name in files.namelist()}
    assert top == {"turnkeeper", f"turnkeeper-{version('turnkeeper')}.dist-info"}


def test_the_source_distribution_builds_the_same_wheel(
    uv: Path, wheel: Path, root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    source = build(uv, "--sdist", root, tmp_path_factory.mktemp("sdist"))
    again = build(uv, "--wheel", source, tmp_path_factory.mktemp("again"))
    with ZipFile(wheel) as files, ZipFile(again) as others:
        assert {f.filename: f.CRC for f in files.filelist} == {
            f.filename: f.CRC for f in others.filelist
        }


def test_every_file_of_the_package_is_in_the_wheel(wheel: Path, root: Path) -> None:
    source = root / "src"
    kept = {
        path.relative_to(source).as_posix()
        for path in (source / "turnkeeper").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    with ZipFile(wheel) as files:
        packed = {name for name in files.namelist() if name.startswith("turnkeeper/")}
    assert packed == kept
    assert "turnkeeper/py.typed" in packed


@pytest.mark.parametrize("room", ["workflows", "activities", "worker", "tests", "benchmarks"])
def test_the_application_is_not_beside_the_package(installed: Environment, room: str) -> None:
    found = installed.python(f"from importlib.util import find_spec; print(find_spec({room!r}))")
    assert found == "None\n"


def test_it_imports_with_its_base_dependencies_and_without_a_warning(
    installed: Environment,
) -> None:
    installed.python(
        "import turnkeeper; from turnkeeper import VoiceSessions, SessionStore; "
        "import turnkeeper.testing; [getattr(turnkeeper, name) for name in turnkeeper.__all__]"
    )


def test_every_module_imports_with_the_base_dependencies(installed: Environment) -> None:
    names = installed.python(
        "import importlib, pkgutil, turnkeeper\n"
        "for module in pkgutil.walk_packages(turnkeeper.__path__, 'turnkeeper.'):\n"
        f"    if not module.name.startswith({NEED_AN_EXTRA}):\n"
        "        importlib.import_module(module.name); print(module.name)"
    ).split()
    assert len(names) > 50
    assert "turnkeeper.dialogue.decide" in names


def test_a_conversation_runs_in_memory_and_a_date_falls_back_without_duckling(
    with_form: Environment,
) -> None:
    """Our grammar knows no fortnights; dateparser does, and duckling is an extra."""
    assert (
        with_form.python("import importlib.util as i; print(i.find_spec('duckling'))") == "None\n"
    )
    said = with_form.python(CONVERSATION)
    assert said == "completed {'guests': 4, 'day': '2026-01-19'}\n"


def test_the_command_says_its_version(installed: Environment) -> None:
    assert installed.turnkeeper("--version") == f"turnkeeper, version {version('turnkeeper')}\n"


@pytest.mark.parametrize("command", ["forms", "talk", "sessions"])
def test_every_command_has_its_help(installed: Environment, command: str) -> None:
    assert "Example" in installed.turnkeeper(command, "--help")


def test_forms_are_checked_and_shown(with_form: Environment) -> None:
    assert "dinner.yaml: dinner, 2 fields" in with_form.turnkeeper("forms", "check", "dinner.yaml")
    (with_form.folder / "bad.yaml").write_text(FORM.replace("date", "dat"))
    with pytest.raises(AssertionError, match=r'bad\.yaml:9:\d+: .*did you mean "date"\?'):
        with_form.turnkeeper("forms", "check", "bad.yaml")


def test_the_metadata_names_what_a_reader_of_the_index_wants(wheel: Path) -> None:
    with ZipFile(wheel) as files:
        (name,) = (each for each in files.namelist() if each.endswith(".dist-info/METADATA"))
        metadata = files.read(name).decode()
    assert re.search(r"^License-Expression: MIT$", metadata, re.MULTILINE)
    assert re.search(r"^Requires-Python: >=3\.11$", metadata, re.MULTILINE)
    assert "\nProvides-Extra: duckling\n" in metadata
