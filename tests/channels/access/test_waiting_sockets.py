"""Sockets that have not said yet whose they are: a few may wait, and the others are told to come
back."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.asyncio.client import connect

from tests.channels.http_calls import FORM, Forms
from tests.channels.streaming import MADE, Caller, Gateway, HeldBackend, gateway
from turnkeeper.errors import TooManyRequests
from turnkeeper.gateway.access import limits
from turnkeeper.gateway.access.limits import Limits
from turnkeeper.gateway.access.ways import Open
from turnkeeper.gateway.app import create_app
from turnkeeper.relay_caller import served
from turnkeeper.settings import read_settings
from turnkeeper.testing import MemorySessions

TOO_MANY_WAIT = (4429, "too many sockets wait for their hello")


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WAITING_PER_ADDRESS", 2)


@pytest_asyncio.fixture(loop_scope="session")
async def here() -> AsyncIterator[Gateway]:
    async with gateway(HeldBackend()) as one:
        yield one


async def test_of_many_streams_without_a_hello_a_few_wait_and_these_are_let_in(
    here: Gateway,
) -> None:
    first, second = [await Caller.at(here) for _ in range(2)]
    assert await (await Caller.at(here)).until_closed() == TOO_MANY_WAIT
    assert (await first.asks(type="hello", token=here.token))["type"] == "welcome"
    third = await Caller.at(here)
    assert (await third.asks(type="hello", token=here.token))["type"] == "welcome"
    await second.drop()
    for _ in range(5):  # Who is let in waits no more, and neither does who has gone.
        line = await Caller.of(here)
        assert (await line.asks(type="open", form="claim", caller="+14155550100"))["type"]


async def test_where_everyone_is_let_in_nobody_waits() -> None:
    async with gateway(HeldBackend(), access=Open()) as here:
        lines = [await Caller.at(here) for _ in range(5)]
        for line in lines:
            assert (await line.asks(type="ping"))["type"] == "pong"


async def test_a_retell_call_that_is_one_too_many_is_told_to_try_again() -> None:
    app = create_app(MemorySessions([FORM]), access=MADE, forms=Forms())
    async with served(app) as url, AsyncExitStack() as lines:
        calls = [
            await lines.enter_async_context(connect(f"ws{url[4:]}/retell/claim/call-{number}"))
            for number in range(3)
        ]
        closed = await Caller(calls[2]).until_closed()
        assert closed == (1013, "too many sockets wait for their first message")
        assert json.loads(await calls[0].recv())["response_type"] == "config"
        token = {"turnkeeper_token": MADE.token}
        call = {"direction": "inbound", "from_number": "+14155550100", "metadata": token}
        await calls[0].send(json.dumps({"interaction_type": "call_details", "call": call}))
        assert json.loads(await calls[0].recv())["content"] == "Hello. Policy number?"
        async with connect(f"ws{url[4:]}/retell/claim/call-4") as again:
            assert json.loads(await again.recv())["response_type"] == "config"


async def test_a_relays_socket_that_is_one_too_many_fails_so_that_it_is_opened_again() -> None:
    key = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    settings = read_settings(telnyx_public_key=base64.b64encode(key).decode())
    sessions = MemorySessions([FORM], settings=settings)
    app = create_app(sessions, access=MADE, forms=Forms(), public_url="https://voice.example.com")
    async with served(app) as url, AsyncExitStack() as lines:
        for _ in range(2):
            await lines.enter_async_context(connect(f"ws{url[4:]}/twilio/relay"))
        async with connect(f"ws{url[4:]}/twilio/relay") as third:
            assert (await Caller(third).until_closed())[0] == 1011


def test_an_address_has_its_number_and_all_together_have_theirs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "WAITING", 5)
    counts = Limits()
    with ExitStack() as held:
        for address in ("2001:db8::1", "2001:db8::2"):  # One network.
            held.enter_context(counts.waiting(address))
        with pytest.raises(TooManyRequests), counts.waiting("2001:db8::3"):
            pass
        for last in range(3):
            held.enter_context(counts.waiting(f"203.0.113.{last}"))
        with pytest.raises(TooManyRequests), counts.waiting("198.51.100.1"):
            pass
    assert not counts._waiting, "who has gone is not remembered"
