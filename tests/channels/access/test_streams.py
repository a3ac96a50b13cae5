"""Who is let in on a stream: every first message against every way of not being let in. Whoever is
refused has opened nothing."""

import asyncio
import contextlib
import time

import pytest
from structlog.testing import capture_logs
from websockets.exceptions import ConnectionClosed

from tests.channels.access.letting_in import NOT_LET_IN, Revocable, is_empty, refused
from tests.channels.credentials import CALLER, ON_A_SOCKET, SOMEBODY_ELSE, Credentials
from tests.channels.streaming import Caller, Gateway, HeldBackend, gateway, problem, said
from turnkeeper.gateway.access import lasting
from turnkeeper.gateway.stream.entrance import SUBPROTOCOL
from turnkeeper.gateway.stream.line import Limits


@pytest.mark.parametrize("bad", ON_A_SOCKET)
@pytest.mark.parametrize("place", ["first message", "subprotocol"])
async def test_a_stream_is_opened_for_no_token_that_is_not_good(
    here: Gateway, given: Credentials, place: str, bad: str
) -> None:
    token = await ON_A_SOCKET[bad](given)
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
        for bad in ON_A_SOCKET:
            token = await ON_A_SOCKET[bad](given)
            line = await Caller.at(here)
            await line.asks(type="hello", token=token)
            assert token not in str(lines)
    assert (
        len([line for line in lines if line["event"] == "a token was refused"])
        >= len(ON_A_SOCKET) - 2
    )
