"""Which leg a socket speaks for: lost sockets are resumed, and a newer leg takes over."""

import asyncio

import pytest

from tests.channels.stand import Stand
from tests.channels.streaming import (
    NOBODY,
    Caller,
    Gateway,
    HeldBackend,
    gateway,
    leg_of,
    problem,
    said,
    state_of,
)
from turnkeeper.client import VoiceSessions
from turnkeeper.settings import read_settings

NEVER = 3600.0
"""Between two readings of a session."""


# --- lost sockets ---------------------------------------------------------------------------------


async def test_a_lost_socket_is_a_dropped_leg_that_any_gateway_goes_on_with(here: Gateway) -> None:
    line = await Caller.on(here)
    asked = await line.turn("4321", "u1")
    await line.drop()
    assert await leg_of(here) == "drop"
    async with gateway(here.backend) as other:
        back = await Caller.of(other)
        resumed = await back.asks(type="resume", **line.names)
        assert (resumed["leg"], resumed["resumed"]) == (1, True)
        assert resumed["reply"] == asked["reply"]
        assert said(await back.turn("no", "u2")) == "What is your name?"
    state = await state_of(here)
    assert (len(state.legs), state.form_answers) == (1, {"policy": "4321", "theft": False})


async def test_a_leg_without_a_turn_is_resumed_with_its_greeting(here: Gateway) -> None:
    line = await Caller.on(here)
    await line.drop()
    back = await Caller.of(here)
    resumed = await back.asks(type="resume", **line.names)
    assert said(resumed) == "Hello. Policy number?"
    assert (await back.turn("4321", "u1"))["utterance_id"] == "u1"


async def test_a_turn_that_was_read_before_the_line_broke_is_stored(here: Gateway) -> None:
    line = await Caller.on(here)
    here.backend.going.clear()
    for utterance, words in (("u1", "4321"), ("u2", "no")):
        await line.says(words, utterance)
    await line.asks(type="ping")
    other = await Caller.of(here)
    await line.drop()
    for _ in range(3):  # By now the gateway has seen that the line is lost.
        await other.asks(type="ping")
    here.backend.going.set()
    assert await leg_of(here) == "drop"
    assert (await state_of(here)).form_answers == {"policy": "4321", "theft": False}


async def test_a_session_that_is_not_there_is_not_resumed(here: Gateway) -> None:
    line = await Caller.of(here)
    refused = await line.asks(type="resume", session_id=NOBODY, leg=1, epoch="e")
    assert problem(refused) == "session-not-found"
    assert (await line.closed())[0] == 4404


async def test_a_leg_of_the_callers_last_session_is_not_resumed_in_the_next(here: Gateway) -> None:
    line = await Caller.on(here)
    await line.asks(type="cancel")
    await line.drop()
    again = await Caller.on(here)
    assert again.opened["leg"] == line.opened["leg"]
    await again.turn("4321", "u1")
    back = await Caller.of(here)
    assert problem(await back.asks(type="resume", **line.names)) == "superseded-leg"
    assert (await back.closed())[0] == 4409


async def test_a_leg_outlives_the_gateway_that_it_was_opened_on(channels: Stand) -> None:
    token = channels.gateway.token
    here = Gateway(channels.gateway.ws_url, HeldBackend(), channels.sessions, token)
    other = Gateway(channels.other.ws_url, HeldBackend(), channels.sessions, token)
    caller = "+14155550188"
    line = await Caller.on(here, caller)
    asked = await line.turn("4321", "u1")
    await channels.gateway.kill()
    back = await Caller.of(other)
    resumed = await back.asks(type="resume", **line.names)
    assert resumed["reply"] == asked["reply"]
    assert await back.turn("4321", "u1") == asked
    assert said(await back.turn("no", "u2")) == "What is your name?"
    state = await state_of(other, caller)
    assert (state.leg, state.form_answers) == (1, {"policy": "4321", "theft": False})
    await channels.gateway.start()


# --- another leg ----------------------------------------------------------------------------------


@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "on another gateway"])
async def test_an_older_leg_is_told_that_a_newer_one_took_over(
    here: Gateway, elsewhere: bool
) -> None:
    line = await Caller.on(here)
    async with gateway(here.backend) as other:
        await Caller.on(other if elsewhere else here)
        event = await line.hears()
        assert (event["type"], event["event"], event["leg"]) == ("event", "superseded", 2)
        assert await line.closed() == (4409, "a newer leg speaks for this caller")
    assert await leg_of(here) == "superseded"


async def test_an_older_leg_is_not_resumed(here: Gateway) -> None:
    line = await Caller.on(here)
    await line.drop()
    newer = await Caller.on(here)
    back = await Caller.of(here)
    assert problem(await back.asks(type="resume", **line.names)) == "superseded-leg"
    assert (await back.closed())[0] == 4409
    assert (await newer.turn("4321", "u1"))["type"] == "reply"


async def test_the_newest_leg_is_not_ended_by_what_its_gateway_had_read_before() -> None:
    """Leg 2 was opened elsewhere; what is watched here is still at leg 1."""
    async with gateway(HeldBackend(), every=NEVER) as slow:
        old = await Caller.on(slow)
        async with asyncio.timeout(10):
            await slow.backend.was_read.wait()
        newer = await slow.sessions.open("claim", "+14155550100")
        await newer.turn("4321")
        back = await Caller.of(slow)
        names = {"session_id": newer.id, "leg": newer.leg, "epoch": newer.epoch}
        assert (await back.asks(type="resume", **names))["type"] == "opened"
        assert (await old.hears())["event"] == "superseded"
        assert (await old.closed())[0] == 4409
        assert (await back.turn("no", "u2"))["type"] == "reply"


@pytest.mark.parametrize("kind", ["cancel", "hand_off"])
async def test_an_older_leg_ends_nothing_of_the_newer_one(kind: str) -> None:
    async with gateway(HeldBackend(), every=NEVER) as here:
        line = await Caller.on(here)
        newer = await here.sessions.open("claim", "+14155550100")
        assert problem(await line.asks(type=kind)) == "superseded-leg"
        assert (await line.closed())[0] == 4409
        assert (await newer.turn("4321")).status == "collecting"


@pytest.mark.parametrize("kind", ["cancel", "hand_off"])
async def test_a_leg_of_the_callers_last_session_ends_nothing_of_the_next(kind: str) -> None:
    async with gateway(HeldBackend(), every=NEVER) as here:
        line = await Caller.on(here)
        await here.sessions.cancel(str(line.opened["session_id"]))
        again = await here.sessions.open("claim", "+14155550100")
        assert again.leg == line.opened["leg"]
        assert problem(await line.asks(type=kind)) == "superseded-leg"
        assert (await again.turn("4321")).status == "collecting"


async def test_a_leg_of_the_callers_last_session_is_not_resumed_before_the_next_has_a_turn(
    here: Gateway,
) -> None:
    line = await Caller.on(here)
    await line.asks(type="cancel")
    await line.drop()
    again = await Caller.on(here)
    back = await Caller.of(here)
    assert problem(await back.asks(type="resume", **line.names)) == "superseded-leg"
    assert (await again.turn("4321", "u1"))["type"] == "reply"


async def test_another_tenants_session_is_not_resumed(here: Gateway) -> None:
    others = VoiceSessions(here.backend, read_settings(tenant="other"))
    theirs = await others.open("claim", "+14155550100")
    await theirs.turn("4321")
    line = await Caller.of(here)
    names = {"session_id": theirs.id, "leg": theirs.leg, "epoch": theirs.epoch}
    assert problem(await line.asks(type="resume", **names)) == "session-not-found"
    assert (await line.closed())[0] == 4404
    assert (await theirs.state()).status == "collecting"
