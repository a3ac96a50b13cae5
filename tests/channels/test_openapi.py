"""The OpenAPI document says what the gateway does: its examples run, and what a generator makes of
it finds no crash and no answer that it does not describe."""

import asyncio
import json
import os
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from starlette.testclient import TestClient

from tests.ids import id_of
from turnkeeper.client import VoiceSession
from turnkeeper.gateway.access.limits import Limits
from turnkeeper.gateway.access.ways import Made
from turnkeeper.gateway.app import create_app
from turnkeeper.gateway.http import examples
from turnkeeper.gateway.http.models import SESSION_ID
from turnkeeper.gateway.problems import MEDIA_TYPE, RETRY_AFTER_SECONDS
from turnkeeper.testing import MemorySessions
from worker.forms import FormFolder

FORMS = FormFolder(Path(__file__).parents[2] / "forms")
SEED = int(os.environ.get("SEED", random.randrange(2**32)))
CASES = settings(
    max_examples=6,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


MADE = Made("default")
LET_IN = {"Authorization": f"Bearer {MADE.token}"}


def gateway() -> tuple[MemorySessions, FastAPI]:
    sessions = MemorySessions([form for form in map(FORMS.find, FORMS.names) if form])
    return sessions, create_app(sessions, access=MADE, forms=FORMS, allowed_hosts=None)


SESSIONS, APP = gateway()
MUCH = "1000000/second"
APP.state.gate.limits = Limits(MUCH, MUCH, failures=MUCH)
OURS: dict[str, Any] = {"generation": {"with-security-parameters": False}}
"""The token is ours to send; that nothing is answered without is among the checks."""
WHOLE = schemathesis.openapi.from_asgi(
    "/openapi.json", APP, config=schemathesis.Config.from_dict(OURS)
)
BRIEF = schemathesis.openapi.from_asgi(
    "/openapi.json",
    APP,
    config=schemathesis.Config.from_dict({**OURS, "phases": {"coverage": {"enabled": False}}}),
).include(path_regex="^/v1/sessions")
LIVE = examples.SESSION
AIM = random.Random(SEED)
ENDED, ABSENT = id_of(examples.FORM, "ended"), id_of(examples.FORM, "absent")


# --- what it says ---------------------------------------------------------------------------------


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(gateway()[1], headers=LET_IN) as client:
        yield client


@pytest.fixture
def document(client: TestClient) -> dict[str, Any]:
    document: dict[str, Any] = client.get("/openapi.json").json()
    return document


Operation = tuple[str, str, dict[str, Any]]


def operations(document: dict[str, Any]) -> list[Operation]:
    """Method, path and description of each, in the order of the document."""
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_operation_has_a_name_a_description_and_problems(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert sorted(set(names)) == sorted(names)
    for _, _, operation in operations(document):
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", operation["operationId"])
        assert operation["description"].endswith(".")
        refusals = {s: r for s, r in operation["responses"].items() if s >= "400"}
        assert all(list(refusal["content"]) == [MEDIA_TYPE] for refusal in refusals.values())
        assert "500" in refusals
        assert refusals.keys() >= {"401", "403", "429", "503"}
        assert operation["security"] == [{"bearer": operation["security"][0]["bearer"]}]


def test_every_part_of_a_request_and_of_a_reply_is_described(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name in ("OpenSession", "SendTurn", "HangUp", "Because", "Opened", "Problem"):
        bare = [key for key, one in schemas[name]["properties"].items() if "description" not in one]
        assert bare == [], name
    assert "delta" not in schemas["Reply"]["properties"]["recorded"]["description"]
    assert schemas["Problem"]["properties"]["type"]["description"].startswith("Stable")


def test_its_examples_run_in_order_and_get_what_they_show(
    client: TestClient, document: dict[str, Any]
) -> None:
    """As a reader would: one after the other, with the epoch that opening gave; what is erased is
    erased last."""
    epoch, statuses = examples.EPOCH, []
    for method, path, operation in sorted(operations(document), key=lambda it: it[0] == "delete"):
        shown = shown_by(operation)
        for name, body in bodies_of(operation).items():
            response = client.request(method, path_for(path, operation), json=with_(epoch, body))
            statuses.append((operation["operationId"], name, response.status_code))
            if name in shown:
                epoch = response.json()["epoch"]
                assert without_nulls(response.json()) == with_(epoch, shown.pop(name))
        assert shown == {}
    print(*statuses, sep="\n")
    assert [one for one in statuses if one[2] >= 300] == []
    assert len(statuses) >= 17


def path_for(path: str, operation: dict[str, Any]) -> str:
    """The path with its parameters' examples."""
    inside = [one for one in operation.get("parameters", ()) if one["in"] == "path"]
    values = {one["name"]: next(iter(one["examples"].values()))["value"] for one in inside}
    return path.format_map({name: quote(value, safe="") for name, value in values.items()})


def bodies_of(operation: dict[str, Any]) -> dict[str, Any]:
    """The examples of the body by name; of an operation without one, None."""
    if "requestBody" not in operation:
        return {"": None}
    return _values(operation["requestBody"]["content"]["application/json"]["examples"])


def shown_by(operation: dict[str, Any]) -> dict[str, Any]:
    """What the document says that examples of these names get."""
    answers = [operation["responses"].get(status, {}) for status in ("200", "201")]
    bodies = [one.get("content", {}).get("application/json", {}) for one in answers]
    return _values({name: e for one in bodies for name, e in one.get("examples", {}).items()})


def _values(named: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {name: example["value"] for name, example in named.items()}


def with_(epoch: str, body: Any) -> Any:
    """The body with that epoch in place of the one in the document."""
    return json.loads(json.dumps(body).replace(examples.EPOCH, epoch))


def without_nulls(body: Any) -> Any:
    """FastAPI leaves them out of a document, of its examples too."""
    if isinstance(body, dict):
        return {key: without_nulls(value) for key, value in body.items() if value is not None}
    return [without_nulls(one) for one in body] if isinstance(body, list) else body


# --- what a generator makes of it -----------------------------------------------------------------


@pytest.fixture(autouse=True)
def shown() -> None:
    print(f"SEED={SEED}")


@WHOLE.parametrize()
@seed(SEED)
@CASES
def test_nothing_that_it_allows_or_forbids_crashes_or_gets_another_answer(
    case: Case[Any],
) -> None:
    aim(case)
    case.call_and_validate(headers=LET_IN)


@BRIEF.parametrize()
@seed(SEED)
@CASES
def test_while_the_store_cannot_be_reached_nothing_is_known(case: Case[Any]) -> None:
    """503 to whatever is right, and never that something is not there."""
    aim(case)
    with SESSIONS.unreachable():
        response = case.call_and_validate(headers=LET_IN, excluded_checks=[not_a_server_error])
    if not is_right(case):
        assert response.status_code in (400, 401, 405, 413, 415, 422, 503)
    else:
        assert response.status_code == 503
        assert response.headers["retry-after"] == [str(RETRY_AFTER_SECONDS)]


def aim(case: Case[Any]) -> None:
    """What is generated hits nothing: point it at a session in progress, an ended one, or none."""
    leg = asyncio.run(a_call())
    known = case.path_parameters
    given = str(known.get("session_id", ""))
    if any(re.fullmatch(SESSION_ID[1:-1], one) for one in (given, unquote(given))):
        streams = case.path.endswith("/events")  # Without an end while the session has none.
        known["session_id"] = AIM.choice([ENDED, ABSENT] if streams else [LIVE, ENDED, ABSENT])
    if "transport_id" in case.query:  # Nothing need be asked about one that has no letter.
        case.query["transport_id"] = "CA81"
    if is_right(case) and isinstance(case.body, dict) and "epoch" in case.body:
        case.body |= {"leg": leg.leg, "epoch": leg.epoch}


def is_right(case: Case[Any]) -> bool:
    """Whether it is as the document says; others are wrong on purpose."""
    return case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE


async def a_call() -> VoiceSession:
    """A leg of a session in progress, and a session that has ended."""
    ended = await SESSIONS.open(examples.FORM, "ended")
    await ended.cancel()
    return await SESSIONS.open(examples.FORM, examples.CALLER)
