"""Tidying up: a session that nobody could open leaves nothing behind."""

from temporalio import activity
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.service import RPCError, RPCStatusCode

from activities.contract import DISCARD, Discard


@activity.defn(name=DISCARD)
async def discard(session: Discard) -> None:
    """Delete the run that asks for it. Of a running workflow that takes effect at once; of a
    closed one after half a minute (measured)."""
    client = activity.client()
    request = DeleteWorkflowExecutionRequest(
        namespace=client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=session.session_id, run_id=session.run_id),
    )
    try:
        await client.workflow_service.delete_workflow_execution(request)
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
