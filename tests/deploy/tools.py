"""The tools that check what is deployed, and what they say.

They are in the dependency group `deploy`; promtool is in Debian's package prometheus. The tests of
one that is missing are skipped.
"""

import os
import shutil
import subprocess
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SCRIPTS = Path(sysconfig.get_path("scripts"))
GROUP = "uv sync --group deploy"


@dataclass(frozen=True)
class Ran:
    """What a command left behind; `said` is standard output and standard error in one."""

    status: int
    said: str

    def ok(self) -> str:
        assert self.status == 0, self.said
        return self.said


def tool(name: str, *, install: str = GROUP) -> Path:
    """This environment's command of that name, else the one on PATH. Skips without; in CI a tool
    of the group must be there."""
    found = shutil.which(name, path=SCRIPTS) or shutil.which(name)
    if found is None:
        missing = pytest.fail if "CI" in os.environ and install == GROUP else pytest.skip
        missing(f"there is no `{name}`: {install}")
    return Path(found)


def run(*command: str | Path, environment: Mapping[str, str] | None = None) -> Ran:
    """Runs a command from the checkout, for a minute at most; `environment` is all it has."""
    ran = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return Ran(ran.returncode, ran.stdout)
