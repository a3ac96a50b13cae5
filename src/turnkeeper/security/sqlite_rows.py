"""The key store in a file: SQLite, for the processes of one machine.

A write-ahead log lets them read and write at once; full synchronous keeps a key that was used over
a power cut; secure_delete writes zeros over what a shred deletes. A connection is opened for each
call, which takes 0.2 ms, once a session: so there is nothing to close, and no thread to keep to.
"""

import os
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from turnkeeper.errors import SettingsError, StoreUnavailable
from turnkeeper.security.key_rows import Dialect, Row, Value
from turnkeeper.security.schema import TABLES, making

BUSY_SECONDS = 5.0
"""How long a call waits for another process's."""

_PRAGMAS = ("synchronous = FULL", "secure_delete = ON")
_BUSY = re.compile(r"\b(locked|busy)\b")


class SqliteRows:
    """The file at `place`, made when first used, for its owner alone (mode 0600)."""

    dialect = Dialect(blob="BLOB", now="CAST(strftime('%s', 'now') AS INTEGER)")

    def __init__(self, place: str | Path) -> None:
        self._path = Path(place).expanduser().absolute()
        if not self._path.parent.is_dir():
            raise SettingsError(
                f"TURNKEEPER_KEY_STORE: there is no folder {self._path.parent} for the file"
            )
        self._prepared = False
        self._preparing = threading.Lock()

    def is_made(self) -> bool:
        return self._path.is_file() and self._path.stat().st_size > 0

    def run(self, statement: str, **values: Value) -> list[Row]:
        with self._connected() as connection:
            return connection.execute(statement, values).fetchall()

    def wipe(self) -> None:
        """The write-ahead log holds pages as they were before: it is emptied."""
        with self._connected() as connection:
            busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StoreUnavailable(
                f"the key store {self._path.name} was read all the while: shred again, so that its"
                " log holds nothing of the key"
            )

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            self._prepare()
            with closing(self._open()) as connection:
                yield connection
        except (sqlite3.DatabaseError, OSError) as error:
            raise StoreUnavailable(
                f"the key store {self._path.name} did not answer ({type(error).__name__}:"
                f" {error.strerror if isinstance(error, OSError) else error})"
            ) from None

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def _prepare(self) -> None:
        with self._preparing:
            if self._prepared:
                return
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            with closing(self._open()) as connection:
                _patiently(connection, "PRAGMA journal_mode = WAL")
                for statement in (one for table in TABLES for one in making(table, self.dialect)):
                    connection.execute(statement)
            self._prepared = True


def _patiently(connection: sqlite3.Connection, statement: str) -> None:
    """The change to a write-ahead log doesn't wait for other processes as all else does."""
    give_up_at = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute(statement)
            return
        except sqlite3.OperationalError as error:
            if not _BUSY.search(str(error)) or time.monotonic() > give_up_at:
                raise
        time.sleep(0.02)
