"""Errors as `application/problem+json` (RFC 9457): one literal table from the error tree.

`type` is stable: programs compare it. `detail` is a sentence for a person and holds no answer.
"""

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from turnkeeper.errors import (
    InvalidCaller,
    InvalidInput,
    SessionClosed,
    SessionNotFound,
    StaleWrite,
    StoreUnavailable,
    SupersededLeg,
    TurnConflict,
    TurnFailed,
    TurnkeeperError,
    TurnTooLarge,
    UnknownForm,
)

PREFIX = "urn:turnkeeper:problem:"
RETRY_AFTER_SECONDS = 2
"""About as long as a killed worker or server takes to be back (measured: 0.5 to 3 s)."""

PROBLEMS: dict[type[TurnkeeperError], tuple[int, str, str]] = {
    StoreUnavailable: (503, "store-unavailable", "The store cannot be reached"),
    SessionNotFound: (404, "session-not-found", "There is no such session"),
    UnknownForm: (404, "unknown-form", "No worker has this form"),
    SessionClosed: (409, "session-closed", "The session takes no more turns"),
    SupersededLeg: (409, "superseded-leg", "A newer leg speaks for this caller"),
    TurnConflict: (409, "turn-conflict", "The utterance was answered with other content"),
    StaleWrite: (409, "stale-write", "The record was changed since it was read"),
    TurnFailed: (500, "turn-failed", "The turn could not be interpreted"),
    TurnTooLarge: (413, "turn-too-large", "The turn is too large"),
    InvalidCaller: (422, "invalid-caller", "The caller cannot be an identity"),
    InvalidInput: (422, "invalid-input", "The request is not right"),
}
"""HTTP status, the end of `type`, title. A class that is not here is its base's."""


class Problem(BaseModel):
    """RFC 9457, section 3.1."""

    type: str
    title: str
    status: int
    detail: str = ""
    session_status: str | None = None
    """Of `session-closed`: how the session ended."""


def problem_of(error: TurnkeeperError) -> Problem:
    """The problem that an error is; by the nearest class in `PROBLEMS`."""
    kind = next((kind for kind in type(error).__mro__ if kind in PROBLEMS), None)
    status, name, title = PROBLEMS[kind] if kind else (500, "internal", "Something is wrong here")
    closed = error.status if isinstance(error, SessionClosed) else None
    return Problem(
        type=PREFIX + name, title=title, status=status, detail=str(error), session_status=closed
    )


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """A problem as a response; a 503 says when to come back."""
    retry = {"Retry-After": str(RETRY_AFTER_SECONDS)} if problem.status == 503 else {}
    return JSONResponse(
        problem.model_dump(exclude_none=True),
        status_code=problem.status,
        headers={**(headers or {}), **retry},
        media_type="application/problem+json",
    )


def add_handlers(app: FastAPI) -> None:
    """Every error of an app as a problem, the framework's own too."""
    app.add_exception_handler(TurnkeeperError, _turnkeeper_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)


async def _turnkeeper_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, TurnkeeperError)
    return problem_response(problem_of(error))


async def _invalid_request(request: Request, error: Exception) -> Response:
    """What pydantic said, without the values: they may be answers."""
    assert isinstance(error, RequestValidationError)
    places = [
        f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()
    ]
    return problem_response(problem_of(InvalidInput("; ".join(places))))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    name = str(error.detail).lower().replace(" ", "-")
    problem = Problem(type=PREFIX + name, title=str(error.detail), status=error.status_code)
    return problem_response(problem, error.headers)
