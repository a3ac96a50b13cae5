"""Keys, key stores and worlds with encryption for the tests here: all real, none in memory."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.durable.conftest import World, server
from turnkeeper.connection import connect
from turnkeeper.security.converter import keyring
from turnkeeper.security.key_file import make_key_file
from turnkeeper.security.key_store import KeyStore, SessionId, key_store
from turnkeeper.security.keyring import Keyring
from turnkeeper.settings import Settings, read_settings
from worker.server import EmbeddedServer

__all__ = ["server"]

QUEUES = [f"history.{queue}ProcessorUpdateAckInterval" for queue in ("transfer", "visibility")]
QUICK = [part for queue in QUEUES for part in ("--dynamic-config-value", f'{queue}="0.5s"')]
"""Temporal deletes a closed run once its queues are past the run's end, of which it makes a note
each half minute."""

encrypted = pytest.mark.parametrize("world", ["encrypted"], indirect=True)
in_clear = pytest.mark.parametrize("world", ["in clear"], indirect=True)

SESSION = SessionId("default", "voice:session:acme:claim:user-1")
OTHER = SessionId("default", "voice:session:acme:claim:user-2")


@dataclass(frozen=True)
class Place:
    """A key file and a key store; each `keyring` is one process's."""

    folder: Path
    store_url: str

    @property
    def key_file(self) -> Path:
        return self.folder / "tenant-keys.json"

    def settings(self, **overrides: object) -> Settings:
        given = {"keys": f"file:{self.key_file}", "key_store": self.store_url, "tenant": "acme"}
        return read_settings(**{**given, **overrides})

    def keyring(self, **overrides: object) -> Keyring:
        return keyring(self.settings(**overrides))

    @property
    def store(self) -> KeyStore:
        return key_store(self.store_url)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A new key file and an SQLite store."""
    made = Place(tmp_path, f"sqlite:{tmp_path / 'keys.db'}")
    make_key_file(made.key_file)
    return made


@pytest_asyncio.fixture(loop_scope="session")
async def sealed(place: Place, server: EmbeddedServer) -> World:
    """A world whose sessions are encrypted."""
    return await world_of(server, place.settings(tenant=f"t-{uuid4().hex[:8]}"))


async def world_of(server: EmbeddedServer, settings: Settings) -> World:
    settings = settings.model_copy(update={"task_queue": f"test-{uuid4().hex[:8]}"})
    return World(await connect(server.address, settings=settings), settings)


# --- sessions that are erased ---------------------------------------------------------------------


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def quick(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedServer]:
    """A server that deletes closed runs at once."""
    folder = tmp_path_factory.mktemp("temporal")
    async with EmbeddedServer(folder, extra_args=tuple(QUICK)) as server:
        yield server


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes learn of a shred at once, and an erasure needn't wait for them."""
    monkeypatch.setattr("turnkeeper.security.keyring.ASK_EVERY", 0.3)
    monkeypatch.setattr("activities.erasure.LISTED_WITHIN", timedelta(seconds=0.2))


@pytest_asyncio.fixture(params=["encrypted", "in clear"], loop_scope="session")
async def world(
    request: pytest.FixtureRequest, quick: EmbeddedServer, soon: None, place: Place
) -> World:
    """A world whose sessions are erased quickly, with keys and without."""
    tenant = f"t-{uuid4().hex[:8]}"
    is_encrypted = request.param == "encrypted"
    settings = place.settings(tenant=tenant) if is_encrypted else read_settings(tenant=tenant)
    return await world_of(quick, settings)


# --- PostgreSQL -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of an empty cluster of its own, on a socket; without TCP, gone afterwards."""
    binaries = _postgres_binaries()
    if binaries is None:
        pytest.skip("there is no PostgreSQL here: install the package postgresql")
    user = "postgres" if os.getuid() == 0 else None  # It refuses to run as root.
    with tempfile.TemporaryDirectory(prefix="turnkeeper-postgres-") as folder:
        data = Path(folder) / "data"
        if user is not None:
            shutil.chown(folder, user)
        subprocess.run(
            [binaries / "initdb", "--pgdata", data, "--username", "turnkeeper", "--no-sync"],
            user=user,
            cwd=folder,
            check=True,
            capture_output=True,
        )
        command = [
            str(binaries / "postgres"),
            "-D",
            str(data),
            "-k",
            folder,
            "-c",
            "listen_addresses=",
        ]
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen(command, user=user, cwd=folder, stderr=log, stdout=log)
        try:
            _until_ready(binaries, folder)
            yield f"postgresql://turnkeeper@/postgres?host={folder}"
        finally:
            process.send_signal(signal.SIGINT)  # Waits for no client.
            process.wait(20)


def _postgres_binaries() -> Path | None:
    found = shutil.which("postgres")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists()), None)


def _until_ready(binaries: Path, folder: str) -> None:
    give_up_at = time.monotonic() + 30
    while subprocess.run([binaries / "pg_isready", "-q", "-h", folder], check=False).returncode:
        assert time.monotonic() < give_up_at, (Path(folder) / "log").read_text()
        time.sleep(0.05)


@pytest.fixture(params=["sqlite", "postgres"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A place with a store of each kind, empty."""
    url = f"sqlite:{tmp_path / 'keys.db'}"
    if request.param == "postgres":
        base, schema = request.getfixturevalue("postgres"), f"s{uuid4().hex[:8]}"
        url = f"{base}&options=-csearch_path%3D{schema}"
        _make_schema(base, schema)
    made = Place(tmp_path, url)
    make_key_file(made.key_file)
    return made


def _make_schema(url: str, name: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(psycopg.sql.SQL("CREATE SCHEMA {}").format(psycopg.sql.Identifier(name)))
