"""The certificates of erasures, in the database of the key store.

A row each, for good: Temporal forgets an erasure after its retention. Whoever asks again is told
the same, by any process that has the key store.
"""

import asyncio

from turnkeeper.erasure import ErasureCertificate
from turnkeeper.security.key_rows import Row, Rows
from turnkeeper.security.key_store import SessionId, database

SCHEMA = (
    """
    CREATE TABLE IF NOT EXISTS erasures (
        certificate_id TEXT PRIMARY KEY,
        session_id TEXT NOT NULL,
        tenant TEXT NOT NULL,
        namespace TEXT NOT NULL,
        reason TEXT NOT NULL,
        requested_at TEXT NOT NULL,
        completed_at TEXT NOT NULL,
        runs_deleted BIGINT NOT NULL,
        keys_shredded BIGINT NOT NULL
    )
    """,
    """
    CREATE INDEX IF NOT EXISTS erasures_of ON erasures (namespace, session_id, completed_at)
    """,
)
"""Times are ISO 8601 in UTC, as Temporal's clock had them."""

_COLUMNS = ", ".join(ErasureCertificate.model_fields)
_ADD = f"""
    INSERT INTO erasures ({_COLUMNS})
    VALUES ({", ".join(f":{name}" for name in ErasureCertificate.model_fields)})
    ON CONFLICT DO NOTHING
"""
_NEWEST = f"""
    SELECT {_COLUMNS} FROM erasures
    WHERE namespace = :namespace AND session_id = :session_id
    ORDER BY completed_at DESC LIMIT 1
"""


class Certificates:
    """The rows. Both methods run in a thread, and raise StoreUnavailable where the store is out of
    reach."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def add(self, certificate: ErasureCertificate) -> None:
        """Keeps it; the same again changes nothing."""
        values = certificate.model_dump(mode="json")
        await asyncio.to_thread(lambda: self._rows.run(_ADD, **values))

    async def newest(self, session: SessionId) -> ErasureCertificate | None:
        """Of what the session's id had last."""
        namespace, session_id = session
        rows = await asyncio.to_thread(
            lambda: self._rows.run(_NEWEST, namespace=namespace, session_id=session_id)
        )
        return _certificate(rows[0]) if rows else None


def certificates(url: str) -> Certificates:
    """Those in the key store that `url` names. Raises SettingsError with one sentence."""
    return Certificates(database(url))


def _certificate(row: Row) -> ErasureCertificate:
    values = dict(zip(ErasureCertificate.model_fields, row, strict=True))
    return ErasureCertificate.model_validate(values)
