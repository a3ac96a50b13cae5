"""A session's local activities: its form is loaded, a message decided, the form's version changed.

A local activity and what comes of it stand in one workflow task, unless a query is sent along with
that task: the SDK's core answers it at once, and completes the task while the activity runs
(`managed_run.rs` of temporalio 1.35: "responding to a query"). The activity's result may then be in
history before the workflow has seen it. An update that were accepted in between would stand there
after the result and before what came of it, in a replay it comes after both, and no worker could go
on with the session. So `Locals` turns away what comes in between, and the client sends it again.
Whatever else makes commands is queued with the messages, and waits for their local activities; so
does a signal, for one of its own.
"""

from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError, FailureError

from activities.contract import (
    DECIDE,
    LOAD_FORM,
    MIGRATE,
    MIGRATION_REFUSED,
    SETTLE,
    UNKNOWN_FORM,
    Decide,
    Loaded,
    LoadForm,
    MovedForm,
    MoveForm,
)
from turnkeeper.contract import SESSION_BUSY, Message, Migrate
from turnkeeper.dialogue.events import Decision
from turnkeeper.dialogue.state import DialogueState
from turnkeeper.errors import MigrationRefused, SessionError, TurnFailed, UnknownForm
from turnkeeper.session import Beginning, Session
from workflows.guard import failure_type

ATTEMPT_TIMEOUT = timedelta(seconds=5)
DECISION_TIMEOUT = timedelta(seconds=12)
DECISION_RETRIES = RetryPolicy(maximum_attempts=2, initial_interval=timedelta(milliseconds=50))


R = TypeVar("R")


class Locals:
    """The local activities of a run that are under way."""

    def __init__(self) -> None:
        self._began: list[int] = []
        """How long the history was when each began: it grows with each workflow task."""

    async def run(self, activity: str, result: type[R], summary: str, *given: object) -> R:
        """Raises FailureError."""
        began = workflow.info().get_current_history_length()
        self._began.append(began)
        try:
            value: R = await workflow.execute_local_activity(
                activity,
                args=given,
                result_type=result,
                start_to_close_timeout=ATTEMPT_TIMEOUT,
                schedule_to_close_timeout=DECISION_TIMEOUT,
                retry_policy=DECISION_RETRIES,
                summary=summary,
            )
        finally:
            self._began.remove(began)
        return value

    @property
    def crossing(self) -> bool:
        """Whether one is under way that an earlier workflow task began."""
        now = workflow.info().get_current_history_length()
        return any(began < now for began in self._began)

    def require_one_task(self) -> None:
        """Raises ApplicationError (SESSION_BUSY) while one is crossing."""
        if self.crossing:
            raise ApplicationError("the session is busy; send it again", type=SESSION_BUSY)


async def load(run: Locals, beginning: Beginning) -> Loaded:
    """The form that a session begins with."""
    wanted = LoadForm(form=beginning.form, tenant=beginning.tenant)
    return await run.run(LOAD_FORM, Loaded, beginning.form, wanted)


def not_loaded(error: FailureError, form: str) -> SessionError:
    """Why there is no form."""
    if isinstance(error, ApplicationError) and error.type == UNKNOWN_FORM:
        return UnknownForm(f"no worker has a form {form!r}")
    return TurnFailed(f"the form {form!r} could not be loaded ({failure_type(error)})")


async def interpret(
    run: Locals, session: Session, base: DialogueState, message: Message
) -> Decision:
    """What comes of a message: recorded, once. Raises TurnFailed."""
    given = Decide(form=session.form_digest, state=base, message=message, now=workflow.now())
    summary = f"{message.kind}, {base.field}" if base.field else message.kind
    try:
        return await run.run(DECIDE, Decision, summary, given)
    except FailureError as error:
        raise TurnFailed(
            f"the turn could not be interpreted ({failure_type(error)}); nothing was recorded"
        ) from None


async def searchable(run: Locals) -> bool:
    """Whether what a signal changed can be shown in Temporal's list."""
    try:
        return await run.run(SETTLE, bool, "settle the asked field")
    except FailureError:
        return False  # It is shown when it changes next.


async def move(run: Locals, session: Session, migrate: Migrate, beginning: Beginning) -> None:
    """Take a session to the version of its form that is deployed, or back. Raises as
    `Session.admit_migration`, and as `turnkeeper.dialogue.migrate`."""
    if not session.admit_migration(migrate):
        return
    wanted = MoveForm(
        wanted=LoadForm(form=session.form.form, tenant=beginning.tenant),
        ttl=beginning.ttl,
        before=session.form_before if migrate.back else None,
        form=session.form_digest,
        state=session.dialogue,
        message=migrate,
        on_line=session.hears(workflow.now()),
        now=workflow.now(),
    )
    summary = "migrate back" if migrate.back else "migrate"
    try:
        moved = await run.run(MIGRATE, MovedForm, summary, wanted)
    except FailureError as error:
        if isinstance(error, ApplicationError) and error.type == MIGRATION_REFUSED:
            raise MigrationRefused(error.message) from None
        raise not_loaded(error, session.form.form) from None
    session.take_migration(migrate, moved.form, moved.events)
