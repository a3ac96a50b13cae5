"""requirements.lock is what pyproject.toml asks for, and an image can be built from it."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.packaging.conftest import Environment, run

PIN = re.compile(r"^([a-z0-9-]+)==([^\s;]+)", re.MULTILINE)


@pytest.fixture(scope="module")
def lock(root: Path) -> str:
    return (root / "requirements.lock").read_text()


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text())


def asked(project: dict[str, Any]) -> Iterator[Requirement]:
    """The base dependencies, and what the worker runs with: its group and the extras in it."""
    tables = project["project"]
    worker = [Requirement(line) for line in project["dependency-groups"]["worker"]]
    named = {extra for each in worker if each.name == "turnkeeper" for extra in each.extras}
    extras = [tables["optional-dependencies"][extra] for extra in named]
    yield from worker
    for lines in (tables["dependencies"], *extras):
        yield from map(Requirement, lines)


def canonical(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def unmet(project: dict[str, Any], lock: str) -> list[str]:
    """Every requirement that has no pin in the lock, or one that does not satisfy it."""
    pins = {name: Version(pin) for name, pin in PIN.findall(lock)}
    wanted = [each for each in asked(project) if canonical(each.name) != "turnkeeper"]
    assert wanted
    return [
        str(each)
        for each in wanted
        if (pin := pins.get(canonical(each.name))) is None or pin not in each.specifier
    ]


def test_the_lock_satisfies_the_project(project: dict[str, Any], lock: str) -> None:
    assert unmet(project, lock) == [], "run: uv run scripts/lock"


def test_a_dependency_that_is_missing_or_too_old_in_the_lock_is_seen(
    project: dict[str, Any], lock: str
) -> None:
    assert unmet(project, lock.replace("\nclick==", "\nclack=="))[0].startswith("click")
    older = re.sub(r"\npydantic==\S+", "\npydantic==2.0.0", lock)
    assert unmet(project, older)[0].startswith("pydantic")


def test_every_pin_has_its_hashes_and_none_is_a_path_or_an_address(lock: str) -> None:
    pins = re.split(r"\n(?=\S)", lock.partition("\n")[2].strip())
    assert len(pins) > 30
    for pin in pins:
        assert PIN.match(pin), pin
        assert "--hash=sha256:" in pin, pin
    assert "://" not in lock
    assert " @ " not in lock


def test_a_worker_starts_from_the_lock_with_every_hash_checked(
    uv: Path, wheel: Path, root: Path, lock: str, tmp_path: Path
) -> None:
    environment = Environment.make(tmp_path, uv)
    environment.install("--require-hashes", "-r", root / "requirements.lock")
    environment.install("--no-deps", wheel)
    told = run(environment.scripts / "python", "-m", "worker", "--help", cwd=root)
    assert "Usage" in told
