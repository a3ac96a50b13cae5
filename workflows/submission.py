"""Sending a confirmed form to its receiver, for days if need be."""

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError

from activities.contract import DELIVER, DELIVERY_REFUSED, Submission
from turnkeeper.contract import Delivery, Status
from turnkeeper.forms.model import Deliver
from turnkeeper.session import Session

RETRIES = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2,
    maximum_interval=timedelta(minutes=10),
)
ATTEMPT_TIMEOUT = timedelta(seconds=30)


async def submit(session: Session) -> Status:
    """Deliver the form if it says where; the status that the session then has.

    `session.delivery` shows how it stands meanwhile; the attempts are those of the pending
    activity. The idempotency key is the id of the session's first run: the same on every attempt,
    in every later run, and of no other session.
    """
    to = session.form.deliver
    if to is None:
        return "completed"
    key = workflow.info().first_execution_run_id
    delivery = Delivery(state="pending", idempotency_key=key, since=workflow.now())
    session.delivery = delivery
    try:
        code = await workflow.execute_activity(
            DELIVER,
            _submission(session, to, key, delivery.since),
            result_type=int,
            start_to_close_timeout=ATTEMPT_TIMEOUT,
            schedule_to_close_timeout=to.give_up_after,
            retry_policy=RETRIES,
            summary=f"{session.form.form} to its receiver",
        )
    except ActivityError as error:
        session.delivery = delivery.model_copy(update=_failure(error))
        return "failed"
    session.delivery = delivery.model_copy(update={"state": "delivered", "detail": f"HTTP {code}"})
    return "completed"


def _submission(session: Session, to: Deliver, key: str, at: datetime) -> Submission:
    return Submission(
        to=to,
        idempotency_key=key,
        session_id=session.id,
        form=session.form.form,
        version=session.form.version,
        answers=session.dialogue.values(),
        submitted_at=at,
    )


def _failure(error: ActivityError) -> dict[str, str]:
    cause = error.cause
    if isinstance(cause, ApplicationError):
        refused = cause.type == DELIVERY_REFUSED
        return {"state": "refused" if refused else "gave_up", "detail": cause.message}
    return {"state": "gave_up", "detail": "the receiver did not take it in time"}
