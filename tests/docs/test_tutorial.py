"""The tutorial, followed from top to bottom by somebody who types what it says.

The reader has the default ports and the checkout as their folder. This one takes free ports and a
folder of its own; everything else is as on the page.
"""

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Block, Command, blocks, commands, is_like
from worker.server import free_port

PAGE = ROOT / "docs" / "tutorial.md"
WITHIN = 30.0
"""Seconds that any step may take before it counts as hanging."""

BACKGROUND = ("worker dev", "receiver.py")
"""What is in a command that stays in its terminal."""
PORTS = ("7233", "8233", "8080", "9090")
_RULE = re.compile(r"^─.*$", re.MULTILINE)
_PROGRESS = re.compile(r"\s+\d/\d$", re.MULTILINE)
_TYPED = re.compile(r"^   you  (.*)$", re.MULTILINE)
_PLAIN = re.compile(r"^-- .*$|\[\d/\d\]$", re.MULTILINE)
"""What `talk` adds in a pipe, where it has no columns."""


class Reader:
    """Does what a block says, and compares what happens with what it shows."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ports = {port: str(free_port()) for port in PORTS}
        self._terminals: list[Terminal] = []
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("TEMPORAL_", "TURN"))}
        self._environment = inherited | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PYTEST_ADDOPTS": f"-c {ROOT / 'pyproject.toml'} -p no:cacheprovider",
            "TEMPORAL_ADDRESS": f"127.0.0.1:{self._ports['7233']}",
            "TEMPORAL_CONFIG_FILE": os.devnull,
        }

    def follow(self, block: Block) -> None:
        if block.language == "console":
            for command in commands(block):
                self._type(command)
        elif block.language == "text":
            self._until(lambda: any(t.shows(block.text) for t in self._terminals), block.text)
        elif block.file:
            self._save(block.file, block.text)
        else:
            self._append(block.text)

    def close(self) -> None:
        for terminal in self._terminals:
            terminal.close()

    def _save(self, file: str, text: str) -> None:
        (self._folder / file).write_text(self._with_ports(text), encoding="utf-8")

    def _append(self, text: str) -> None:
        """A block that is no whole file goes to the end of the form, as its paragraph says."""
        with (self._folder / "my-forms" / "bike_repair.yaml").open("a", encoding="utf-8") as form:
            form.write(self._with_ports(text))

    def _type(self, command: Command) -> None:
        words = self._with_ports(command.line)
        if command.line.startswith("pip "):
            return
        if any(mark in command.line for mark in BACKGROUND):
            self._leave_running(words, command)
        elif command.line.startswith("kill "):
            self._shell(words)
            self._terminals[0].ended()
        elif " talk " in command.line:
            said = self._shell(words, "\n".join(_TYPED.findall(command.output)) + "\n")
            self._compare(_spoken(said), _conversation(command.output))
        else:
            self._compare(self._shell(words), command.output)

    def _leave_running(self, words: str, command: Command) -> None:
        ports = (
            f" --port {self._ports['7233']} --ui-port {self._ports['8233']}"
            f" --gateway-port {self._ports['8080']}"
        )
        extra = ports if "worker dev" in words else ""
        terminal = Terminal(self._without_uv(words) + extra, self._folder, self._environment)
        self._terminals.insert(0, terminal)
        shown = self._with_ports(command.output)
        # On other ports than the default ones, `dev` says where to find it.
        shown = shown.replace("  uv run turnkeeper talk", "  ...uv run turnkeeper talk")
        self._until(lambda: terminal.shows(shown), shown)

    def _shell(self, words: str, typed: str = "") -> str:
        """The command's standard output. A mistake that is shown on purpose ends with status 1."""
        ran = subprocess.run(
            ["bash", "-c", self._without_uv(words)],
            cwd=self._folder,
            env=self._environment,
            input=typed,
            stdout=subprocess.PIPE,
            text=True,
            timeout=WITHIN,
            check=False,
        )
        assert ran.returncode in (0, 1), f"{words} ended so: {ran}"
        return ran.stdout

    def _compare(self, output: str, shown: str) -> None:
        assert is_like(output, shown), f"the page shows:\n{shown}\nit is:\n{output}"

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + WITHIN
        while not condition():
            said = "\n".join(terminal.output for terminal in self._terminals)
            assert time.monotonic() < deadline, f"nothing shows:\n{what}\nthey say:\n{said}"
            time.sleep(0.05)

    def _with_ports(self, text: str) -> str:
        for shown, used in self._ports.items():
            text = re.sub(rf"\b{shown}\b", used, text)
        return text

    def _without_uv(self, words: str) -> str:
        return words.removeprefix("uv run ")


class Terminal:
    """A command that goes on while the page goes on."""

    def __init__(self, words: str, folder: Path, environment: dict[str, str]) -> None:
        self._log = folder / f"terminal-{time.monotonic_ns()}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                shlex.split(words),
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=subprocess.DEVNULL,
            )

    @property
    def output(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def shows(self, text: str) -> bool:
        """Whether its output has the text, other lines before and after it."""
        return is_like(self.output, f"...{text}...")

    def ended(self) -> None:
        self._process.wait(WITHIN)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(WITHIN)


def _conversation(shown: str) -> str:
    """What a terminal shows of a call, without the layout: as in a pipe."""
    bare = _PROGRESS.sub("", _RULE.sub("", shown))
    bare = re.sub(r"^   you  :quit$", "", bare, flags=re.MULTILINE)
    return re.sub(r"^ agent ", "agent:", _TYPED.sub(r"caller: \1", bare), flags=re.MULTILINE)


def _spoken(said: str) -> str:
    return _PLAIN.sub("", said)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path)
    yield reader
    reader.close()


def test_a_newcomer_who_follows_the_tutorial_sees_what_it_shows(reader: Reader) -> None:
    for block in blocks(PAGE):
        reader.follow(block)
