"""What a gateway bounds on a socket: unread turns, silence, slow readers, sizes, its own end."""

import asyncio
import socket
from urllib.parse import urlsplit

from websockets.asyncio.client import connect

from tests.channels.streaming import Caller, Gateway, HeldBackend, gateway, leg_of, problem, said
from turnkeeper.gateway.stream.line import Limits


async def test_no_more_is_read_than_the_window_while_turns_are_unanswered() -> None:
    async with gateway(HeldBackend(), Limits(window=2)) as here:
        line, other = await Caller.on(here), await Caller.of(here)
        here.backend.going.clear()
        await line.says("4321", "u1")
        assert (await line.asks(type="ping", id="read"))["id"] == "read"
        await line.says("no", "u2")
        await line.sends(type="ping", id="waits")
        await other.asks(type="ping")  # By now a gateway that reads on has answered the other.
        here.backend.going.set()
        assert (await line.hears())["utterance_id"] == "u1"
        rest = [await line.hears(), await line.hears()]
        assert {str(one["type"]) for one in rest} == {"reply", "pong"}


async def test_a_client_that_is_silent_is_closed_and_one_that_pings_is_not() -> None:
    async with gateway(HeldBackend(), Limits(idle_seconds=0.3, rate=10_000)) as here:
        line, other = await Caller.on(here), await Caller.on(here, "+14155550111")
        closing = asyncio.ensure_future(line.closed())
        while not closing.done():
            assert (await other.asks(type="ping"))["type"] == "pong"
        assert closing.result() == (4408, "idle")
        assert (await other.turn("4321", "u1"))["type"] == "reply"
        assert await leg_of(here) == "idle"


async def test_a_client_that_does_not_read_is_let_go_and_harms_nobody() -> None:
    async with gateway(HeldBackend(), Limits(slow_seconds=0.3, burst=1000)) as here:
        url = f"{here.url}/v1/stream"
        slow = Caller(await connect(url, sock=tiny(here), compression=None, max_queue=1))
        await slow.asks(type="hello", token=here.token)
        slow.opened = await slow.asks(type="open", form="claim", caller="+14155550100")
        for _ in range(500):  # 400 KB of answers
            await slow.sends(type="state")
        line = await Caller.on(here, "+14155550111")
        assert (await line.turn("4321", "u1"))["type"] == "reply"
        assert await leg_of(here) == "drop"
        slow.socket.transport.abort()


def tiny(gateway: Gateway) -> socket.socket:
    """A connection that takes next to nothing until it is read."""
    url = urlsplit(gateway.url)
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect((url.hostname, url.port))
    return made


async def test_a_frame_over_the_limit_closes_with_1009_and_the_leg_goes_on(here: Gateway) -> None:
    line = await Caller.on(here)
    await line.turn("4321", "u1")
    await line.says("x" * 300_000, "u2")
    assert (await line.closed())[0] == 1009
    back = await Caller.of(here)
    assert said(await back.asks(type="resume", **line.names)) == "Was anything stolen?"


async def test_a_turn_over_the_limit_is_refused_and_the_socket_goes_on(here: Gateway) -> None:
    line = await Caller.on(here)
    refused = await line.turn("x" * 70_000, "u1")
    assert (problem(refused), refused["utterance_id"]) == ("turn-too-large", "u1")
    assert (await line.turn("4321", "u2"))["type"] == "reply"


async def test_when_the_gateway_stops_sockets_hear_1012_and_legs_are_dropped() -> None:
    backend = HeldBackend()
    async with gateway(backend) as here:
        line = await Caller.on(here)
    assert (await line.closed())[0] == 1012
    async with gateway(backend) as other:
        assert await leg_of(other) == "drop"
        back = await Caller.of(other)
        assert (await back.asks(type="resume", **line.names))["resumed"] is True
