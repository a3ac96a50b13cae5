"""What goes wrong over HTTP says what to do, and nothing of what was said."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI, WebSocket
from starlette.types import Message
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.channels.http_calls import CALLER, FORM, HIDDEN, JSON, Forms, client, problem, ring
from tests.ids import id_of
from turnkeeper.contract import MAX_TURN_BYTES
from turnkeeper.errors import TurnFailed
from turnkeeper.gateway.access.ways import Open
from turnkeeper.gateway.app import create_app
from turnkeeper.gateway.http.json_route import MAX_BODY_BYTES
from turnkeeper.gateway.http.models import path_of
from turnkeeper.gateway.problems import RETRY_AFTER_SECONDS, add_handlers
from turnkeeper.relay_caller import served
from turnkeeper.testing import MemorySessions


@pytest.fixture
def sessions() -> MemorySessions:
    return MemorySessions([FORM])


@pytest.fixture
def app(sessions: MemorySessions) -> FastAPI:
    return create_app(sessions, access=Open(), forms=Forms())


@pytest_asyncio.fixture(loop_scope="session")
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client(app) as http:
        yield http


def reads_and_writes(path: str) -> list[tuple[str, str, object]]:
    leg = {"leg": 1, "epoch": "e"}
    return [
        ("GET", path, None),
        ("GET", f"{path}/transcript", None),
        ("GET", f"{path}/events", None),
        ("POST", f"{path}/turns", {**leg, "utterance_id": "u1", "text": "4321"}),
        ("POST", f"{path}/hand-off", {}),
        ("POST", f"{path}/cancel", {}),
    ]


async def test_a_session_that_is_not_there_is_not_found(http: httpx.AsyncClient) -> None:
    nobody = path_of(id_of("claim", "+14155550199"))
    for method, path, body in reads_and_writes(nobody):
        found = problem(await http.request(method, path, json=body), 404, "session-not-found")
        assert "claim" not in found["detail"]
    unknown = await http.post(f"{nobody}/hangup", json={"leg": 1, "epoch": "e"})
    problem(unknown, 404, "session-not-found")
    assert (await http.get("/v1/sessions")).json() == {"sessions": []}


async def test_a_store_that_cannot_be_reached_never_looks_like_no_session(
    http: httpx.AsyncClient, sessions: MemorySessions
) -> None:
    path = (await ring(http)).path
    opening = {"form": "claim", "caller": CALLER}
    leg = {"leg": 1, "epoch": "e"}
    requests = [
        *reads_and_writes(path),
        *reads_and_writes(path_of(id_of("claim", "nobody"))),
        ("POST", f"{path}/hangup", leg),
        ("POST", "/v1/sessions", opening),
        ("GET", "/v1/sessions", None),
    ]
    with sessions.unreachable():
        for method, where, body in requests:
            response = await http.request(method, where, json=body)
            problem(response, 503, "store-unavailable")
            assert response.headers["retry-after"] == str(RETRY_AFTER_SECONDS)


async def test_another_tenant_s_session_looks_like_none(http: httpx.AsyncClient) -> None:
    theirs, nobody = id_of("claim", "ann", "other"), id_of("claim", "ann")
    ways = zip(*(reads_and_writes(path_of(one)) for one in (theirs, nobody)), strict=True)
    for (method, foreign, body), (_, absent, _) in ways:
        refused = await http.request(method, foreign, json=body)
        problem(refused, 404, "session-not-found")
        assert refused.content == (await http.request(method, absent, json=body)).content


async def test_an_unknown_form_leaves_no_session(http: httpx.AsyncClient) -> None:
    opened = await http.post("/v1/sessions", json={"form": "nothing", "caller": CALLER})
    problem(opened, 404, "unknown-form")
    assert (await http.get("/v1/sessions")).json() == {"sessions": []}


async def test_a_form_that_the_gateway_does_not_know_begins_nothing_but_goes_on() -> None:
    """Made-up forms never get as far as the key store, where each would leave a key."""
    sessions = MemorySessions([FORM, FORM.model_copy(update={"form": "former"})])
    async with client(create_app(sessions, access=Open(), forms=Forms())) as http:
        opening = {"form": "former", "caller": CALLER}
        problem(await http.post("/v1/sessions", json=opening), 404, "unknown-form")
        assert [one async for one in sessions.list()] == []
        began = await sessions.open("former", CALLER)
        opened = await http.post("/v1/sessions", json=opening)
        assert (opened.status_code, opened.json()["leg"]) == (200, began.leg + 1)
        with sessions.unreachable():
            problem(await http.post("/v1/sessions", json=opening), 503, "store-unavailable")


async def test_nobody_is_no_caller(http: httpx.AsyncClient) -> None:
    opened = await http.post("/v1/sessions", json={"form": "claim", "caller": "anonymous"})
    assert "identifies nobody" in problem(opened, 422, "invalid-caller")["detail"]


WRONG: list[tuple[dict[str, object], str]] = [
    ({"utterance_id": None}, "body.utterance_id"),
    ({"leg": HIDDEN}, "body.leg"),
    ({"leg": 0}, "body.leg"),
    ({"epoch": ""}, "body.epoch"),
    ({"text": [HIDDEN]}, "body.text"),
    ({"txet": HIDDEN}, "body.txet: there is no such key here"),
    ({"answers": {"policy": [HIDDEN]}}, "body.answers.policy"),
    ({"answers": HIDDEN}, "body.answers"),
    ({"event": HIDDEN}, "body.event"),
    ({"alternatives": [{"txt": HIDDEN}]}, "body.alternatives.0"),
    ({"confidence": 1.5}, "body.confidence"),
    ({"utterance_id": "u" * 201}, "body.utterance_id"),
]


@pytest.mark.parametrize(("part", "place"), WRONG, ids=lambda one: str(one)[:40])
async def test_a_wrong_turn_is_refused_with_its_place_and_without_what_was_said(
    http: httpx.AsyncClient, part: dict[str, object], place: str
) -> None:
    call = await ring(http)
    body = {**call.leg, "utterance_id": "u1", **part}
    sent = await http.post(
        f"{call.path}/turns", json={k: v for k, v in body.items() if v is not None}
    )
    assert place in problem(sent, 422, "invalid-input")["detail"]
    assert HIDDEN not in sent.text
    assert (await http.get(call.path)).json()["turns"] == 0


@pytest.mark.parametrize("text", ["NaN", "1e999", "-Infinity"])
async def test_a_number_that_is_none_is_refused(http: httpx.AsyncClient, text: str) -> None:
    call = await ring(http)
    body = json.dumps({**call.leg, "utterance_id": "u1", "answers": {"guests": 0}})
    sent = await http.post(
        f"{call.path}/turns", content=body.replace(": 0}", f": {text}}}"), headers=JSON
    )
    problem(sent, 422, "invalid-input")


async def test_a_body_that_is_not_json_is_refused(http: httpx.AsyncClient) -> None:
    problem(await http.post("/v1/sessions", data={"form": "claim"}), 415, "not-json")
    problem(await http.post("/v1/sessions", content=b"{}"), 415, "not-json")
    broken = await http.post("/v1/sessions", content=b'{"form": ' + HIDDEN.encode(), headers=JSON)
    assert problem(broken, 400, "malformed-request")["detail"] == "The body is not JSON (RFC 8259)."
    endless = b'{"leg": ' + b"1" * 5000 + b"}"
    problem(
        await http.post("/v1/sessions", content=endless, headers=JSON), 400, "malformed-request"
    )


async def test_an_address_that_is_none_is_told_where_the_others_are(
    http: httpx.AsyncClient,
) -> None:
    nowhere = problem(await http.get("/v1/foo"), 404, "no-such-route")
    assert "/openapi.json" in nowhere["detail"]
    wrong_way = await http.delete("/v1/sessions")
    assert "Allow" in problem(wrong_way, 405, "method-not-allowed")["detail"]


async def test_a_turn_over_the_limit_is_refused(http: httpx.AsyncClient) -> None:
    call = await ring(http)
    problem(await call.turn("u1", "a" * MAX_TURN_BYTES), 413, "turn-too-large")


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_over_the_limit_is_not_read_to_its_end(app: FastAPI, announced: bool) -> None:
    chunk, asked, answered = b" " * 10_000, 0, []
    length = [(b"content-length", str(MAX_BODY_BYTES + 1).encode())] if announced else []

    async def receive() -> Message:
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": chunk, "more_body": True}

    async def send(message: Message) -> None:
        answered.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/v1/sessions", "query_string": b"",
        "headers": [(b"host", b"127.0.0.1"), (b"content-type", b"application/json"), *length],
    }  # fmt: skip
    await app(scope, receive, send)
    assert answered[0]["status"] == 413
    assert asked == (0 if announced else MAX_BODY_BYTES // len(chunk) + 1)


async def test_what_http_itself_refuses_is_a_problem_too(http: httpx.AsyncClient) -> None:
    problem(await http.get("/v1/nothing"), 404, "no-such-route")
    refused = await http.put("/v1/sessions")
    problem(refused, 405, "method-not-allowed")
    assert refused.headers["allow"] == "GET, POST"


async def test_a_defect_is_a_problem_that_says_nothing_of_it(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even in a log of an application that shows variables."""
    refused = await http.get("/v1/forms/trap/schema")
    assert "detail" not in problem(refused, 500, "internal") or HIDDEN not in refused.text
    shown = caplog.text
    assert "RuntimeError" in shown
    assert HIDDEN not in shown


@pytest.mark.parametrize("error", [RuntimeError(HIDDEN), TurnFailed(HIDDEN)], ids=["any", "ours"])
@pytest.mark.parametrize("code", [None, 4000])
async def test_a_defect_of_a_websocket_closes_it_and_says_nothing_of_it(
    error: Exception, code: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where the route has closed it already."""
    app = FastAPI()
    add_handlers(app)

    @app.websocket("/trap")
    async def trap(socket: WebSocket) -> None:
        await socket.accept()
        if code is not None:
            await socket.close(code)
        raise error

    async with served(app) as url, connect(f"ws{url[4:]}/trap") as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (code or 1011, "")
    (line,) = [one.getMessage() for one in caplog.records if one.levelname == "ERROR"]
    assert type(error).__name__ in line
    assert HIDDEN not in caplog.text
