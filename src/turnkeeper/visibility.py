"""Sessions as Temporal's visibility store lists them: what is asked, and what a row says."""

from temporalio.client import WorkflowExecution, WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey

from turnkeeper.backend import SessionSummary
from turnkeeper.contract import (
    ATTRIBUTE_FIELD,
    ATTRIBUTE_FORM,
    ATTRIBUTE_STATUS,
    ATTRIBUTE_TRANSPORT,
    WORKFLOW,
    Status,
)


def visibility_query(
    prefix: str, form: str | None, status: Status | None, transport_id: str | None
) -> str:
    """A list filter for the sessions whose id begins with `prefix`. Whatever is looked for is text
    between quotes, and nothing else."""
    terms = [f"WorkflowType = '{WORKFLOW}'", f"WorkflowId STARTS_WITH '{_quoted(prefix)}'"]
    wanted = {
        ATTRIBUTE_FORM: form,
        ATTRIBUTE_STATUS: status,
        ATTRIBUTE_TRANSPORT: transport_id,
    }
    terms += [f"{name} = '{_quoted(value)}'" for name, value in wanted.items() if value]
    # A run that was renewed is not a session of its own.
    terms.append("ExecutionStatus != 'ContinuedAsNew'")
    return " AND ".join(terms)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


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
