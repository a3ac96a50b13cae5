"""How long a session is kept after its end: its erasure is ordered when it ends."""

from temporalio import workflow
from temporalio.exceptions import WorkflowAlreadyStartedError

from turnkeeper.erasure import ERASURE, ErasureOrder, retention_id
from turnkeeper.session import Session


async def order_erasure(session: Session, tenant: str) -> None:
    """Starts the erasure that sleeps until the form's `keep_for` is over, if it has one.

    Of this session alone, by its first run: the same caller's next one has the same id. A session
    that an operator has reset ends once more; the first order covers its runs as well.
    """
    form, ended_at = session.form, session.dialogue.ended_at or workflow.now()
    if form.keep_for is None:
        return
    info = workflow.info()
    order = ErasureOrder(
        session_id=session.id,
        tenant=tenant,
        reason="kept_for",
        first_run_id=info.first_execution_run_id,
        due=ended_at + form.keep_for,
    )
    try:
        await workflow.start_child_workflow(
            ERASURE,
            order,
            id=retention_id(session.id, session.ledger.epoch),
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            static_summary=form.form,
        )
    except WorkflowAlreadyStartedError:
        workflow.logger.info("the erasure of this session was ordered before")
