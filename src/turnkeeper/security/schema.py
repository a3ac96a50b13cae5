"""The tables of the key store's database. To add one, write its row in `TABLES`: a database that
was made before gets it when it is next opened."""

from collections.abc import Mapping

from turnkeeper.security import access_rows, certificates, key_rows, ticket_rows
from turnkeeper.security.key_rows import Dialect

TABLES: Mapping[str, tuple[str, ...]] = {
    "session_keys": key_rows.SCHEMA,
    "api_keys": access_rows.SCHEMA,
    "erasures": certificates.SCHEMA,
    "tickets": ticket_rows.SCHEMA,
}
"""The statements that make each table; each does nothing where it has been run."""


def making(table: str, dialect: Dialect) -> list[str]:
    """The statements that make a table."""
    return [statement.replace("{blob}", dialect.blob) for statement in TABLES[table]]
