"""One guard round all handlers of a session.

Nothing but an `ApplicationError` may leave a handler: any other exception fails the workflow task,
which wedges the session (every turn and every query hangs) until a fixed worker is deployed.
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Protocol, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

from turnkeeper.errors import SessionClosed, SessionError, TurnFailed

S = TypeVar("S", bound="Busy")
M = TypeVar("M")
R = TypeVar("R")

Handler = Callable[[S, M], Awaitable[R]]


class Busy(Protocol):
    """A workflow that may turn an update away."""

    def require_one_task(self) -> None: ...


def update(description: str) -> Callable[[Handler[S, M, R]], Handler[S, M, R]]:
    """An update with the guard, which a busy workflow turns away before it is in history."""

    def decorate(handler: Handler[S, M, R]) -> Handler[S, M, R]:
        @wraps(handler)  # The SDK wants the types of both to be the same.
        def validate(self: S, _message: M) -> None:
            self.require_one_task()

        guard = guarded(handler)
        workflow.update(description=description)(guard).validator(validate)
        return guard

    return decorate


def guarded(handler: Handler[S, M, R]) -> Handler[S, M, R]:
    """The handler, with whatever goes wrong in it as an error that only this message gets."""

    @wraps(handler)
    async def guard(self: S, message: M) -> R:
        try:
            return await handler(self, message)
        except Exception as error:
            raise on_the_wire(error) from None

    return guard


def on_the_wire(error: Exception) -> ApplicationError:
    """The error as clients get it: `turnkeeper.errors.from_wire` turns it back."""
    if isinstance(error, ApplicationError):
        return error
    if isinstance(error, SessionError):
        return _typed(error)
    workflow.logger.error("handler failed", extra={"error_type": type(error).__name__})
    return _typed(TurnFailed(f"the session met an unexpected {type(error).__name__}"))


def _typed(error: SessionError) -> ApplicationError:
    details = (error.status,) if isinstance(error, SessionClosed) else ()
    return ApplicationError(str(error), *details, type=type(error).__name__, non_retryable=True)


def failure_type(error: FailureError) -> str:
    """What an activity's failure comes down to, as a type: texts may hold answers. A local
    activity fails as its own ApplicationError, any other activity as the cause of an
    ActivityError."""
    cause = error.cause if isinstance(error, ActivityError) else error
    return getattr(cause, "type", None) or type(cause or error).__name__
