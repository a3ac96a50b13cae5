"""Whose Retell calls are taken, for how long, and what is logged of the others."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import pytest_asyncio
from fastapi import FastAPI
from structlog.testing import capture_logs
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.channels.access.letting_in import TALKS, Revocable
from tests.channels.claim import CLAIM
from tests.channels.credentials import CALLER, ON_A_SOCKET, SOMEBODY_ELSE, Credentials
from tests.channels.retell.calls import Retell
from tests.channels.streaming import Caller, Gateway, HeldBackend, gateway
from turnkeeper.contract import DEFAULT_TENANT
from turnkeeper.errors import (
    SessionNotFound,
    TooManyRequests,
)
from turnkeeper.gateway import retell
from turnkeeper.gateway.access import lasting
from turnkeeper.gateway.access.gate import Access, Gate, OneTenant
from turnkeeper.gateway.access.limits import Limits as TenantLimits
from turnkeeper.gateway.access.principal import Principal
from turnkeeper.gateway.app import create_app
from turnkeeper.gateway.doorway import Site
from turnkeeper.gateway.serve import listen, serve, url_of
from turnkeeper.relay_caller import served
from turnkeeper.testing import MemorySessions


@pytest_asyncio.fixture(loop_scope="session")
async def memory() -> AsyncIterator[MemorySessions]:
    async with MemorySessions([CLAIM]) as sessions:
        yield sessions


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def retell_at(given: Credentials) -> AsyncIterator[Gateway]:
    """Every channel, on a real port."""
    backend = HeldBackend()
    async with gateway(backend) as unused:
        app = create_app(unused.sessions, access=given.access)
        bound, up = listen("127.0.0.1", 0), asyncio.Event()
        serving = asyncio.ensure_future(serve(app, bound, ready=up.set))
        await up.wait()
        url = url_of(bound).replace("http", "ws")
        yield Gateway(f"{url}/retell/claim/call-1", backend, unused.sessions)
        serving.cancel()
        await asyncio.wait([serving])


def details(place: str, token: str | None, caller: str = CALLER) -> Mapping[str, object]:
    kept = {} if token is None else {place: {"turnkeeper_token": token}}
    call = {"direction": "inbound", "from_number": caller, **kept}
    return {"interaction_type": "call_details", "call": call}


async def closed_by(frames: list[Mapping[str, object]], url: str) -> tuple[int, str]:
    async with connect(url) as socket:
        for frame in frames:
            await socket.send(json.dumps(frame))
        return await Caller(socket).until_closed()


@pytest.mark.parametrize("bad", ["none", *ON_A_SOCKET])
@pytest.mark.parametrize("place", ["metadata", "retell_llm_dynamic_variables"])
async def test_a_retell_call_is_opened_for_no_token_that_is_not_good(
    retell_at: Gateway, given: Credentials, place: str, bad: str
) -> None:
    token = None if bad == "none" else await ON_A_SOCKET[bad](given)
    asks: dict[str, object] = {"interaction_type": "response_required", "response_id": 1}
    asks["transcript"] = [{"role": "user", "content": "4321"}]
    closed = await closed_by([asks, details(place, token)], retell_at.url)
    assert closed == (1008, retell.NO_TOKEN)
    with pytest.raises(SessionNotFound):
        await retell_at.sessions.state(await retell_at.sessions.session_id("claim", CALLER))


async def test_a_retell_call_that_is_there_is_not_taken_over_without_the_scope(
    retell_at: Gateway, given: Credentials
) -> None:
    caller = "+14155550122"
    async with connect(retell_at.url) as socket:
        await socket.send(json.dumps(details("metadata", given.token(), caller)))
        while json.loads(await socket.recv())["response_type"] != "response":
            pass
        reads = details("metadata", given.token(scope="read"), caller)
        assert await closed_by([reads], retell_at.url) == (1008, retell.NO_TOKEN)


async def test_a_retell_call_that_sends_no_details_is_let_go(
    retell_at: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retell, "DETAILS_SECONDS", 0.2)
    ping = {"interaction_type": "ping_pong", "timestamp": 1}
    assert await closed_by([ping], retell_at.url) == (1008, "no call_details came")


async def test_of_a_retell_call_an_end_users_token_says_whose_it_is(
    retell_at: Gateway, given: Credentials
) -> None:
    token = given.token(sub=SOMEBODY_ELSE)
    async with connect(retell_at.url) as socket:
        await socket.send(json.dumps(details("metadata", token)))
        while json.loads(await socket.recv())["response_type"] != "response":
            pass
    theirs = await retell_at.sessions.session_id("claim", SOMEBODY_ELSE)
    assert (await retell_at.sessions.state(theirs)).legs[0].transport_id == "call-1"


@asynccontextmanager
async def retell_on(
    sessions: MemorySessions, access: Access, limits: TenantLimits
) -> AsyncIterator[Retell]:
    """A Retell call that was greeted, at a gateway of its own."""
    app = FastAPI()
    app.state.gate = Gate(access, OneTenant(sessions), Site(), DEFAULT_TENANT, limits=limits)
    app.include_router(retell.router(app.state.gate))
    async with served(app) as url, connect(f"ws{url[4:]}/retell/claim/call-1") as socket:
        call = Retell(socket)
        await call.send(**details("metadata", "tk"))
        await call.response()
        yield call


class Ending:
    """A token that is good for so many seconds more."""

    def __init__(self, seconds: float) -> None:
        self._principal = replace(TALKS, expires_at=time.time() + seconds)

    async def principal(self, token: str | None) -> Principal:
        return self._principal


async def test_a_retell_call_ends_with_its_token(memory: MemorySessions) -> None:
    async with retell_on(memory, Ending(2.0), TenantLimits()) as call:
        assert (await call.says("4321"))["content"] == "Was anything stolen?"
        assert await Caller(call.socket).until_closed() == (1008, retell.NO_TOKEN)
    state = await memory.state(await memory.session_id("claim", CALLER))
    assert state.form_answers == {"policy": "4321"}


async def test_a_retell_call_ends_when_its_key_is_revoked_and_not_while_that_cannot_be_known(
    memory: MemorySessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lasting, "CHECKED_SECONDS", 0.05)
    access = Revocable()
    async with retell_on(memory, access, TenantLimits()) as call:
        access.is_reachable = access.is_live = False
        await asyncio.sleep(0.2)  # Several looks.
        assert (await call.says("4321"))["content"] == "Was anything stolen?"
        access.is_reachable = True
        assert await Caller(call.socket).until_closed() == (1008, retell.NO_TOKEN)


async def test_a_retell_call_is_one_of_its_tenants_streams_while_it_lasts(
    memory: MemorySessions,
) -> None:
    limits = TenantLimits(max_streams=1)
    async with retell_on(memory, Revocable(), limits) as call:
        url = f"ws://{call.socket.request.headers['host']}/retell/claim/call-2"  # type: ignore[union-attr]  # it was sent
        code, reason = await closed_by([details("metadata", "tk")], url)
        assert (code, "too many" in reason) == (1008, True)
        assert (await call.says("4321"))["content"] == "Was anything stolen?"
    async with asyncio.timeout(10):
        while limits._streams.total():
            await asyncio.sleep(0.01)


class Busy(TenantLimits):
    """A tenant's, who is over them while `is_over`."""

    is_over = False

    async def request(self, principal: Principal) -> None:
        if self.is_over:
            raise TooManyRequests("over the limit (a test said so)")
        await super().request(principal)


async def test_a_retell_call_of_a_tenant_over_its_limit_is_answered_later_and_loses_nothing(
    memory: MemorySessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retell, "AGAIN_SECONDS", 0.01)
    limits = Busy()
    async with retell_on(memory, Revocable(), limits) as call:
        limits.is_over = True
        call.transcript.append({"role": "user", "content": "4321"})
        await call.require()
        assert await call.is_told_nothing()
        limits.is_over = False
        assert (await call.response())["content"] == "Was anything stolen?"
        limits.is_over = True
        call.transcript.append({"role": "user", "content": "no"})
        await call.require()
        assert await call.is_told_nothing()
    async with asyncio.timeout(10):  # What was heard last is kept though the line is lost.
        while (await memory.state(await memory.session_id("claim", CALLER))).turns < 2:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("form", ["Ann%20Miller", "%2B14155550100", "claim" * 100])
async def test_what_is_no_forms_id_in_retells_address_is_refused_and_in_no_log(
    retell_at: Gateway, form: str
) -> None:
    with capture_logs() as lines, pytest.raises(InvalidStatus) as refused:
        await connect(retell_at.url.replace("claim", form))
    assert refused.value.response.status_code == 403
    assert lines == []


async def test_a_retell_call_that_is_refused_is_told_of_once(retell_at: Gateway) -> None:
    with capture_logs() as lines:
        await closed_by([details("metadata", "let-me-in")], retell_at.url)
    assert [line["event"] for line in lines] == ["a token was refused"]
