"""The package as it is published, in an environment that has nothing else.

`uv` builds and installs, as in CI; without it these tests are skipped, except in CI.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest


def run(*command: str | Path, cwd: Path) -> str:
    """What a command printed. Fails with all of it when the command does."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_"))}
    told = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert told.returncode == 0, f"{' '.join(map(str, command))}\n{told.stdout}"
    return told.stdout


def build(uv: Path, kind: str, source: Path, folder: Path) -> Path:
    """Build a `--wheel` or an `--sdist` from a folder or an sdist. Gives the file."""
    run(uv, "build", "--quiet", kind, source, "--out-dir", folder, cwd=folder)
    (built,) = (path for path in folder.iterdir() if path.suffix in (".whl", ".gz"))
    return built


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and an empty folder to work in."""

    folder: Path
    uv: Path

    @classmethod
    def make(cls, folder: Path, uv: Path) -> "Environment":
        run(uv, "venv", "--quiet", "--python", sys.executable, folder / "venv", cwd=folder)
        return cls(folder, uv)

    @property
    def scripts(self) -> Path:
        return self.folder / "venv" / ("Scripts" if os.name == "nt" else "bin")

    def install(self, *what: str | Path) -> None:
        run(self.uv, "pip", "install", "--python", self.scripts / "python", *what, cwd=self.folder)

    def python(self, code: str) -> str:
        """What a program printed; a warning is an error."""
        return run(self.scripts / "python", "-I", "-W", "error", "-c", code, cwd=self.folder)

    def turnkeeper(self, *arguments: str) -> str:
        return run(self.scripts / "turnkeeper", *arguments, cwd=self.folder)


@pytest.fixture(scope="session")
def uv() -> Path:
    found = os.environ.get("UV") or shutil.which("uv")
    if found is None:
        (pytest.fail if "CI" in os.environ else pytest.skip)("no `uv` here to build with")
    return Path(found)


@pytest.fixture(scope="session")
def wheel(uv: Path, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout."""
    return build(uv, "--wheel", root, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def installed(uv: Path, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the wheel and its base dependencies."""
    environment = Environment.make(tmp_path_factory.mktemp("installed"), uv)
    environment.install(wheel)
    return environment
