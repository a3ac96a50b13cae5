"""The `turnkeeper` command as people and scripts run it: a process of its own, on a real server."""

import asyncio
import json
import os
import signal
import sys
import sysconfig
import termios
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.durable.conftest import World
from tests.ids import id_of
from turnkeeper.cli.talk_view import TerminalView
from turnkeeper.client import VoiceSessions
from turnkeeper.forms.load import parse_form
from worker.server import EmbeddedServer, free_port

COMMAND = Path(sysconfig.get_path("scripts")) / "turnkeeper"
WITHIN = 20.0
"""Seconds that a command may take before it counts as hanging."""

PROMPT = TerminalView.PROMPT.strip()

ERRAND = """
form: errand
confirm: false
fields: [{{name: what, type: text, prompt: "What should we bring?"}}]
deliver: http://127.0.0.1:{port}/
"""


@dataclass
class Ran:
    """What a command left behind."""

    status: int
    out: str
    err: str

    def rows(self) -> list[dict[str, Any]]:
        assert self.status == 0, self.err
        return [json.loads(line) for line in self.out.splitlines()]

    def sentence(self) -> str:
        """Its one sentence on standard error."""
        assert (self.status, self.out) == (1, ""), self
        assert self.err.startswith("error: "), self
        assert self.err.count("\n") == 1, self
        return self.err


@dataclass
class Commands:
    """Runs `turnkeeper` in one test's world."""

    environment: dict[str, str]

    async def __call__(self, *arguments: str, typed: str = "", **environment: str) -> Ran:
        process = await asyncio.create_subprocess_exec(
            COMMAND,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.environment | environment,
        )
        async with asyncio.timeout(WITHIN):
            out, err = await process.communicate(typed.encode())
        assert process.returncode is not None
        return Ran(process.returncode, out.decode(), err.decode())


async def failed_once(sessions: VoiceSessions, session_id: str) -> bool:
    attempts = await sessions.attempts(session_id)
    return attempts is not None and attempts.last_failure != ""


@pytest.fixture
def run(world: World, server: EmbeddedServer) -> Commands:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("TEMPORAL_", "OTEL"))}
    return Commands(
        inherited
        | {
            "TEMPORAL_ADDRESS": server.address,
            "TURNKEEPER_TASK_QUEUE": world.settings.task_queue,
            "TURNKEEPER_TENANT": world.settings.tenant,
        }
    )


@pytest_asyncio.fixture(loop_scope="session")
async def working(world: World) -> AsyncIterator[World]:
    """The world with a worker in it."""
    async with world.worker():
        yield world


async def test_a_caller_talks_is_cut_off_carries_on_and_is_seen_by_an_operator(
    working: World, run: Commands
) -> None:
    first = await run("talk", "claim", "--caller", "ann", typed="1 2 3 4\n:drop\n:bogus\nno\n")
    assert first.status == 0
    assert first.err == "error: there is no command :bogus; :help shows them\n"
    lines = first.out.splitlines()
    key = id_of("claim", "ann", working.settings.tenant)
    assert lines[0] == f"-- {key}, leg 1"
    assert lines[2:4] == ["caller: 1 2 3 4", "  + policy = 1234"]
    assert lines[5:7] == ["-- the line dropped; the caller rings again", f"-- {key}, leg 2"]
    assert "  + theft = false" in lines

    second = await run("talk", "claim", "--caller", "ann", "--json", typed="yesterday\n")
    back, day = second.rows()
    assert (back["restored"], back["leg"], back["field"]) == (True, 3, "day")
    assert (day["status"], list(day["recorded"])) == ("confirming", ["day"])

    listing, showing, turning = await asyncio.gather(
        run("sessions", "list", "--json"),
        run("sessions", "show", key, "--json"),
        run("sessions", "turns", key),
    )
    (listed,) = json.loads(listing.out)
    assert (listed["session_id"], listed["status"], listed["running"]) == (key, "confirming", True)
    state = json.loads(showing.out)
    assert state["form_answers"] == {"policy": "1234", "theft": False, **day["recorded"]}
    assert [leg["reason"] for leg in state["legs"]] == ["drop", "hang_up", "hang_up"]
    assert [row.split("\t")[2] for row in turning.out.splitlines()[1:]] == [
        "", "1 2 3 4", "", "no", "", "yesterday",
    ]  # fmt: skip

    cancelled = await run("sessions", "cancel", key)
    again, shown = await asyncio.gather(
        run("sessions", "cancel", key), run("sessions", "show", key)
    )
    assert cancelled.out == again.out == f"{key} is cancelled.\n"
    assert "session\tstatus\tcancelled, 3 of 3 answered" in shown.out.splitlines()


async def test_a_delivery_that_fails_is_shown_with_its_attempts_and_its_last_failure(
    working: World, run: Commands
) -> None:
    working.forms["errand"] = parse_form(ERRAND.format(port=free_port()))
    told = await run("talk", "errand", "--caller", "bob", typed="milk\n")
    assert told.out.splitlines()[-1] == "-- the agent hung up; the form is submitting"
    key = id_of("errand", "bob", working.settings.tenant)
    async with asyncio.timeout(WITHIN), working.sessions() as sessions:
        # No event tells of an attempt: one can only look.
        while not await failed_once(sessions, key):
            await asyncio.sleep(0.05)
    state = json.loads((await run("sessions", "show", key, "--json")).out)
    assert (state["status"], state["delivery"]["state"]) == ("submitting", "pending")
    assert state["attempts"]["attempts"] >= 1
    assert state["attempts"]["last_failure"].startswith("the receiver could not be reached")


async def test_what_is_wrong_is_one_sentence_and_each_thing_has_its_own(
    working: World, run: Commands
) -> None:
    nobody, stranger = f"127.0.0.1:{free_port()}", id_of("claim", "zoe", working.settings.tenant)
    ran = await asyncio.gather(
        run("talk", "claim", "--caller", "ann", "--address", nobody, TURNKEEPER_TURN_DEADLINE="1"),
        run("sessions", "list", "--address", nobody, TURNKEEPER_TURN_DEADLINE="1"),
        run("sessions", "show", stranger, "--namespace", "elsewhere"),
        run("sessions", "show", stranger),
        run("talk", "nosuch", "--caller", "ann"),
    )
    away, unlisted, no_namespace, missing, unknown = (one.sentence() for one in ran)
    for unreachable in (away, unlisted):
        assert f"the address is {nobody}" in unreachable
        assert "`uv run python -m worker dev`" in unreachable
    assert "Namespace elsewhere is not found" in no_namespace
    assert f"there is no session {stranger}" in missing
    assert "no worker has a form 'nosuch'" in unknown


async def test_a_newer_call_of_the_same_caller_takes_over(working: World, run: Commands) -> None:
    older = await asyncio.create_subprocess_exec(
        COMMAND, "talk", "claim", "--caller", "ann", "--json",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=run.environment,
    )  # fmt: skip
    assert older.stdout is not None
    assert json.loads(await older.stdout.readline())["leg"] == 1
    async with working.sessions() as sessions:
        await sessions.open("claim", "ann")
    async with asyncio.timeout(WITHIN):
        _, err = await older.communicate(b"1234\n")
    assert older.returncode == 1
    assert err.decode().startswith("error: taken over by a newer call: leg 1 ")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
async def test_on_a_terminal_ctrl_c_hangs_up_and_tables_are_drawn(
    working: World, run: Commands
) -> None:
    terminal = Terminal(run.environment | {"TERM": "dumb", "COLUMNS": "100"})
    talk = await terminal.start("talk", "claim", "--caller", "ann")
    await terminal.until("Policy number?", PROMPT)
    terminal.type("1234\n")
    await terminal.until("Was anything stolen?", PROMPT)
    terminal.type(":dtmf x\n")
    await terminal.until("after :dtmf come keys", PROMPT)
    assert "+ policy = 1234" in terminal.shown
    assert "1/3" in terminal.shown
    talk.send_signal(signal.SIGINT)
    await terminal.until("hung up; the same command carries on", key="\n")
    assert await talk.wait() == 0
    assert "Traceback" not in terminal.shown
    async with working.sessions() as sessions:
        state = await sessions.state(await sessions.session_id("claim", "ann"))
    assert state.legs[-1].reason == "hang_up"
    listing = await terminal.start("sessions", "list")
    await terminal.until(state.session_id)
    assert await listing.wait() == 0
    assert "\t" not in terminal.shown.partition(state.session_id)[2]
    terminal.close()


class Terminal:
    """A pseudo-terminal that commands run on, one after the other."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.shown = ""
        self._environment = environment
        self._ours, self._theirs = os.openpty()
        mode = termios.tcgetattr(self._theirs)
        mode[3] &= ~termios.ECHO
        termios.tcsetattr(self._theirs, termios.TCSANOW, mode)
        self._changed = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._ours, self._read)

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        self.shown = ""
        return await asyncio.create_subprocess_exec(
            COMMAND,
            *arguments,
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=self._theirs,
            env=self._environment,
        )

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    async def until(self, text: str, then: str = "", key: str = "") -> None:
        """Returns when the text has been shown, and `then` after it. A `key` is struck again and
        again: CPython's readline notices a signal just before it waits for a key with the next."""
        try:
            async with asyncio.timeout(WITHIN):
                while text not in self.shown or then not in self.shown.partition(text)[2]:
                    self.type(key)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._changed.wait(), 0.5 if key else None)
                    self._changed.clear()
        except TimeoutError:
            raise AssertionError(f"{text!r} was not shown: {self.shown!r}") from None

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._ours)
        os.close(self._ours)
        os.close(self._theirs)

    def _read(self) -> None:
        self.shown += os.read(self._ours, 65536).decode(errors="replace")
        self._changed.set()
