"""`python -m worker dev` and `python -m worker` as a person meets them: real processes, their
output and their exit status."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from worker.data_folder import DataFolder
from worker.server import EmbeddedServer, free_port

ROOT = Path(__file__).parents[2]
WITHIN = 20.0
"""Seconds that any of this may take before it counts as hanging."""

FORM = """\
form: errand
fields:
  - name: what
    type: text
    prompt: What should we bring?
"""


class Command:
    """A `python -m worker ...` that runs; its standard output and error are one text."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("TEMPORAL_", "OTEL"))}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "worker", *arguments],
            cwd=ROOT,
            env=inherited | {"TURNKEEPER_LOG_FORMAT": "json"} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    @property
    def output(self) -> str:
        return "".join(self._lines)

    def until(self, text: str) -> str:
        """The output once `text` is in it."""
        with self._changed:
            found = self._changed.wait_for(
                lambda: text in self.output or not self._reader.is_alive(), timeout=WITHIN
            )
        assert found, f"{text!r} is not in: {self.output}"
        assert text in self.output, self.output
        return self.output

    def ended(self) -> int:
        """The exit status once there is one, with all of the output read."""
        status = self.process.wait(WITHIN)
        self._reader.join()
        return status

    def clean_up(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextmanager
def running(*arguments: str, **environment: str) -> Iterator[Command]:
    command = Command(*arguments, **environment)
    try:
        yield command
    finally:
        command.clean_up()


@pytest.fixture
def forms(tmp_path: Path) -> Path:
    folder = tmp_path / "forms"
    folder.mkdir()
    (folder / "errand.yaml").write_text(FORM)
    return folder


@pytest.fixture
def dev(tmp_path: Path, forms: Path) -> list[str]:
    """Arguments for a `dev` on free ports and folders of its own."""
    data = str(tmp_path / "data")
    ports = ["--port", "0", "--ui-port", "0", "--gateway-port", "0"]
    return ["dev", *ports, "--data", data, "--forms", str(forms)]


def address_in(output: str) -> str:
    found = re.search(r"Temporal +(\S+)", output)
    assert found, output
    return found[1]


def assert_one_sentence(command: Command, *parts: str, status: int = 1) -> None:
    assert command.ended() == status, command.output
    said = [line for line in command.output.splitlines() if line != "Starting ..."]
    assert len(said) == 1, command.output
    assert said[0].startswith("Error: "), said
    for part in parts:
        assert part in said[0]


async def test_dev_says_where_everything_is_stops_on_ctrl_c_and_has_every_session_next_time(
    dev: list[str], tmp_path: Path
) -> None:
    with running(*dev) as first:
        output = first.until("worker is running")
        for part in ("UI        http://127.0.0.1:", str(tmp_path / "data"), "errand"):
            assert part in output
        assert "uv run turnkeeper talk errand --caller +14155550100" in output
        client = await Client.connect(address_in(output))
        await client.start_workflow("Nobody", id="old", task_queue="nobody")
        server = int((tmp_path / "data" / "server.pid").read_text())
        first.process.send_signal(signal.SIGINT)
        assert first.ended() == 0, first.output
        assert "Every session is kept" in first.output
        assert "Traceback" not in first.output
        worker_stopped = first.output.index("worker has stopped")
        assert worker_stopped < first.output.index("Stopped. Every"), "the server stops last"
        assert not running_now(server)
    with running(*dev) as second:
        client = await Client.connect(address_in(second.until("worker is running")))
        described = await client.get_workflow_handle("old").describe()
        assert described.status is WorkflowExecutionStatus.RUNNING
        second.process.send_signal(signal.SIGTERM)
        assert second.ended() == 0, second.output


def test_a_second_dev_on_the_folder_and_a_killed_one_that_leaves_no_server(
    dev: list[str], tmp_path: Path
) -> None:
    with running(*dev) as first:
        taken = re.search(r"API +http://127.0.0.1:(\d+)", first.until("worker is running"))
        assert taken, first.output
        server = int((tmp_path / "data" / "server.pid").read_text())
        with running(*dev, "--gateway-port", taken[1]) as second:
            assert_one_sentence(second, f"in use by process {first.process.pid}", "--data")
        first.process.kill()
        first.ended()
        if sys.platform == "linux":
            eventually(lambda: not running_now(server))
    with running(*dev) as third:
        third.until("worker is running")


def test_a_server_that_is_killed_under_dev_is_started_again(dev: list[str], tmp_path: Path) -> None:
    with running(*dev) as command:
        command.until("worker is running")
        killed = int((tmp_path / "data" / "server.pid").read_text())
        os.kill(killed, signal.SIGKILL)
        command.until("the Temporal server is back")
        assert int((tmp_path / "data" / "server.pid").read_text()) != killed
        command.process.send_signal(signal.SIGINT)
        assert command.ended() == 0, command.output


def test_a_worker_that_is_killed_under_dev_is_started_again(dev: list[str]) -> None:
    with running(*dev) as command:
        command.until("worker is running")
        worker = child_of(command.process.pid, "-m worker")
        os.kill(worker, signal.SIGKILL)
        command.until("the worker ended by itself and is started again")
        eventually(lambda: command.output.count("worker is running") == 2)
        assert child_of(command.process.pid, "-m worker") != worker
        command.process.send_signal(signal.SIGINT)
        assert command.ended() == 0, command.output


def test_the_gateway_answers_at_the_address_that_dev_says(dev: list[str]) -> None:
    with running(*dev) as command:
        found = re.search(r"API +(\S+)", command.until("API "))
        assert found
        assert httpx.get(found[1], timeout=WITHIN).json()["info"]["title"] == "Turnkeeper"
        command.process.send_signal(signal.SIGINT)
        assert command.ended() == 0, command.output


@pytest.mark.parametrize("option", ["--port", "--ui-port", "--gateway-port"])
def test_a_taken_port_is_named_with_its_option(dev: list[str], option: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        arguments = [*dev]
        arguments[arguments.index(option) + 1] = port
        with running(*arguments) as command:
            assert_one_sentence(command, f"Port {port} cannot be used", option)


def test_a_form_with_mistakes_tells_them_all_before_anything_starts(
    dev: list[str], forms: Path, tmp_path: Path
) -> None:
    (forms / "errand.yaml").write_text(FORM.replace("type: text", "type: txet"))
    (forms / "other.yaml").write_text("form: other\nfeilds: []\n")
    with running(*dev) as command:
        assert command.ended() == 1
        assert "errand.yaml" in command.output
        assert "other.yaml" in command.output
        assert "Traceback" not in command.output
    assert not (tmp_path / "data").exists()


def test_an_empty_forms_folder_is_one_sentence(dev: list[str], forms: Path) -> None:
    (forms / "errand.yaml").unlink()
    with running(*dev) as command:
        assert_one_sentence(command, str(forms), "no form in this folder")


def test_a_forms_folder_that_is_not_there_is_one_sentence(dev: list[str], tmp_path: Path) -> None:
    with running(*dev[:-1], str(tmp_path / "nowhere")) as command:
        assert_one_sentence(command, "nowhere", "no folder")


def test_a_data_folder_that_cannot_be_written_to_is_one_sentence(dev: list[str]) -> None:
    """/proc takes no files even from root, whom permissions do not stop."""
    if not Path("/proc/self").exists():
        pytest.skip("no /proc on this system")
    arguments = [*dev]
    arguments[arguments.index("--data") + 1] = "/proc/turnkeeper"
    with running(*arguments) as command:
        assert_one_sentence(command, "cannot be written to", "--data")


def test_a_data_folder_that_is_a_file_is_one_sentence(dev: list[str], tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with running(*dev) as command:
        assert_one_sentence(command, "cannot be the data folder")


def test_a_missing_server_binary_is_one_sentence(dev: list[str], tmp_path: Path) -> None:
    """An interpreter that lives elsewhere, with our packages on its path and no `temporal`."""
    bare = tmp_path / "bare"
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", "--symlinks", str(bare)], check=True
    )
    packages = os.pathsep.join(path for path in sys.path if path)
    tried = subprocess.run(
        [str(bare / "bin" / "python"), "-m", "worker", *dev],
        cwd=ROOT,
        env={"PYTHONPATH": packages, "PATH": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=WITHIN,
    )
    assert tried.returncode == 1, tried.stderr
    assert tried.stderr.startswith("Error: There is no `temporal` command")
    assert len(tried.stderr.splitlines()) == 1


def test_a_wrong_setting_is_one_sentence_with_its_variable(dev: list[str]) -> None:
    with running(*dev, TURNKEEPER_REGION="UK") as command:
        assert_one_sentence(command, "TURNKEEPER_REGION is 'UK' and must be")


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [("--prot", "1", "No such option"), ("--port", "70000", "not in the range 0<=x<=65535")],
)
def test_a_wrong_option_is_a_usage_error(option: str, value: str, said: str) -> None:
    with running("dev", option, value) as command:
        assert command.ended() == 2
        assert said in command.output


@pytest.mark.parametrize("arguments", [["--help"], ["dev", "--help"]])
def test_help_has_every_setting_with_its_variable(arguments: list[str]) -> None:
    with running(*arguments) as command:
        assert command.ended() == 0
        for name in ("FORMS", "REGION", "TIMEZONE", "LOG_FORMAT", "LOG_LEVEL"):
            assert f"TURNKEEPER_{name}" in command.output


async def test_the_production_worker_waits_for_its_server_and_drains_on_sigterm(
    forms: Path, tmp_path: Path
) -> None:
    port = free_port()
    with running("--forms", str(forms), TEMPORAL_ADDRESS=f"127.0.0.1:{port}") as command:
        command.until("Temporal is not there yet; trying again")
        async with EmbeddedServer(tmp_path / "data", port=port):
            command.until("worker is running")
            command.process.send_signal(signal.SIGTERM)
            assert command.ended() == 0, command.output
    said = [json.loads(line)["event"] for line in command.output.splitlines()]
    assert said[-1] == "worker has stopped", "every line is one of ours, or of the SDK through us"


async def test_a_worker_of_a_deployment_says_how_to_make_its_build_current(
    forms: Path, tmp_path: Path
) -> None:
    async with EmbeddedServer(tmp_path / "data") as server:
        with running(
            *("--forms", str(forms), "--deployment", "claims", "--build-id", "b7"),
            TEMPORAL_ADDRESS=server.address,
        ) as command:
            output = command.until("set-current-version")
            assert "--deployment-name claims --build-id b7 --yes" in output
            command.process.send_signal(signal.SIGINT)
            assert command.ended() == 0, command.output


def test_a_worker_that_waits_can_be_stopped(forms: Path) -> None:
    with running("--forms", str(forms), TEMPORAL_ADDRESS=f"127.0.0.1:{free_port()}") as command:
        command.until("trying again")
        command.process.send_signal(signal.SIGINT)
        assert command.ended() == 0, command.output


def test_the_lock_is_gone_with_its_holder(tmp_path: Path) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom worker.data_folder import DataFolder\n"
        "with DataFolder(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        holder.kill()
    with DataFolder(tmp_path):
        pass


def running_now(pid: int) -> bool:
    """Whether the process runs; one that has ended and was not reaped (Z) does not."""
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return bool(state) and not state.startswith("Z")


def child_of(parent: int, mark: str) -> int:
    """The process that was started by `parent` and has `mark` in its command line."""
    listed = subprocess.run(
        ["ps", "-ww", "-o", "pid=,command=", "--ppid", str(parent)],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return next(int(line.split()[0]) for line in listed.splitlines() if mark in line)


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)
