"""The embedded server: real processes, a real database, and clear about what is wrong."""

import asyncio
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import sysconfig
import threading
import time
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowExecutionStatus

from turnkeeper.contract import SEARCH_ATTRIBUTES
from turnkeeper.visibility import registration_command
from worker import server as server_module
from worker.attributes import register_search_attributes
from worker.child import stop_left_behind
from worker.data_folder import DataFolder, DataFolderError
from worker.server import EmbeddedServer, ServerError, free_port

ROOT = Path(__file__).parents[2]
OLD = "voice:session:default:claim:old"


@workflow.defn(name="VoiceSession")
class Waiting:
    """A workflow that no worker runs: it only has to be there."""

    @workflow.run
    async def run(self) -> None: ...


async def start_workflow(client: Client) -> None:
    await client.start_workflow(Waiting.run, id=OLD, task_queue="nobody")


async def status_of(client: Client) -> WorkflowExecutionStatus | None:
    return (await client.get_workflow_handle(OLD).describe()).status


async def test_what_was_acknowledged_is_there_after_sigkill_and_a_restart(tmp_path: Path) -> None:
    async with EmbeddedServer(tmp_path) as server:
        await start_workflow(await Client.connect(server.address))
        await server.kill()
        assert server.pid is None
        await server.start()
        client = await Client.connect(server.address)
        assert await status_of(client) is WorkflowExecutionStatus.RUNNING


async def test_what_was_acknowledged_is_there_for_the_next_server_on_the_folder(
    tmp_path: Path,
) -> None:
    async with EmbeddedServer(tmp_path) as server:
        await start_workflow(await Client.connect(server.address))
    async with EmbeddedServer(tmp_path) as server:
        client = await Client.connect(server.address)
        assert await status_of(client) is WorkflowExecutionStatus.RUNNING


async def test_the_database_has_a_write_ahead_log_and_the_pragmas_are_on_the_command(
    tmp_path: Path,
) -> None:
    async with EmbeddedServer(tmp_path) as server:
        assert server.pid is not None
        command = listed(server.pid, "command")
        for pragma in ("journal_mode=wal", "synchronous=full", "secure_delete=on"):
            assert f"--sqlite-pragma {pragma}" in command
        assert (tmp_path / "temporal.db-wal").exists()
    database = sqlite3.connect(tmp_path / "temporal.db")
    try:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    finally:
        database.close()


async def test_search_attributes_are_there_before_the_first_session(tmp_path: Path) -> None:
    async with EmbeddedServer(tmp_path) as server:
        client = await Client.connect(server.address)
        for name in SEARCH_ATTRIBUTES:
            assert (await client.count_workflows(f"{name} = 'x'")).count == 0


async def test_missing_search_attributes_are_registered_where_the_worker_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "SEARCH_ATTRIBUTES", SEARCH_ATTRIBUTES[:1])
    async with EmbeddedServer(tmp_path) as server:
        client = await Client.connect(server.address)
        assert await register_search_attributes(client)
        assert await register_search_attributes(client), "a second time changes nothing"
        for name in SEARCH_ATTRIBUTES:
            assert (await client.count_workflows(f"{name} = 'x'")).count == 0


def test_the_command_that_an_operator_is_told_is_one_that_temporal_takes(tmp_path: Path) -> None:
    """Only its options are tried: it stops at an address where nothing is."""
    command = registration_command("default").split()
    command[0] = str(server_module.find_temporal())
    tried = subprocess.run(
        [*command, "--address", f"127.0.0.1:{free_port()}", "--command-timeout", "200ms"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "unknown" not in tried.stderr.lower()
    assert tried.returncode != 0


async def test_it_serves_as_soon_as_it_is_entered_and_is_gone_when_left(tmp_path: Path) -> None:
    async with EmbeddedServer(tmp_path, ui_port=0) as server:
        await (await Client.connect(server.address)).count_workflows("")
        pid = server.pid
        assert pid is not None
        assert os.getsid(pid) == pid, "Ctrl-C in the terminal must not reach it"
        assert server.ui_url is not None
    assert not alive(pid)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", server.port), timeout=1).close()


async def test_a_taken_port_is_one_sentence_with_the_port_and_the_option(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for options, option in (({"port": port}, "--port"), ({"ui_port": port}, "--ui-port")):
            with pytest.raises(ServerError) as caught:
                async with EmbeddedServer(tmp_path, **options):
                    pass
            assert f"Port {port} cannot be used" in str(caught.value)
            assert str(caught.value).endswith(f"choose another with {option}.")


async def test_a_folder_in_use_is_refused_with_the_process_that_has_it(tmp_path: Path) -> None:
    with DataFolder(tmp_path), pytest.raises(DataFolderError) as caught:
        async with EmbeddedServer(tmp_path):
            pass
    assert f"is in use by process {os.getpid()}:" in str(caught.value)
    with DataFolder(tmp_path):
        pass  # and it is free again


@pytest.mark.parametrize("path", ["file", "file/below"])
def test_a_folder_that_is_a_file_is_one_sentence(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataFolderError, match="cannot be the data folder") as caught:
        DataFolder(tmp_path / path).__enter__()
    assert "\n" not in str(caught.value)


async def test_a_server_that_ends_while_starting_is_told_with_the_end_of_its_log(
    tmp_path: Path,
) -> None:
    (tmp_path / "temporal.db").write_text("this is no database" * 100)
    with pytest.raises(ServerError) as caught:
        async with EmbeddedServer(tmp_path):
            pass
    assert "ended while it was starting" in str(caught.value)
    assert "not a database" in str(caught.value)


async def test_a_server_that_ends_by_itself_is_noticed(tmp_path: Path) -> None:
    async with EmbeddedServer(tmp_path) as server:
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        async with asyncio.timeout(5):
            await server.ended()
        assert server.pid is None


async def test_a_missing_binary_is_one_sentence_that_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    with pytest.raises(ServerError, match=r"no `temporal` command in .* install it with `uv sync`"):
        async with EmbeddedServer(tmp_path / "data"):
            pass
    assert not (tmp_path / "data").exists(), "nothing is made before what is missing is known"


def test_a_process_that_an_earlier_run_left_behind_is_stopped(tmp_path: Path) -> None:
    """Where the kernel does not end children with their parent; the database's path marks ours."""
    pid_file = tmp_path / "server.pid"
    mark = str(tmp_path / "temporal.db")
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", mark]) as orphan:
        pid_file.write_text(str(orphan.pid))
        assert stop_left_behind(pid_file, mark="another folder's") is None
        assert orphan.poll() is None
        # It is gone from the list of processes once its parent, here we, has asked for its status.
        parent = threading.Thread(target=orphan.wait)
        parent.start()
        assert stop_left_behind(pid_file, mark=mark) == orphan.pid
        parent.join()
        assert orphan.returncode == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_sigkill_of_the_parent_leaves_no_server(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom worker.server import EmbeddedServer\n"
        "async def main():\n"
        "    async with EmbeddedServer(Path(sys.argv[1])) as server:\n"
        "        print(server.pid, flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as parent:
        assert parent.stdout is not None
        server = int(parent.stdout.readline())
        assert alive(server)
        parent.kill()
    wait_until_gone(server)


def listed(pid: int, column: str) -> str:
    """What `ps` says of a process; empty when there is none."""
    return subprocess.run(
        ["ps", "-ww", "-o", f"{column}=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and was not reaped (Z) does not."""
    return not listed(pid, "stat").startswith("Z") and bool(listed(pid, "stat"))


def wait_until_gone(pid: int, seconds: float = 5.0) -> None:
    for _ in range(int(seconds / 0.05)):
        if not alive(pid):
            return
        time.sleep(0.05)
    raise AssertionError(f"process {pid} still runs after {seconds} s")


async def test_a_free_port_that_another_program_takes_meanwhile_is_given_up(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path)
    with socket.socket() as other:
        other.bind(("127.0.0.1", server.port))
        other.listen()
        async with server:
            assert server.port != other.getsockname()[1]
            await Client.connect(server.address)
