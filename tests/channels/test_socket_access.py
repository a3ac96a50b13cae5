"""Who is let in on a socket: every first message against every way of not being let in. Whoever is
refused has opened nothing."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from fastapi import FastAPI
from structlog.testing import capture_logs
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.channels.credentials import BAD, CALLER, SOMEBODY_ELSE, Credentials
from tests.channels.streaming import Caller, Gateway, HeldBackend, gateway, problem, said
from tests.channels.test_retell import CLAIM, Retell
from turnkeeper.contract import DEFAULT_TENANT
from turnkeeper.errors import (
    SessionNotFound,
    StoreUnavailable,
    TooManyRequests,
    Unauthenticated,
)
from turnkeeper.gateway import retell
from turnkeeper.gateway.access import lasting
from turnkeeper.gateway.access.gate import Access, Gate, OneTenant
from turnkeeper.gateway.access.limits import Limits as TenantLimits
from turnkeeper.gateway.access.principal import Principal
from turnkeeper.gateway.access.tickets import Purpose, Tickets
from turnkeeper.gateway.app import create_app
from turnkeeper.gateway.doorway import Site
from turnkeeper.gateway.serve import listen, serve, url_of
from turnkeeper.gateway.stream.entrance import SUBPROTOCOL
from turnkeeper.gateway.stream.line import Limits
from turnkeeper.gateway.stream.pace import Pace
from turnkeeper.relay_caller import served
from turnkeeper.testing import MemorySessions

TALKS = Principal(DEFAULT_TENANT, frozenset({"talk"}), key_id="tests")
NOT_LET_IN = (4401, "not authenticated")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    return Credentials.made(tmp_path_factory.mktemp("credentials"))


@pytest.fixture
def tickets(given: Credentials) -> Tickets:
    return Tickets.of(given.settings)


@pytest_asyncio.fixture(loop_scope="session")
async def here(given: Credentials, tickets: Tickets) -> AsyncIterator[Gateway]:
    async with gateway(HeldBackend(), access=given.access, tickets=tickets) as one:
        yield one


@pytest_asyncio.fixture(loop_scope="session")
async def memory() -> AsyncIterator[MemorySessions]:
    async with MemorySessions([CLAIM]) as sessions:
        yield sessions


async def is_empty(gateway: Gateway) -> bool:
    """Whether nothing was opened."""
    return [session async for session in gateway.sessions.list()] == []


# --- /v1/stream -----------------------------------------------------------------------------------


async def refused(line: Caller) -> None:
    """The client is told that it is not let in, or may not talk, and nothing else."""
    error = await line.hears()
    assert problem(error) in ("unauthenticated", "forbidden")
    if problem(error) == "unauthenticated":
        assert await line.closed() == NOT_LET_IN


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("place", ["first message", "subprotocol"])
async def test_a_stream_is_opened_for_no_token_that_is_not_good(
    here: Gateway, given: Credentials, place: str, bad: str
) -> None:
    token = await BAD[bad](given)
    if place == "subprotocol":
        line = await Caller.at(here, SUBPROTOCOL, f"bearer.{token}")
    else:
        line = await Caller.at(here)
        await line.sends(type="hello", token=token)
    if bad == "without the scope":
        assert (await line.hears())["type"] == "welcome"
        await line.sends(type="open", form="claim", caller=CALLER)
    await refused(line)
    assert await is_empty(here)


@pytest.mark.parametrize("first", ["open", "resume", "turn", "state", "cancel", "hand_off"])
async def test_nothing_goes_before_hello(here: Gateway, first: str) -> None:
    theirs = await here.sessions.open("claim", SOMEBODY_ELSE)
    names = {"session_id": theirs.id, "leg": theirs.leg, "epoch": theirs.epoch}
    line = await Caller.at(here)
    await line.sends(
        type=first, form="claim", caller=CALLER, utterance_id="u1", text="4321", **names
    )
    await refused(line)
    assert [one.session_id async for one in here.sessions.list()] == [theirs.id]
    assert (await theirs.state()).turns == 0


async def test_a_client_that_says_no_hello_is_let_go_though_it_pings(given: Credentials) -> None:
    async with gateway(HeldBackend(), Limits(hello_seconds=0.3), access=given.access) as here:
        line = await Caller.at(here)
        closing = asyncio.ensure_future(line.until_closed())
        while not closing.done():
            with contextlib.suppress(ConnectionClosed):
                await line.sends(type="ping")
            await asyncio.sleep(0.1)
        assert closing.result() == NOT_LET_IN


async def test_a_token_as_a_subprotocol_is_a_hello_and_is_not_said_back(
    here: Gateway, given: Credentials
) -> None:
    line = await Caller.at(here, SUBPROTOCOL, f"bearer.{await given.api_key(seconds=60)}")
    assert line.socket.subprotocol == SUBPROTOCOL
    welcome = await line.hears()
    assert welcome["scopes"] == ["talk"]
    assert isinstance(welcome["expires_in"], int)
    assert 50 <= welcome["expires_in"] <= 60
    opened = await line.asks(type="open", form="claim", caller=CALLER)
    assert said(opened) == "Hello. Policy number?"


@pytest.mark.parametrize("name", ["token", "Token", "ticket", "access_token", "api_key"])
async def test_a_token_in_the_address_is_refused_with_where_it_goes(
    here: Gateway, given: Credentials, name: str
) -> None:
    line = await Caller.at(here, query=f"?{name}={given.token()}")
    error = await line.hears()
    assert isinstance(error["problem"], dict)
    assert '{"type": "hello", "token": ...}' in error["problem"]["detail"]
    assert (await line.closed())[0] == 4400
    assert await is_empty(here)


async def test_a_token_that_ends_ends_its_socket_and_another_resumes(
    here: Gateway, given: Credentials
) -> None:
    line = await Caller.at(here)
    short = given.token(exp=int(time.time()) - 28)  # Two seconds more, with the leeway.
    await line.asks(type="hello", token=short)
    line.opened = await line.asks(type="open", form="claim", caller=CALLER)
    await line.turn("4321", "u1")
    assert await line.closed() == NOT_LET_IN
    back = await Caller.at(here)
    await back.asks(type="hello", token=given.token())
    assert said(await back.asks(type="resume", **line.names)) == "Was anything stolen?"


class Revocable:
    """A key that is taken back, and a database that is away."""

    def __init__(self) -> None:
        self.is_live, self.is_reachable = True, True

    async def principal(self, token: str | None) -> Principal:
        if not self.is_reachable:
            raise StoreUnavailable("the key store cannot be reached (a test said so)")
        if not self.is_live or token is None:
            raise Unauthenticated("the key was revoked")
        return TALKS


async def test_a_revoked_key_ends_its_sockets_and_a_store_that_is_away_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lasting, "CHECKED_SECONDS", 0.05)
    access = Revocable()
    async with gateway(HeldBackend(), access=access) as here:
        line = await Caller.on(here)
        access.is_reachable = access.is_live = False
        await asyncio.sleep(0.2)  # Several looks.
        assert (await line.turn("4321", "u1"))["type"] == "reply"
        access.is_reachable = True
        assert await line.closed() == NOT_LET_IN


async def test_a_hello_that_the_store_cannot_answer_is_said_again_on_the_same_socket() -> None:
    access = Revocable()
    access.is_reachable = False
    async with gateway(HeldBackend(), access=access) as here:
        line = await Caller.at(here)
        await line.sends(type="hello", token="tk")
        await line.sends(type="open", form="claim", caller=CALLER)
        errors = [await line.hears(), await line.hears()]
        assert [error["in_reply_to"] for error in errors] == ["hello", "open"]
        assert all(error["retryable"] for error in errors)
        access.is_reachable = True
        assert (await line.asks(type="hello", token="tk"))["type"] == "welcome"
        assert (await line.asks(type="open", form="claim", caller=CALLER))["type"] == "opened"


@pytest.mark.parametrize(("kind", "scope"), [("cancel", "operate"), ("state", "read")])
async def test_a_token_that_talks_alone_does_nothing_else(
    here: Gateway, given: Credentials, kind: str, scope: str
) -> None:
    line = await Caller.at(here)
    await line.asks(type="hello", token=given.token())
    await line.asks(type="open", form="claim", caller=CALLER)
    assert problem(await line.asks(type=kind)) == "forbidden"
    assert said(await line.turn("4321", "u1")) == "Was anything stolen?"
    more = await Caller.at(here)
    await more.asks(type="hello", token=given.token(scope=f"talk {scope}"))
    await more.asks(type="open", form="claim", caller=CALLER)
    assert (await more.asks(type=kind))["type"] != "error"


async def test_an_end_users_token_opens_its_own_form_and_nobody_elses(
    here: Gateway, given: Credentials
) -> None:
    theirs = await here.sessions.open("claim", SOMEBODY_ELSE)
    own = {"type": "hello", "token": given.token(sub=CALLER)}
    line = await Caller.at(here)
    await line.asks(**own)
    other = await line.asks(type="open", form="claim", caller=SOMEBODY_ELSE)
    assert problem(other) == "forbidden"
    opened = await line.asks(type="open", form="claim")
    assert opened["session_id"] == await here.sessions.session_id("claim", CALLER)
    unknown = await here.sessions.session_id("claim", "nobody")
    told = []
    for session_id in (theirs.id, unknown):
        back = await Caller.at(here)
        await back.asks(**own)
        names = {"session_id": session_id, "leg": theirs.leg, "epoch": theirs.epoch}
        told.append((await back.asks(type="resume", **names), await back.closed()))
    assert told[0] == told[1]
    assert (await theirs.state()).leg == 1


async def test_hello_is_said_once(here: Gateway, given: Credentials) -> None:
    line = await Caller.at(here)
    await line.asks(type="hello", token=given.token())
    again = await line.asks(type="hello", token=given.token(scope="talk operate"))
    assert problem(again) == "invalid-input"
    await line.asks(type="open", form="claim", caller=CALLER)
    assert problem(await line.asks(type="cancel")) == "forbidden"


async def test_no_log_line_holds_a_token(here: Gateway, given: Credentials) -> None:
    with capture_logs() as lines:
        for bad in BAD:
            token = await BAD[bad](given)
            line = await Caller.at(here)
            await line.asks(type="hello", token=token)
            assert token not in str(lines)
    assert len([line for line in lines if line["event"] == "a token was refused"]) >= len(BAD) - 2


# --- tickets --------------------------------------------------------------------------------------


async def test_a_ticket_opens_one_socket_for_whom_it_was_made(
    here: Gateway, given: Credentials, tickets: Tickets
) -> None:
    caller = Principal(DEFAULT_TENANT, frozenset({"talk"}), caller=CALLER)
    ticket = (await Tickets.of(given.settings).issue(caller, "stream")).ticket
    line = await Caller.at(here)
    assert (await line.asks(type="hello", token=ticket))["type"] == "welcome"
    opened = await line.asks(type="open", form="claim")
    assert opened["session_id"] == await here.sessions.session_id("claim", CALLER)
    second = await Caller.at(here)
    await second.sends(type="hello", token=ticket)
    await refused(second)


async def test_a_socket_that_came_with_a_ticket_ends_with_the_token_behind_it(
    here: Gateway, tickets: Tickets
) -> None:
    soon = Principal(DEFAULT_TENANT, frozenset({"talk"}), expires_at=time.time() + 1)
    line = await Caller.at(here)
    await line.asks(type="hello", token=(await tickets.issue(soon, "stream")).ticket)
    await line.asks(type="open", form="claim", caller=CALLER)
    assert await line.closed() == NOT_LET_IN


@pytest.mark.parametrize("purpose", ["events", "relay"])
async def test_a_ticket_of_another_purpose_opens_nothing_and_is_used_up(
    here: Gateway, tickets: Tickets, purpose: Purpose
) -> None:
    ticket = (await tickets.issue(TALKS, purpose)).ticket
    line = await Caller.at(here)
    await line.sends(type="hello", token=ticket)
    await refused(line)
    with pytest.raises(Unauthenticated):
        await tickets.redeem(ticket, purpose)
    assert await is_empty(here)


# --- pace -----------------------------------------------------------------------------------------


async def test_a_client_that_sends_too_fast_is_told_and_read_slowly_and_loses_nothing(
    given: Credentials,
) -> None:
    slow = Limits(rate=20, burst=10, over_rate=100)
    async with gateway(HeldBackend(), slow, access=given.access) as here:
        line = await Caller.at(here)
        await line.asks(type="hello", token=given.token(scope="talk read"))
        await line.asks(type="open", form="claim", caller=CALLER)
        for number in range(20):
            await line.sends(type="ping", id=f"{number}")
        heard = [await line.hears() for _ in range(21)]
        assert [one["id"] for one in heard if one["type"] == "pong"] == [f"{n}" for n in range(20)]
        (told,) = (one for one in heard if one["type"] == "error")
        assert (problem(told), told["in_reply_to"]) == ("too-many-requests", None)
        assert said(await line.turn("4321", "u1")) == "Was anything stolen?"


async def test_a_client_that_goes_on_sending_too_fast_is_let_go(given: Credentials) -> None:
    slow = Limits(rate=20, burst=5, over_rate=10)
    async with gateway(HeldBackend(), slow, access=given.access) as here:
        line = await Caller.at(here)
        await line.asks(type="hello", token=given.token())
        for _ in range(40):
            await line.sends(type="ping")
        assert await line.until_closed() == (1008, "too many messages")


def test_a_burst_is_read_at_once_and_what_follows_at_the_rate() -> None:
    pace = Pace(rate=10, burst=3, patience=2)
    assert [round(pace.came(100.0), 6) for _ in range(5)] == [0, 0, 0, 0.1, 0.2]
    assert (pace.over, pace.is_too_much) == (2, False)
    assert pace.came(100.0) == pytest.approx(0.3)
    assert (pace.over, pace.is_too_much) == (3, True)
    assert pace.came(110.0) == 0
    assert (pace.over, pace.is_too_much) == (0, False)


# --- Retell ---------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("bad", ["none", *BAD])
@pytest.mark.parametrize("place", ["metadata", "retell_llm_dynamic_variables"])
async def test_a_retell_call_is_opened_for_no_token_that_is_not_good(
    retell_at: Gateway, given: Credentials, place: str, bad: str
) -> None:
    token = None if bad == "none" else await BAD[bad](given)
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


# --- tickets themselves ---------------------------------------------------------------------------


async def test_of_many_gateways_one_redeems_a_ticket(given: Credentials) -> None:
    gateways = [Tickets.of(given.settings) for _ in range(4)]
    ticket = (await gateways[0].issue(TALKS, "stream")).ticket
    tried = (one.redeem(ticket, "stream") for one in gateways * 3)
    came = await asyncio.gather(*tried, return_exceptions=True)
    assert [one for one in came if not isinstance(one, Unauthenticated)] == [TALKS]


async def test_a_ticket_is_good_for_half_a_minute_by_the_databases_clock(
    given: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    from turnkeeper.gateway.access import tickets as module

    assert module.LIFE_SECONDS == 30
    monkeypatch.setattr(module, "LIFE_SECONDS", -1)
    held = Tickets.of(given.settings)
    late = await held.issue(TALKS, "stream")
    with pytest.raises(Unauthenticated, match="expired"):
        await held.redeem(late.ticket, "stream")


async def test_a_ticket_ends_with_the_token_that_it_was_made_with() -> None:
    ended = Principal(DEFAULT_TENANT, frozenset({"talk"}), expires_at=time.time() - 1)
    held = Tickets()
    with pytest.raises(Unauthenticated, match="has expired"):
        await held.redeem((await held.issue(ended, "stream")).ticket, "stream")


async def test_the_database_holds_neither_a_ticket_nor_whose_it_is(
    tmp_path: Path,
) -> None:
    given = Credentials.made(tmp_path)
    caller = Principal(DEFAULT_TENANT, frozenset({"talk"}), caller=CALLER, key_id="wanted")
    ticket = (await Tickets.of(given.settings).issue(caller, "stream")).ticket
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("keys.db*"))
    assert b"tickets" in kept
    for secret in (ticket, ticket.removeprefix("tt_"), CALLER, CALLER[1:], "wanted"):
        assert secret.encode() not in kept
