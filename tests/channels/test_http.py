"""HTTP: what may be sent again is safe to send again."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import TypeVar

import httpx
import jsonschema_rs
import pytest
import pytest_asyncio
from fastapi import FastAPI

from tests.channels.http_calls import CALLER, FORM, Call, Forms, client, problem, ring
from turnkeeper.gateway.access.ways import Open
from turnkeeper.gateway.app import create_app
from turnkeeper.testing import MemorySessions

T = TypeVar("T")


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


# --- sessions -------------------------------------------------------------------------------------


async def test_opening_says_whether_the_session_began_or_was_there(http: httpx.AsyncClient) -> None:
    body = {"form": "claim", "caller": CALLER}
    first = await http.post("/v1/sessions", json=body)
    assert (first.status_code, first.json()["created"], first.json()["restored"]) == (
        201,
        True,
        False,
    )
    await Call(http, first).turn("u1", "4321")
    again = await http.post("/v1/sessions", json=body)
    assert (again.status_code, again.json()["created"], again.json()["restored"]) == (
        200,
        False,
        True,
    )
    assert (first.json()["leg"], again.json()["leg"]) == (1, 2)
    assert again.json()["reply"]["say"].endswith("Was anything stolen?")


def says(opened: httpx.Response) -> tuple[bool, bool]:
    body = opened.json()
    return body["created"], body["restored"]


@pytest.mark.parametrize("caller", [CALLER, "ann@example.com", "a/b c:d?e#f%2Fg", "übung"])
async def test_a_session_is_where_its_location_says(http: httpx.AsyncClient, caller: str) -> None:
    call = await ring(http, caller)
    found = await http.get(call.path)
    assert (found.status_code, found.json()["session_id"]) == (200, call.opened["session_id"])


async def test_an_opening_that_is_sent_again_is_the_same_leg(http: httpx.AsyncClient) -> None:
    first = await ring(http, connect_id="c1")
    again = await ring(http, connect_id="c1")
    assert again.opened == first.opened
    assert (await ring(http, connect_id="c2")).opened["leg"] == 2


async def test_a_session_is_listed_by_form_status_and_transport(http: httpx.AsyncClient) -> None:
    call = await ring(http, transport_id="CA81")
    await ring(http, "bob", transport_id="CA82")

    async def listed(**query: str) -> list[str]:
        found = (await http.get("/v1/sessions", params=query)).json()["sessions"]
        return [one["session_id"] for one in found]

    assert len(await listed(form="claim", status="collecting")) == 2
    assert await listed(transport_id="CA81") == [call.opened["session_id"]]
    assert await listed(status="completed") == []
    assert len(await listed(limit="1")) == 1


async def test_hanging_up_is_noted_and_the_session_waits(http: httpx.AsyncClient) -> None:
    call = await ring(http)
    gone = await http.post(f"{call.path}/hangup", json={**call.leg, "reason": "dropped"})
    assert (gone.status_code, gone.content) == (204, b"")
    state = (await http.get(call.path)).json()
    assert (state["status"], state["legs"][0]["reason"]) == ("collecting", "dropped")


async def test_an_operator_hands_off_and_cancels(http: httpx.AsyncClient) -> None:
    call = await ring(http)
    handed = await http.post(f"{call.path}/hand-off", json={"reason": "asked for a person"})
    assert (handed.status_code, handed.json()["status"]) == (200, "handed_off")
    cancelled = await http.post(f"{call.path}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    late = problem(await http.post(f"{call.path}/hand-off"), 409, "session-closed")
    assert late["session_status"] == "cancelled"


@pytest.mark.parametrize("request_", ["hand-off", "cancel"])
async def test_a_hand_off_or_a_cancel_that_is_sent_again_gets_the_same_reply(
    http: httpx.AsyncClient, request_: str
) -> None:
    call = await ring(http)
    await call.turn("u1", "4321")
    first, again = [await http.post(f"{call.path}/{request_}") for _ in range(2)]
    assert (again.status_code, again.json()) == (200, first.json())
    assert (await http.get(call.path)).json()["turns"] == 2


async def test_the_transcript_has_what_was_heard_and_said(http: httpx.AsyncClient) -> None:
    call = await ring(http)
    await call.turn("u1", "4321")
    entries = (await http.get(f"{call.path}/transcript")).json()["entries"]
    assert [(one["heard"], one["said"]) for one in entries] == [
        ("", "Hello. Policy number?"),
        ("4321", "Was anything stolen?"),
    ]


# --- turns ----------------------------------------------------------------------------------------


async def test_a_turn_that_is_sent_again_gets_the_same_reply(http: httpx.AsyncClient) -> None:
    call = await ring(http)
    first, again = await call.turn("u1", "4321"), await call.turn("u1", "4321")
    assert (again.status_code, again.json()) == (200, first.json())
    assert (await http.get(call.path)).json()["turns"] == 1


async def test_it_is_the_same_turn_through_a_gateway_that_was_restarted(
    http: httpx.AsyncClient, sessions: MemorySessions
) -> None:
    call = await ring(http)
    first = await call.turn("u1", "4321")
    async with client(create_app(sessions, access=Open())) as other:
        body = {**call.leg, "utterance_id": "u1", "text": "4321"}
        again = await other.post(f"{call.path}/turns", json=body)
    assert again.json() == first.json()


async def test_other_words_amend_the_newest_utterance_and_conflict_with_an_older_one(
    http: httpx.AsyncClient,
) -> None:
    call = await ring(http)
    await call.turn("u1", "4321")
    await call.turn("u2", "yes")
    assert (await call.turn("u2", "no")).json()["recorded"] == {"theft": False}
    problem(await call.turn("u1", "1234"), 409, "turn-conflict")
    assert (await http.get(call.path)).json()["form_answers"] == {"policy": "4321", "theft": False}


async def test_an_older_leg_is_told_that_it_was_superseded(http: httpx.AsyncClient) -> None:
    old, new = await ring(http), await ring(http)
    problem(await old.turn("u1", "4321"), 409, "superseded-leg")
    assert (await new.turn("u1", "4321")).status_code == 200


async def test_a_session_that_has_ended_takes_no_turn_and_says_how_it_ended(
    http: httpx.AsyncClient,
) -> None:
    call = await ring(http)
    await http.post(f"{call.path}/cancel")
    closed = problem(await call.turn("u1", "4321"), 409, "session-closed")
    assert closed["session_status"] == "cancelled"


async def test_an_agent_s_answers_are_checked(http: httpx.AsyncClient) -> None:
    call = await ring(http)
    body = {**call.leg, "utterance_id": "u1", "answers": {"policy": "4321", "guests": 40}}
    reply = (await http.post(f"{call.path}/turns", json=body)).json()
    assert reply["recorded"] == {"policy": "4321"}
    assert [one["field"] for one in reply["rejected"]] == ["guests"]


class Slow(MemorySessions):
    """What is sent is on its way until `arrive` is set."""

    def __init__(self) -> None:
        super().__init__([FORM])
        self.sent, self.arrive = asyncio.Event(), asyncio.Event()
        self.arrive.set()

    async def shielded(self, sending: Coroutine[object, object, T]) -> T:
        async def send() -> T:
            self.sent.set()
            await self.arrive.wait()
            return await sending

        return await super().shielded(send())


async def test_a_request_that_is_cancelled_on_its_way_loses_no_answer() -> None:
    async with Slow() as sessions, client(create_app(sessions, access=Open())) as http:
        call = await ring(http)
        sessions.sent.clear()
        sessions.arrive.clear()
        turn = asyncio.ensure_future(call.turn("u1", "4321"))
        await sessions.sent.wait()
        turn.cancel()
        await asyncio.wait([turn])
        sessions.arrive.set()
        assert turn.cancelled()
        assert (await call.turn("u2", "no")).json()["recorded"] == {"theft": False}
        state = (await http.get(call.path)).json()
        assert state["form_answers"] == {"policy": "4321", "theft": False}


# --- forms ----------------------------------------------------------------------------------------


async def test_forms_are_listed_with_their_titles_and_versions(http: httpx.AsyncClient) -> None:
    assert (await http.get("/v1/forms")).json() == {
        "forms": [
            {"form": "claim", "title": "Claim", "version": "7", "language": "en", "fields": 5}
        ]
    }


async def test_a_form_s_schema_says_what_its_answers_may_be(http: httpx.AsyncClient) -> None:
    schema = (await http.get("/v1/forms/claim/schema")).json()
    jsonschema_rs.meta.validate(schema)
    assert schema["required"] == ["policy", "theft", "colour"]
    assert schema["properties"]["report"]["x-when"] == "theft"
    valid = jsonschema_rs.Draft202012Validator(schema).is_valid
    answers = {"policy": "4321", "theft": True, "report": "123", "guests": 4, "colour": "red"}
    assert valid(answers)
    wrong = {"policy": "432", "theft": "yes", "report": "12", "guests": 4.5, "colour": "green"}
    assert [key for key in wrong if valid({**answers, key: wrong[key]})] == []
    problem(await http.get("/v1/forms/nothing/schema"), 404, "unknown-form")
