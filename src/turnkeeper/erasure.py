"""Erasing a session: the names and messages that clients, workers and the workflow share.

Two things ask for it. Somebody does (`VoiceSessions.erase`): then everything that is kept under a
session's id goes. Or the form's `keep_for` is over (`kept_for`): then the runs of that one session
go, and what the same caller began since stays.
"""

from datetime import datetime
from typing import Literal

from turnkeeper.contract import DEFAULT_TENANT
from turnkeeper.forms.model import Frozen

ERASURE = "Erasure"
"""The workflow's type. A session in Temporal's list is of another one."""
STEP = "step"
"""The query for the step that it is at."""

Reason = Literal["asked", "kept_for"]
Step = Literal["waiting", "shredding", "deleting", "settling", "certifying", "done"]
"""What an erasure does at the moment.

waiting     for the end of `keep_for`, or for a worker
shredding   destroys the session's keys
deleting    until Temporal has no run of the session: half a minute for one that has just closed
settling    until every process has learned of the shred
certifying  writes the certificate
"""


class ErasureOrder(Frozen):
    """What an erasure is started with."""

    session_id: str
    tenant: str = DEFAULT_TENANT
    reason: Reason = "asked"
    first_run_id: str | None = None
    """The first run of the one session that is erased; None: all that the id has."""
    due: datetime | None = None
    """When to begin; None: at once."""


class ErasureCertificate(Frozen):
    """What was erased, and when. It names the session by its id, which is no one's number."""

    certificate_id: str
    session_id: str
    tenant: str
    namespace: str
    """Temporal's."""
    reason: Reason
    requested_at: datetime
    completed_at: datetime
    runs_deleted: int
    """Runs of the workflow: one a session, and one more each time that it was renewed. 0 where
    Temporal's own retention was first, and the key was left."""
    keys_shredded: int
    """0 where nothing was encrypted, and where a newer session goes on with the key; one more for
    each that was made when the caller rang meanwhile."""


def erasure_id(session_id: str) -> str:
    """The id of the workflow that erases what the session's id has."""
    return f"{session_id}.erasure"


def is_erasure(workflow_id: str) -> bool:
    """Whether the id is one of a workflow that erases. No session's is: a subject has no dot."""
    return workflow_id.endswith(".erasure")


def retention_id(session_id: str, epoch: str) -> str:
    """The id of the workflow that erases one session of this id when it was kept long enough."""
    return f"{session_id}.{epoch}.erasure"
