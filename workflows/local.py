"""A session's local activities on its form: it is loaded, and taken to another version."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError, FailureError

from activities.contract import (
    LOAD_FORM,
    MIGRATE,
    MIGRATION_REFUSED,
    UNKNOWN_FORM,
    Loaded,
    LoadForm,
    MovedForm,
    MoveForm,
)
from turnkeeper.contract import Migrate
from turnkeeper.errors import MigrationRefused, SessionError, TurnFailed, UnknownForm
from turnkeeper.session import Beginning, Session
from workflows.guard import failure_type

ATTEMPT_TIMEOUT = timedelta(seconds=5)
DECISION_TIMEOUT = timedelta(seconds=12)
DECISION_RETRIES = RetryPolicy(maximum_attempts=2, initial_interval=timedelta(milliseconds=50))


async def load(beginning: Beginning) -> Loaded:
    """The form that a session begins with."""
    loaded: Loaded = await workflow.execute_local_activity(
        LOAD_FORM,
        LoadForm(form=beginning.form, tenant=beginning.tenant),
        result_type=Loaded,
        start_to_close_timeout=ATTEMPT_TIMEOUT,
        schedule_to_close_timeout=DECISION_TIMEOUT,
        retry_policy=DECISION_RETRIES,
        summary=beginning.form,
    )
    return loaded


def not_loaded(error: FailureError, form: str) -> SessionError:
    """Why there is no form."""
    if isinstance(error, ApplicationError) and error.type == UNKNOWN_FORM:
        return UnknownForm(f"no worker has a form {form!r}")
    return TurnFailed(f"the form {form!r} could not be loaded ({failure_type(error)})")


async def move(session: Session, migrate: Migrate, beginning: Beginning) -> None:
    """Take a session to the version of its form that is deployed, or back. Raises as
    `Session.admit_migration`, and MigrationRefused where that version does not allow it."""
    session.admit_migration(migrate)
    try:
        moved = await _moved(session, migrate, beginning)
    except FailureError as error:
        if isinstance(error, ApplicationError) and error.type == MIGRATION_REFUSED:
            raise MigrationRefused(error.message) from None
        raise not_loaded(error, session.form.form) from None
    if moved.events:
        session.take_migration(migrate, moved.form, moved.events)


async def _moved(session: Session, migrate: Migrate, beginning: Beginning) -> MovedForm:
    moved: MovedForm = await workflow.execute_local_activity(
        MIGRATE,
        MoveForm(
            wanted=LoadForm(form=session.form.form, tenant=beginning.tenant),
            ttl=beginning.ttl,
            before=session.form_before if migrate.back else None,
            form=session.form_digest,
            state=session.dialogue,
            message=migrate,
            now=workflow.now(),
        ),
        result_type=MovedForm,
        start_to_close_timeout=ATTEMPT_TIMEOUT,
        schedule_to_close_timeout=DECISION_TIMEOUT,
        retry_policy=DECISION_RETRIES,
        summary="migrate back" if migrate.back else "migrate",
    )
    return moved
