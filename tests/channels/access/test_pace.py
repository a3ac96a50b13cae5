"""How fast a socket may send, and what becomes of one that sends faster."""

import pytest

from tests.channels.credentials import CALLER, Credentials
from tests.channels.streaming import Caller, HeldBackend, gateway, problem, said
from turnkeeper.gateway.stream.line import Limits
from turnkeeper.gateway.stream.pace import Pace


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
