"""Sessions as Temporal's visibility store lists them: what is asked, and what a row says."""

from collections.abc import Iterable
from datetime import UTC

from temporalio.api.errordetails.v1 import NamespaceNotFoundFailure
from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
)
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

from turnkeeper.backend import SessionSummary, Sought
from turnkeeper.contract import (
    ATTRIBUTE_FIELD,
    ATTRIBUTE_FORM,
    ATTRIBUTE_STATUS,
    ATTRIBUTE_TRANSPORT,
    SEARCH_ATTRIBUTES,
    WORKFLOW,
)

NOT_RENEWED = "ExecutionStatus != 'ContinuedAsNew'"
"""A run that was renewed is not a session of its own."""


def visibility_query(prefix: str, sought: Sought, transport: str | None) -> str:
    """A list filter for the sessions whose id begins with `prefix`. Whatever is looked for is text
    between quotes, and nothing else; but for `sought.query`, which stands as it is."""
    terms = [f"WorkflowType = '{WORKFLOW}'", f"WorkflowId STARTS_WITH '{_quoted(prefix)}'"]
    wanted = {
        ATTRIBUTE_FORM: sought.form,
        ATTRIBUTE_STATUS: sought.status,
        ATTRIBUTE_FIELD: sought.field,
        ATTRIBUTE_TRANSPORT: transport,
    }
    terms += [f"{name} = '{_quoted(value)}'" for name, value in wanted.items() if value]
    if sought.begun_before is not None:
        terms.append(f"StartTime < '{sought.begun_before.astimezone(UTC).isoformat()}'")
    if sought.running is not None:
        terms.append(f"ExecutionStatus {'=' if sought.running else '!='} 'Running'")
    if sought.query:
        terms.append(f"({sought.query})")
    terms.append(NOT_RENEWED)
    return " AND ".join(terms)


def registration_command(namespace: str, names: Iterable[str] = SEARCH_ATTRIBUTES) -> str:
    """What an operator runs to register search attributes."""
    options = " ".join(f"--name {name} --type Keyword" for name in names)
    return f"temporal operator search-attribute create --namespace {namespace} {options}"


def runs_query(session_id: str) -> str:
    """A list filter for all runs of an id."""
    return f"WorkflowId = '{_quoted(session_id)}'"


def in_quotes(text: str) -> str:
    """A text as a list filter takes it."""
    return f"'{_quoted(text)}'"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


async def described(
    client: Client, workflow_id: str, run_id: str | None = None
) -> WorkflowExecutionDescription | None:
    """A run, by default the newest of the id; None where the server says that it has none. Raises
    RPCError for all else."""
    try:
        return await client.get_workflow_handle(workflow_id, run_id=run_id).describe()
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND or lacks_namespace(error):
            raise
        return None


def lacks_namespace(error: RPCError) -> bool:
    """Whether it is the namespace that was not found: that says nothing of any session."""
    kind = NamespaceNotFoundFailure.DESCRIPTOR
    return any(detail.Is(kind) for detail in error.grpc_status.details)


def attribute_of(execution: WorkflowExecution, name: str) -> str | None:
    """A search attribute of a session; None where it has none."""
    value = execution.typed_search_attributes.get(SearchAttributeKey.for_keyword(name))
    return None if value in (None, "-") else value


def summary_of(execution: WorkflowExecution) -> SessionSummary:
    """A row of a listing."""
    return SessionSummary.model_validate(
        {
            "session_id": execution.id,
            "form": attribute_of(execution, ATTRIBUTE_FORM) or "",
            "status": attribute_of(execution, ATTRIBUTE_STATUS),
            "field": attribute_of(execution, ATTRIBUTE_FIELD),
            "running": execution.status == WorkflowExecutionStatus.RUNNING,
            "started_at": execution.start_time,
            "closed_at": execution.close_time,
        }
    )
