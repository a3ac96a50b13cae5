"""Errors as `application/problem+json` (RFC 9457): two literal tables, one from the error tree and
one for what HTTP itself refuses.

`type` is stable: programs compare it. `detail` is a sentence for a person and holds no answer and
no caller.
"""

import contextlib
import traceback
from collections.abc import Mapping
from http import HTTPStatus
from math import ceil
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from turnkeeper.errors import (
    Forbidden,
    InvalidCaller,
    InvalidInput,
    MigrationRefused,
    SessionClosed,
    SessionNotFound,
    StaleWrite,
    StoreUnavailable,
    SupersededLeg,
    TooManyRequests,
    TurnConflict,
    TurnFailed,
    TurnkeeperError,
    TurnTooLarge,
    Unauthenticated,
    UnknownForm,
)
from turnkeeper.telemetry import logger

PREFIX = "urn:turnkeeper:problem:"
MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2
"""About as long as a killed worker or server takes to be back (measured: 0.5 to 3 s)."""

PROBLEMS: dict[type[TurnkeeperError], tuple[int, str, str]] = {
    Unauthenticated: (401, "unauthenticated", "Nobody knows who asks"),
    Forbidden: (403, "forbidden", "This may not be done with this token"),
    TooManyRequests: (429, "too-many-requests", "This is over a limit"),
    StoreUnavailable: (503, "store-unavailable", "The store cannot be reached"),
    SessionNotFound: (404, "session-not-found", "There is no such session"),
    UnknownForm: (404, "unknown-form", "No worker has this form"),
    SessionClosed: (409, "session-closed", "The session takes no more turns"),
    SupersededLeg: (409, "superseded-leg", "A newer leg speaks for this caller"),
    TurnConflict: (409, "turn-conflict", "The utterance was answered with other content"),
    StaleWrite: (409, "stale-write", "The record was changed since it was read"),
    MigrationRefused: (409, "migration-refused", "The session keeps its version of the form"),
    TurnFailed: (500, "turn-failed", "The turn could not be interpreted"),
    TurnTooLarge: (413, "turn-too-large", "The turn is too large"),
    InvalidCaller: (422, "invalid-caller", "The caller cannot be an identity"),
    InvalidInput: (422, "invalid-input", "The request is not right"),
}
"""HTTP status, the end of `type`, title. A class that is not here is its base's."""

HTTP_PROBLEMS: dict[int, tuple[str, str]] = {
    400: ("malformed-request", "The request cannot be read"),
    404: ("no-such-route", "There is nothing at this address"),
    405: ("method-not-allowed", "This address does not take this method"),
    415: ("not-json", "The body is not declared as JSON"),
    500: ("internal", "Something is wrong here"),
}
"""What is refused before it is known what was meant, by HTTP status: the end of `type`, title."""

_DETAILS: dict[type[TurnkeeperError], str] = {
    Unauthenticated: "Send 'Authorization: Bearer' with an API key or a token that is good here.",
    SessionNotFound: "No session of this id is running or kept; POST /v1/sessions opens one.",
}
"""In place of an error's own text: why a token is no good is for the log, and that a session is
another's is for nobody."""
_HTTP_DETAILS: dict[int, str] = {
    404: "There is nothing at this path; /openapi.json has the paths that there are.",
    405: "The header Allow has the methods that this path takes.",
}
"""What is said where the framework says no more than the status."""
_NOT_JSON = "json_invalid"
"""Pydantic's type of an error for a text that is no JSON."""
_WRONG: dict[str, str] = {
    "missing": "this is required",
    "extra_forbidden": "there is no such key here",
    "string_pattern_mismatch": "this is not such an id",
}
"""In place of pydantic's own words, by its error's type."""

TRACED = 5
"""Calls of a traceback that a log line shows, the innermost."""
INTERNAL_ERROR = 1011
"""The close code of a WebSocket that failed (RFC 6455, section 7.4.1)."""

_log = logger(__name__)


class Problem(BaseModel):
    """What went wrong, as RFC 9457 says it (section 3.1)."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    type: str
    """Stable: what a program compares."""
    title: str
    """The same for every problem of this type."""
    status: int
    """The HTTP status."""
    detail: str = ""
    """A sentence about this one, for a person."""
    session_status: str | None = None
    """Of `session-closed`: how the session stands."""


def problem_of(error: TurnkeeperError) -> Problem:
    """The problem that an error is; by the nearest class in `PROBLEMS`."""
    kind = next((kind for kind in type(error).__mro__ if kind in PROBLEMS), None)
    status, name, title = PROBLEMS[kind] if kind else (500, *HTTP_PROBLEMS[500])
    detail = _DETAILS.get(kind, str(error)) if kind else ""
    closed = error.status if isinstance(error, SessionClosed) else None
    return Problem(
        type=PREFIX + name, title=title, status=status, detail=detail, session_status=closed
    )


def http_problem(status: int, detail: str = "") -> Problem:
    """The problem that an HTTP status is; one that is not in `HTTP_PROBLEMS` by its own phrase."""
    phrase = HTTPStatus(status).phrase
    name, title = HTTP_PROBLEMS.get(status, (phrase.lower().replace(" ", "-"), phrase))
    return Problem(type=PREFIX + name, title=title, status=status, detail=detail)


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """A problem as a response; a 503 says when to come back."""
    retry = {"Retry-After": str(RETRY_AFTER_SECONDS)} if problem.status == 503 else {}
    return JSONResponse(
        problem.model_dump(exclude_none=True),
        status_code=problem.status,
        headers={**(headers or {}), **retry},
        media_type=MEDIA_TYPE,
    )


def traced(error: BaseException) -> dict[str, object]:
    """An exception as keys of a log line: its type and where it was raised, never its message or
    variables. An application that this is mounted in may log in its own way, which would."""
    frames = traceback.extract_tb(error.__traceback__)[-TRACED:]
    at = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    return {"error": type(error).__name__, "at": at}


def add_handlers(app: FastAPI) -> None:
    """Every error of an app as a problem, the framework's own and unexpected ones too."""
    app.add_exception_handler(TurnkeeperError, _turnkeeper_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_middleware(Unexpected)


class Unexpected:
    """ASGI middleware that answers an exception which nobody expected with a problem that says
    nothing of it, and on a WebSocket with a close. An exception's text may quote a caller, so it
    goes no further than here."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except (ClientDisconnect, WebSocketDisconnect):  # Nobody is left to be told.
            return
        except Exception as error:
            if scope["type"] == "websocket":
                _log.error("a socket failed in a way that is a defect", **traced(error))
                await _close(send)
                return
            if scope["type"] != "http" or started:
                raise
            _log.error("a request failed in a way that is a defect", **traced(error))
            await problem_response(http_problem(500))(scope, receive, send)


async def _close(send: Send) -> None:
    with contextlib.suppress(RuntimeError, OSError):  # Closed already, by us or by the other side.
        await send({"type": "websocket.close", "code": INTERNAL_ERROR})


async def _turnkeeper_error(request: Request | WebSocket, error: Exception) -> Response:
    """Each WebSocket tells its errors in its own frames: one that comes here is a defect."""
    if isinstance(request, WebSocket):
        raise error
    assert isinstance(error, TurnkeeperError)
    problem = problem_of(error)
    if problem.status == 500:
        _log.error("a request failed", **traced(error))
    return problem_response(problem, headers_of(error))


def headers_of(error: TurnkeeperError) -> dict[str, str]:
    """What a response says beside the problem."""
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, TooManyRequests):
        return {"Retry-After": str(ceil(error.retry_after))}
    return {}


async def _invalid_request(request: Request, error: Exception) -> Response:
    """What pydantic said, without the values: they may be answers."""
    assert isinstance(error, RequestValidationError)
    errors = error.errors()
    if any(one["type"] == _NOT_JSON for one in errors):
        return problem_response(http_problem(400, "The body is not JSON (RFC 8259)."))
    wrong: dict[str, str] = {}
    for one in errors:
        wrong.setdefault(_place(one["loc"]), _WRONG.get(one["type"], one["msg"]))
    detail = "; ".join(f"{place}: {what}" for place, what in wrong.items())
    return problem_response(problem_of(InvalidInput(detail)))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    told = error.detail not in ("", HTTPStatus(error.status_code).phrase)
    detail = str(error.detail) if told else _HTTP_DETAILS.get(error.status_code, "")
    problem = http_problem(error.status_code, detail)
    allow = {"Allow": ", ".join(_methods(request))} if error.status_code == 405 else {}
    return problem_response(problem, {**(error.headers or {}), **allow})


def _methods(request: Request) -> list[str]:
    """What the address takes: Starlette names the methods of the first route there alone, RFC 9110
    (10.2.1) wants all."""
    routes = request.app.routes
    return [
        method
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        if any(r.matches({**request.scope, "method": method})[0] is Match.FULL for r in routes)
    ]


def _place(steps: tuple[int | str, ...]) -> str:
    """`body.answers.theft`; what is deeper is pydantic's own account of a union."""
    return ".".join(str(step) for step in steps[:3])
