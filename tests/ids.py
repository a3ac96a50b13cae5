"""Ids of sessions for tests that have no `VoiceSessions` at hand."""

from turnkeeper.contract import DEFAULT_PREFIX, DEFAULT_TENANT
from turnkeeper.security.identity import PUBLIC_KEY, normal_caller, session_id, subject_of


def id_of(form: str, caller: str, tenant: str = DEFAULT_TENANT) -> str:
    """The id of a caller's session where no keys are set."""
    subject = subject_of(PUBLIC_KEY, tenant, normal_caller(caller))
    return session_id(DEFAULT_PREFIX, tenant, form, subject)
