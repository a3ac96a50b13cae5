"""How the delivery of a form goes, as Temporal has it: no query of the session knows it."""

from datetime import UTC

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.failure.v1 import Failure
from temporalio.client import WorkflowExecutionDescription
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError

from turnkeeper.backend import DeliveryAttempts


async def attempts_in(
    execution: WorkflowExecutionDescription, converter: DataConverter
) -> DeliveryAttempts | None:
    """Those of the pending activity, of which a session has one at most; None where it has none."""
    pending = next(iter(execution.raw_description.pending_activities), None)
    if pending is None:
        return None
    failed = pending.HasField("last_failure")
    waits = pending.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
    next_at = pending.next_attempt_schedule_time
    return DeliveryAttempts(
        # While it waits for the next attempt, that one is counted already.
        attempts=pending.attempt - 1 if waits else pending.attempt,
        last_failure=await _text_of(pending.last_failure, converter) if failed else "",
        next_at=next_at.ToDatetime(UTC) if failed and waits else None,
    )


async def _text_of(failure: Failure, converter: DataConverter) -> str:
    error = await converter.decode_failure(failure)
    return error.message if isinstance(error, ApplicationError) else type(error).__name__
