"""Limits, a store out of reach, defects: the caller hears a word, and no answer is lost."""

import asyncio

import pytest
from fastapi import FastAPI
from websockets.exceptions import ConnectionClosed, ConnectionClosedError

from tests.channels.claim import CALLER, state_of
from tests.channels.twilio.calls import settled
from turnkeeper.contract import Reply, Turn
from turnkeeper.errors import KeyUnknown, StoreUnavailable, TooManyRequests, TurnFailed
from turnkeeper.gateway.access.gate import Gate
from turnkeeper.gateway.access.limits import Limits
from turnkeeper.gateway.access.principal import Principal
from turnkeeper.gateway.twilio import sentences
from turnkeeper.relay_caller import RelayCaller, calling
from turnkeeper.testing import MemorySessions

# --- limits ---------------------------------------------------------------------------------------


async def test_a_call_is_one_of_its_tenants_streams_while_it_lasts(
    app: FastAPI, sessions: MemorySessions
) -> None:
    """One more is a session that failed, which is connected again after a pause."""
    gate: Gate = app.state.gate
    gate.limits = Limits(max_streams=1)
    async with calling(app, "claim") as call:
        await call.ring()
        async with calling(app, "claim", caller="+14155550111") as second:
            with pytest.raises(ConnectionClosed) as closed:
                await second.ring()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1011
            assert [session.session_id async for session in sessions.list()] == [
                await sessions.session_id("claim", CALLER)
            ]
            await call.hang_up()
            await settled(lambda: not gate.limits._streams.total())
            assert await second.carry_on() == "Hello. Policy number?"


@pytest.mark.usefixtures("quick")
async def test_a_turn_over_the_limit_is_waited_for_and_answered(
    app: FastAPI, sessions: MemorySessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_over = False

    async def request(principal: Principal) -> None:
        if is_over:
            raise TooManyRequests("over the limit (a test said so)")

    monkeypatch.setattr(app.state.gate.limits, "request", request)
    async with calling(app, "claim") as call:
        await call.ring()
        is_over = True
        await call.utter("4321")
        assert await call.receive() == sentences.ONE_MOMENT
        is_over = False
        assert await call.listen() == "Was anything stolen?"
    assert (await state_of(sessions)).turns == 1


# --- the store cannot be reached ------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
async def test_while_the_store_is_away_the_caller_is_asked_to_wait_and_then_answered(
    app: FastAPI, sessions: MemorySessions
) -> None:
    async with calling(app, "claim") as call:
        await call.ring()
        with sessions.unreachable():
            await call.utter("4321")
            assert await call.receive() == sentences.ONE_MOMENT
        assert await call.listen() == "Was anything stolen?"
    assert (await state_of(sessions)).turns == 1


@pytest.mark.usefixtures("quick")
async def test_when_the_store_stays_away_the_question_is_kept_and_asked_again(
    app: FastAPI, sessions: MemorySessions
) -> None:
    async with calling(app, "claim") as call:
        await call.ring()
        with sessions.unreachable():
            sorry = await call.say("4321")
        assert sorry == f"{sentences.SAY_AGAIN} Hello. Policy number?"
        assert await call.say("4321") == "Was anything stolen?"
    assert (await state_of(sessions)).turns == 1


@pytest.mark.usefixtures("quick")
async def test_a_turn_of_which_nothing_is_known_is_replaced_by_its_repetition(
    app: FastAPI, sessions: MemorySessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store had it, and only its reply was lost: the caller says it again, in other words."""
    turn = sessions._memory.turn
    lost = True

    async def loses_replies(session_id: str, sent: object) -> Reply:
        reply = await turn(session_id, sent)  # type: ignore[arg-type]  # passed on as it is
        if lost:
            raise StoreUnavailable("the reply was lost")
        return reply

    monkeypatch.setattr(sessions._memory, "turn", loses_replies)
    async with calling(app, "claim") as call:
        await call.ring()
        assert (await call.say("4321")).startswith(sentences.SAY_AGAIN)
        lost = False
        assert await call.say("it is 4322") == "Was anything stolen?"
    state = await state_of(sessions)
    assert (state.turns, state.form_answers) == (1, {"policy": "4322"})


@pytest.mark.usefixtures("quick")
async def test_a_caller_who_then_says_nothing_is_not_noted_as_silent(
    app: FastAPI, sessions: MemorySessions
) -> None:
    """What they said before is sent once more instead."""
    async with calling(app, "claim", timeout="1") as call:
        await call.ring()
        with sessions.unreachable():
            await call.say("4321")
        assert await call.listen() == "Was anything stolen?"
    assert (await state_of(sessions)).form_answers == {"policy": "4321"}


@pytest.mark.usefixtures("quick")
async def test_a_call_that_cannot_be_opened_is_tried_again_and_is_no_new_caller(
    app: FastAPI, sessions: MemorySessions
) -> None:
    async with calling(app, "claim") as first:
        await first.ring()
        await first.say("4321")
    async with calling(app, "claim") as call:
        with sessions.unreachable():
            await rings_in_vain(call)
        pause, connect = await call.finish()
        assert (pause.tag, connect.tag) == ("Pause", "Connect")
        assert call.heard == [sentences.ONE_MOMENT]
        assert (await call.carry_on()).endswith("Was anything stolen?")


async def rings_in_vain(call: RelayCaller) -> None:
    """Until the relay gives the call back to its platform."""
    ringing = asyncio.ensure_future(call.ring())
    await settled(lambda: call.handoff is not None)
    ringing.cancel()
    await asyncio.wait([ringing])


# --- what cannot be mended by waiting -------------------------------------------------------------


async def test_a_turn_that_cannot_be_interpreted_is_apologised_for_and_asked_again(
    app: FastAPI, sessions: MemorySessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(session_id: str, sent: object) -> Reply:
        raise TurnFailed("no luck")

    async with calling(app, "claim") as call:
        await call.ring()
        with monkeypatch.context() as broken:
            broken.setattr(sessions._memory, "turn", fails)
            assert await call.say("4321") == f"{sentences.SORRY} Hello. Policy number?"
        assert await call.say("4321") == "Was anything stolen?"


async def test_a_call_that_cannot_be_opened_for_another_reason_is_connected_again_too(
    app: FastAPI, sessions: MemorySessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> Reply:
        raise KeyUnknown("the key is not here yet")

    async with calling(app, "claim") as call:
        with monkeypatch.context() as broken:
            broken.setattr(sessions._memory, "connect", fails)
            await rings_in_vain(call)
        pause, connect = await call.finish()
        assert call.handoff == {"reason": "unavailable"}
        assert (pause.tag, connect.tag) == ("Pause", "Connect")
        assert await call.carry_on() == "Hello. Policy number?"


async def test_a_defect_closes_the_socket_as_failed_and_no_log_line_says_what_was_said(
    app: FastAPI,
    sessions: MemorySessions,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Not even a server's own, which shows what an exception that reaches it says."""

    async def fails(session_id: str, sent: Turn) -> Reply:
        raise ValueError(f"cannot digest {sent.text}")

    async with calling(app, "claim") as call:
        await call.ring()
        with monkeypatch.context() as broken:
            broken.setattr(sessions._memory, "turn", fails)
            with pytest.raises(ConnectionClosedError) as closed:
                await call.say("4321")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1011
        assert (await call.carry_on()).endswith("Policy number?")
    assert "ValueError" in caplog.text
    assert "4321" not in caplog.text
