"""A PostgreSQL from this machine's packages, as the compose stack's is: passwords over TCP."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deploy.tools import Ran, run
from worker.server import free_port


@dataclass(frozen=True)
class Cluster:
    """Where it is: on 127.0.0.1, at a port of its own."""

    binaries: Path
    port: int

    def psql(self, environment: Mapping[str, str], *arguments: str | Path) -> Ran:
        """Runs psql; `environment` says as whom and where, and is all that it has."""
        place = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port)}
        psql = (self.binaries / "psql", "--no-psqlrc", "--quiet")
        return run(*psql, *arguments, environment={**environment, **place})


@contextmanager
def running_cluster(superuser_password: str) -> Iterator[Cluster]:
    """A new cluster with the superuser postgres, gone afterwards; skips where there is none."""
    binaries = _binaries()
    if binaries is None:
        pytest.skip("there is no PostgreSQL here: install the package postgresql")
    user = "postgres" if os.getuid() == 0 else None  # It refuses to run as root.
    with tempfile.TemporaryDirectory(prefix="turnkeeper-cluster-") as name:
        folder = Path(name)
        (folder / "password").write_text(superuser_password)
        for path in (folder, folder / "password"):
            if user is not None:
                shutil.chown(path, user)
        cluster = Cluster(binaries, free_port())
        initdb = (
            binaries / "initdb",
            "--pgdata",
            folder / "data",
            "--username=postgres",
            f"--pwfile={folder / 'password'}",
            "--auth=scram-sha-256",
            "--no-sync",
        )
        subprocess.run(initdb, user=user, cwd=folder, check=True, capture_output=True)
        server = (
            binaries / "postgres",
            "-D",
            folder / "data",
            "-k",
            folder,
            "-h",
            "127.0.0.1",
            "-p",
            str(cluster.port),
        )
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(server, user=user, cwd=folder, stdout=log, stderr=log)
        try:
            _until_ready(cluster, folder / "log")
            yield cluster
        finally:
            process.send_signal(signal.SIGINT)  # Waits for no client.
            process.wait(20)


def _until_ready(cluster: Cluster, log: Path) -> None:
    """Asks as the health check of the stack does."""
    ready = (
        cluster.binaries / "pg_isready",
        "--quiet",
        "--host=127.0.0.1",
        f"--port={cluster.port}",
    )
    give_up_at = time.monotonic() + 30
    while subprocess.run(ready, check=False).returncode:
        assert time.monotonic() < give_up_at, log.read_text()
        time.sleep(0.05)


def _binaries() -> Path | None:
    found = shutil.which("postgres")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists()), None)
