"""The key store in PostgreSQL: for workers and clients on any number of machines.

A few connections are kept open by a pool of the process, which replaces those that break. A
shredded key's bytes leave the table at once and its pages with the next vacuum; what stays in
write-ahead logs and backups is a key that the tenant key wraps, until these are rotated away.
"""

import re
import threading
import weakref
from collections.abc import Callable
from typing import TypeVar

import psycopg
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from turnkeeper.errors import SettingsError, StoreUnavailable
from turnkeeper.security.key_rows import Dialect, Row, Value
from turnkeeper.security.schema import TABLES, making

T = TypeVar("T")

CONNECTIONS = 4
WAIT_SECONDS = 4.0
"""How long a call waits for a connection."""

_SCHEMA_LOCK = 0x7475726E  # Any number, the same in every process of ours.
_NAME = re.compile(r":([a-z_]+)\b")
_GONE = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, PoolClosed)


class PostgresRows:
    """The tables in the database at `url`, in the schema that its role is led to."""

    dialect = Dialect(blob="BYTEA", now="CAST(extract(epoch FROM clock_timestamp()) AS BIGINT)")

    def __init__(self, url: str) -> None:
        try:
            psycopg.conninfo.conninfo_to_dict(url)
        except psycopg.ProgrammingError:  # Its text may quote a password.
            raise SettingsError(
                "TURNKEEPER_KEY_STORE is not a PostgreSQL URL: postgresql://USER@HOST/DATABASE"
            ) from None
        self._url = url
        self._pool = ConnectionPool(
            url,
            min_size=0,
            max_size=CONNECTIONS,
            timeout=WAIT_SECONDS,
            kwargs={"autocommit": True, "connect_timeout": 3, "application_name": "turnkeeper"},
            check=ConnectionPool.check_connection,
            open=False,
        )
        weakref.finalize(self, self._pool.close)
        self._prepared = False
        self._preparing = threading.Lock()

    def is_made(self) -> bool:
        try:
            with psycopg.connect(self._url, autocommit=True, connect_timeout=3) as connection:
                return _is_there(connection, "session_keys")
        except _GONE as error:
            raise _no_answer(error) from None

    def run(self, statement: str, **values: Value) -> list[Row]:
        query = _NAME.sub(r"%(\1)s", statement)

        def execute(connection: psycopg.Connection) -> list[Row]:
            cursor = connection.execute(query, values)
            return list(cursor.fetchall()) if cursor.description else []

        return self._with(execute)

    def wipe(self) -> None:
        """Vacuums the table. A role that doesn't own it leaves that to autovacuum."""
        self._with(lambda connection: connection.execute("VACUUM session_keys"))

    def _with(self, work: Callable[[psycopg.Connection], T]) -> T:
        try:
            self._prepare()
            with self._pool.connection() as connection:
                return work(connection)
        except _GONE as error:
            raise _no_answer(error) from None

    def _prepare(self) -> None:
        with self._preparing:
            if self._prepared:
                return
            self._pool.open()
            with self._pool.connection() as connection, connection.transaction():
                _make_tables(connection)
            self._prepared = True


def _make_tables(connection: psycopg.Connection) -> None:
    """By one process at a time: `IF NOT EXISTS` alone fails when two make one at once. A table that
    is there is left alone: it may be another role's, and this one may not make any."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_SCHEMA_LOCK,))
    for table in TABLES:
        if not _is_there(connection, table):
            for statement in making(table, PostgresRows.dialect):
                connection.execute(statement)


def _is_there(connection: psycopg.Connection, table: str) -> bool:
    found = connection.execute("SELECT to_regclass(%s)", (table,)).fetchone()
    return found is not None and found[0] is not None


def _no_answer(error: Exception) -> StoreUnavailable:
    """Its own text may name hosts and roles."""
    return StoreUnavailable(f"the key store in PostgreSQL did not answer ({type(error).__name__})")
