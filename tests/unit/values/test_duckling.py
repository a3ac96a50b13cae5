"""Duckling answers from a process that may be killed at any time and never outlives its parent."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from turnkeeper.values import duckling_client
from turnkeeper.values.duckling_client import ANSWER_SECONDS, MAX_CHARS, Duckling

pytestmark = pytest.mark.skipif(
    not duckling_client.installed(), reason="duckling has no wheel for this platform"
)

NOW = datetime(2026, 11, 22, 0, 0)  # noqa: DTZ001 - a wall clock


@pytest.fixture
def duckling() -> Iterator[Duckling]:
    one = Duckling()
    yield one
    one.close()


def first_day(duckling: Duckling, text: str = "thanksgiving") -> str:
    found = duckling.ask(text, NOW)
    return found[0]["value"]["values"][0]["value"][:10] if found else ""


def child_of(duckling: Duckling) -> subprocess.Popen[bytes]:
    assert duckling._child is not None
    return duckling._child


def test_it_answers_from_a_wall_clock_and_starts_only_when_asked(duckling: Duckling) -> None:
    assert duckling._child is None
    assert first_day(duckling) == "2026-11-26"


def test_a_killed_child_is_replaced_at_the_next_question(duckling: Duckling) -> None:
    first_day(duckling)
    killed = child_of(duckling)
    killed.kill()
    killed.wait()
    assert first_day(duckling) == "2026-11-26"
    assert child_of(duckling).pid != killed.pid


def test_a_child_that_does_not_answer_is_killed_in_time_and_replaced(duckling: Duckling) -> None:
    first_day(duckling)
    stuck = child_of(duckling)
    os.kill(stuck.pid, signal.SIGSTOP)
    began = time.monotonic()
    assert duckling.ask("thanksgiving", NOW) == []
    assert time.monotonic() - began < ANSWER_SECONDS + 2
    assert stuck.returncode == -signal.SIGKILL
    assert first_day(duckling) == "2026-11-26"


def test_text_over_the_cap_is_not_asked(duckling: Duckling) -> None:
    assert duckling.ask("thanksgiving " + "x" * MAX_CHARS, NOW) == []
    assert duckling._child is None


def test_the_child_ends_itself_when_a_text_blows_up_and_nobody_is_left_to_kill_it() -> None:
    """The alarm, here of one second, works although duckling holds the interpreter's lock."""
    blow_up = "the day after " * 10
    script = str(duckling_client._CHILD)
    code = (
        "import runpy, sys; "
        f"names = runpy.run_path({script!r}); main = names['main']; "
        "main.__globals__['ALARM_SECONDS'] = 1; main()"
    )
    child = subprocess.run(
        [sys.executable, "-P", "-c", code],
        input=f'{{"text": "{blow_up}", "seconds": 0}}\n'.encode(),
        stdout=subprocess.DEVNULL,
        timeout=30,
        check=False,
    )
    assert child.returncode == -signal.SIGALRM


def test_threads_share_one_child_and_each_gets_its_own_answer(duckling: Duckling) -> None:
    wanted = {
        "thanksgiving": "2026-11-26",
        "christmas": "2026-12-25",
        "new year's eve": "2026-12-31",
    }
    texts = list(wanted) * 20
    with ThreadPoolExecutor(6) as pool:
        days = list(pool.map(lambda text: first_day(duckling, text), texts))
    assert days == [wanted[text] for text in texts]


def _ask_in_fork(answers: "multiprocessing.SimpleQueue[str]") -> None:
    day = first_day(duckling_client._shared)
    answers.put(f"{day} {child_of(duckling_client._shared).pid}")


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_gets_a_child_of_its_own_and_leaves_the_parents_alone() -> None:
    first_day(duckling_client._shared)
    before = child_of(duckling_client._shared).pid
    fork = multiprocessing.get_context("fork")
    answers = fork.SimpleQueue()
    process = fork.Process(target=_ask_in_fork, args=(answers,), daemon=True)
    with duckling_client._shared._lock:  # as if another thread were asking at that moment
        process.start()
    process.join(20)
    assert process.exitcode == 0
    day, pid = answers.get().split()
    assert day == "2026-11-26"
    assert int(pid) != before
    assert first_day(duckling_client._shared) == "2026-11-26"
    assert child_of(duckling_client._shared).pid == before


ENDINGS = {
    "exit": "",
    "exit while the child is stuck": "os.kill(child.pid, signal.SIGSTOP)",
    "SIGKILL": "os.kill(os.getpid(), signal.SIGKILL)",
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_the_child_ends_with_its_parent_whichever_way_that_goes(ending: str) -> None:
    code = (
        "import os, signal; from datetime import datetime; "
        "from turnkeeper.values import duckling_client; "
        "duckling_client.ask('christmas', datetime(2026, 1, 1)); "
        "child = duckling_client._shared._child; print(child.pid, flush=True); " + ending
    )
    parent = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, timeout=60, check=False
    )
    assert parent.stderr == b""
    pid = int(parent.stdout)
    for _ in range(100):
        if not _runs(pid):
            return
        threading.Event().wait(0.05)
    pytest.fail(f"process {pid} outlived its parent")


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
