"""Duckling in a process that can be killed: started at the first question, restarted after a kill.

One child serves all threads of a process, one question at a time (1 ms). It ends when the
interpreter exits, when its pipe closes, or at its own alarm; a fork gets a child of its own.
"""

import atexit
import contextlib
import importlib.util
import json
import os
import selectors
import subprocess
import sys
import threading
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TypedDict

MAX_CHARS = 60
"""Longer text is not asked: 127 characters took 9 s, the worst of 25,000 real turns 119 ms."""
START_SECONDS = 10.0
ANSWER_SECONDS = 1.0

_CHILD = Path(__file__).with_name("duckling_process.py")


@cache
def installed() -> bool:
    """Whether the optional package is there (`pip install turnkeeper[duckling]`)."""
    return importlib.util.find_spec("duckling") is not None


class Moment(TypedDict, total=False):
    """A time and how exact it is: `grain` is second, minute, hour, day, week, month or year."""

    value: str
    grain: str


class Value(Moment, total=False):
    """The next of `values`, which are up to three where the time comes round again."""

    values: list[Moment]


class Entity(TypedDict):
    """A time that duckling found in a text; `body` are its words."""

    body: str
    value: Value


class Duckling:
    """A child process that answers what times a text speaks of."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def ask(self, text: str, now: datetime) -> list[Entity]:
        """Duckling's entities of dimension time in `text`, `now` being a wall clock.

        Empty where there are none, where `text` is longer than `MAX_CHARS`, and where duckling
        took longer than `ANSWER_SECONDS` (it is killed then, and started again when next asked).
        """
        if not text or len(text) > MAX_CHARS:
            return []
        seconds = int(now.replace(tzinfo=UTC).timestamp())
        question = json.dumps({"text": text, "seconds": seconds}).encode() + b"\n"
        with self._lock:
            answer = self._exchange(question)
        entities: list[Entity] = json.loads(answer) if answer else []
        return entities

    def close(self) -> None:
        """End the child. The next question starts another one."""
        with self._lock:
            self._end()

    def _exchange(self, question: bytes) -> bytes:
        patience = ANSWER_SECONDS
        if self._child is None or self._child.poll() is not None:
            self._end()
            self._start()
            patience = START_SECONDS
        child = self._child
        assert child is not None
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write(question)
            child.stdin.flush()
        except BrokenPipeError:  # it died between poll and write: no answer, a new one next time
            self._end()
            return b""
        answer = _line(child.stdout.fileno(), patience)
        if not answer.endswith(b"\n"):
            self._end()
            return b""
        return answer

    def _start(self) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-P", str(_CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):  # unsent bytes of a dead child
                pipe.close()

    def _forked(self) -> None:
        """In a fork's child: let go of the parent's child without ending it."""
        self._lock = threading.Lock()
        if self._child is not None:
            _of_parents.append(self._child)
            self._child = None


def _line(fd: int, patience: float) -> bytes:
    """What comes from `fd` up to a line's end, or less where it ends or `patience` seconds pass."""
    received = b""
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        while not received.endswith(b"\n") and selector.select(patience):
            chunk = os.read(fd, 65536)
            if not chunk:
                break
            received += chunk
    return received


_of_parents: list[subprocess.Popen[bytes]] = []
"""Kept from the collector: its end would be taken for that of a child of ours."""

_shared = Duckling()
atexit.register(_shared.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_shared._forked)


def ask(text: str, now: datetime) -> list[Entity]:
    """`Duckling.ask` of the one child that this process shares."""
    return _shared.ask(text, now)
