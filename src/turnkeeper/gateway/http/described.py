"""The OpenAPI document's parts that code does not say: what each operation may be refused with, and
descriptions of the shared messages.
"""

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from turnkeeper import backend, contract
from turnkeeper.errors import (
    Forbidden,
    InvalidCaller,
    InvalidInput,
    SessionClosed,
    SessionNotFound,
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
from turnkeeper.forms.describe import attribute_docs
from turnkeeper.forms.json_schema import Json
from turnkeeper.gateway.http import examples
from turnkeeper.gateway.http.erasing import Erasing
from turnkeeper.gateway.http.models import Opened
from turnkeeper.gateway.problems import (
    MEDIA_TYPE,
    PREFIX,
    PROBLEMS,
    RETRY_AFTER_SECONDS,
    Problem,
    http_problem,
)

Responses = dict[int | str, dict[str, Any]]
"""As FastAPI takes them: by status, an OpenAPI Response Object and perhaps a `model`."""

_ALWAYS = (InvalidInput, Unauthenticated, Forbidden, TooManyRequests, 500)
_ANY = (*_ALWAYS, StoreUnavailable)
_BODY = (400, TurnTooLarge, 415)

_DETAILS: dict[type[TurnkeeperError], str] = {
    UnknownForm: "no worker has a form 'roadside'",
    SessionClosed: "this session takes no more turns: it is completed",
    SupersededLeg: "leg 1 was superseded by leg 2: the caller is on another line now",
    TurnTooLarge: "the message is 70,112 bytes, over the limit of 65,536: send what was said in one"
    " breath, not a document",
    InvalidInput: "body.utterance_id: Field required",
    Forbidden: "this needs the scope operate",
    TooManyRequests: "over the limit of 200 per 1 second: send less",
}
"""Of the examples of problems."""
_PROBLEM: Json = {"$ref": "#/components/schemas/Problem"}
_TEXT: Json = {"type": "string"}
_SECONDS: Json = {"type": "integer", "examples": [RETRY_AFTER_SECONDS]}
_HEADERS: dict[int, dict[str, Json]] = {
    201: {"Location": {"description": "The session's path.", "schema": _TEXT}},
    202: {"Retry-After": {"description": "In seconds.", "schema": _SECONDS}},
    401: {"WWW-Authenticate": {"description": "RFC 6750, section 3.", "schema": _TEXT}},
    429: {"Retry-After": {"description": "In seconds.", "schema": _SECONDS}},
    503: {"Retry-After": {"description": "In seconds.", "schema": _SECONDS}},
}


def problems(*kinds: type[TurnkeeperError] | int) -> Responses:
    """What an operation may be refused with: errors, or HTTP statuses of `HTTP_PROBLEMS`."""
    by_status: dict[int, list[Problem]] = {}
    for problem in map(_problem, kinds):
        by_status.setdefault(problem.status, []).append(problem)
    return {status: _refusal(status, found) for status, found in sorted(by_status.items())}


def _problem(kind: type[TurnkeeperError] | int) -> Problem:
    if isinstance(kind, int):
        return http_problem(kind)
    status, name, title = PROBLEMS[kind]
    return Problem(type=PREFIX + name, title=title, status=status, detail=_DETAILS.get(kind, ""))


def _refusal(status: int, found: list[Problem]) -> dict[str, Any]:
    shown = {
        problem.type.removeprefix(PREFIX): {"value": problem.model_dump(exclude_defaults=True)}
        for problem in found
    }
    return {
        "description": "; or: ".join(problem.title for problem in found) + ".",
        "content": {MEDIA_TYPE: {"schema": _PROBLEM, "examples": shown}},
        "headers": _HEADERS.get(status, {}),
    }


def _answer(description: str, status: int, **named: object) -> dict[str, Any]:
    shown = {name: {"value": value} for name, value in named.items()}
    content = {"content": {"application/json": {"examples": shown}}} if shown else {}
    return {"description": description, "headers": _HEADERS.get(status, {}), **content}


OPENING: Responses = {
    200: {**_answer("The session was there: a new leg of it.", 200), "model": Opened},
    201: _answer("The session began.", 201, **examples.OPENED),
    **problems(*_ANY, *_BODY, UnknownForm, InvalidCaller),
}
LISTING: Responses = problems(*_ANY)
READING: Responses = problems(*_ANY, SessionNotFound)
TAKING_A_TURN: Responses = {
    200: _answer("The reply, which was stored with the turn.", 200, **examples.REPLIES),
    **problems(
        *_ANY, *_BODY, SessionNotFound, SessionClosed, SupersededLeg, TurnConflict, TurnFailed
    ),
}
NOTING: Responses = {
    204: _answer("It is noted.", 204),
    **problems(*_ANY, *_BODY, SessionNotFound),
}
ENDING: Responses = problems(*_ANY, *_BODY, SessionNotFound, SessionClosed)
WATCHING: Responses = {
    200: {"description": "Events.", "content": {"text/event-stream": {}}},
    204: {"description": "The session has ended, and its last state was seen."},
    **READING,
}
ERASING: Responses = {
    200: _answer("The certificate of what was erased.", 200),
    202: {**_answer("It is being erased; send this again.", 202), "model": Erasing},
    **READING,
}
LISTING_FORMS: Responses = problems(*_ANY)
READING_A_FORM: Responses = problems(*_ANY, UnknownForm)
ADMITTING: Responses = {
    201: _answer("The ticket: the first message of the socket says it.", 201),
    **problems(*_ANY, *_BODY),
}

_MODELS: tuple[type[BaseModel], ...] = (
    contract.Alternative, contract.Delivery, contract.Expects, contract.LastTurn, contract.Leg,
    contract.Progress, contract.Rejection, contract.Reply, contract.SessionState,
    contract.Transcript, contract.TranscriptEntry, backend.SessionSummary,
)  # fmt: skip
"""Shared messages, whose attributes' docstrings become descriptions."""


def describe(app: FastAPI) -> None:
    """Add to an app's document what FastAPI does not: the problem's schema, descriptions."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        document = plain()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.setdefault("Problem", Problem.model_json_schema())
        for model in _MODELS:
            _add_docs(model, schemas.get(model.__name__, {}).get("properties", {}))
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI: "Extending OpenAPI"


def _add_docs(model: type[BaseModel], properties: dict[str, dict[str, Any]]) -> None:
    for name, text in attribute_docs(model).items():
        if name in properties:
            properties[name].setdefault("description", text)
