"""The WebSocket's own promises; what it shares with every channel is in test_conformance.py."""

import asyncio
import json
import os
import re
import socket
import sys
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
import yaml
from websockets.asyncio.client import connect

from tests.channels.stand import ROOT, Stand
from tests.channels.streaming import ASYNCAPI, Caller, Gateway, HeldBackend, gateway, problem, said
from tests.docs.pages import blocks
from tests.ids import id_of
from turnkeeper.client import VoiceSessions
from turnkeeper.contract import MAX_TURN_BYTES, SessionState
from turnkeeper.forms.load import load_folder
from turnkeeper.gateway.serve import MAX_FRAME_BYTES
from turnkeeper.gateway.stream.asyncapi import ANSWERS, EXAMPLES, as_yaml, document
from turnkeeper.gateway.stream.closing import CLOSES, Code
from turnkeeper.gateway.stream.line import Limits
from turnkeeper.gateway.stream.messages import CLIENT, SERVER, BadMessage, read
from turnkeeper.settings import read_settings

PAGE = ROOT / "docs" / "channels" / "websocket.md"
EXAMPLE = ROOT / "examples" / "websocket_client.py"
NEVER = 3600.0
"""Between two readings of a session."""
NOBODY = id_of("claim", "nobody")


@pytest_asyncio.fixture(loop_scope="session")
async def here() -> AsyncIterator[Gateway]:
    async with gateway(HeldBackend()) as one:
        yield one


async def leg_of(gateway: Gateway, number: int = 1, caller: str = "+14155550100") -> str:
    """How the leg ended; it has, or this waits until it has."""
    async with asyncio.timeout(10):
        while (leg := (await state_of(gateway, caller)).legs[number - 1]).closed_at is None:
            await asyncio.sleep(0.01)
    return leg.reason


async def state_of(gateway: Gateway, caller: str = "+14155550100") -> SessionState:
    return await gateway.sessions.state(await gateway.sessions.session_id("claim", caller))


# --- a call ---------------------------------------------------------------------------------------


async def test_a_caller_who_comes_back_goes_on_with_a_new_leg(here: Gateway) -> None:
    line = await Caller.on(here)
    assert (line.opened["leg"], line.opened["restored"]) == (1, False)
    assert said(line.opened) == "Hello. Policy number?"
    await line.turn("4321", "u1")
    await line.drop()
    line = await Caller.on(here)
    assert (line.opened["leg"], line.opened["restored"]) == (2, True)
    assert said(line.opened).endswith("Was anything stolen?")


async def test_an_open_whose_answer_was_lost_is_sent_again_for_the_same_leg(here: Gateway) -> None:
    opening = {"type": "open", "form": "claim", "caller": "ada", "connect_id": "c1"}
    first = await (await Caller.of(here)).asks(**opening)
    assert await (await Caller.of(here)).asks(**opening) == first


async def test_turns_that_are_on_their_way_together_are_answered_in_order(here: Gateway) -> None:
    line = await Caller.on(here)
    for utterance, words in (("u1", "4321"), ("u2", "no"), ("u3", "Ada Lovelace")):
        await line.says(words, utterance)
    replies = [await line.hears() for _ in range(3)]
    assert [reply["utterance_id"] for reply in replies] == ["u1", "u2", "u3"]
    assert said(replies[1]) == "What is your name?"
    assert (await state_of(here)).form_answers["name"] == "Ada Lovelace"


async def test_the_same_utterance_is_the_same_turn_and_other_words_amend_it(here: Gateway) -> None:
    line = await Caller.on(here)
    first = await line.turn("4321", "u1")
    assert await line.turn("4321", "u1") == first
    await line.turn("8765", "u1")
    state = await state_of(here)
    assert (state.turns, state.form_answers) == (1, {"policy": "8765"})
    await line.turn("no", "u2")
    assert problem(await line.turn("1111", "u1")) == "turn-conflict"
    assert (await line.turn("Ada", "u3"))["type"] == "reply"


async def test_a_turn_carries_keys_answers_events_and_hypotheses(here: Gateway) -> None:
    line = await Caller.on(here)
    unheard = await line.asks(type="turn", utterance_id="u1", event="noinput")
    assert said(unheard) == "Four digits please."
    await line.asks(type="turn", utterance_id="u2", dtmf="4321#", said="Four di")
    await line.asks(type="turn", utterance_id="u3", answers={"theft": False})
    await line.asks(
        type="turn",
        utterance_id="u4",
        text="Ada",
        confidence=0.95,
        alternatives=[{"text": "Ada", "confidence": 0.95}, {"text": "Aida"}],
    )
    state = await line.asks(type="state")
    assert isinstance(state["state"], dict)
    answers = {"policy": "4321", "theft": False, "name": "Ada"}
    assert state["state"]["form_answers"] == answers
    assert "definition" not in state["state"]


async def test_hanging_up_ends_the_leg_and_closes_with_1000(here: Gateway) -> None:
    line = await Caller.on(here)
    await line.says("4321", "u1")
    await line.sends(type="hangup")
    assert (await line.hears())["utterance_id"] == "u1"
    assert await line.closed() == (1000, "hung up")
    assert await leg_of(here) == "hang_up"


async def test_an_agent_may_cancel_the_session(here: Gateway) -> None:
    line = await Caller.on(here)
    cancelled = await line.asks(type="cancel", reason="duplicate")
    assert cancelled["type"] == "reply"
    assert (await state_of(here)).status == "cancelled"
    refused = await line.turn("4321", "u1")
    assert problem(refused) == "session-closed"
    assert refused["retryable"] is False
    assert (await line.asks(type="ping"))["type"] == "pong"


async def test_an_agent_may_hand_the_caller_off(here: Gateway) -> None:
    line = await Caller.on(here)
    assert (await line.asks(type="hand_off", reason="angry"))["type"] == "reply"
    assert (await state_of(here)).status == "handed_off"


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


# --- events ---------------------------------------------------------------------------------------


async def test_what_others_do_is_an_event_and_what_the_client_does_is_none(here: Gateway) -> None:
    line = await Caller.on(here)
    reply = await line.turn("4321", "u1")
    async with asyncio.timeout(5):  # Until the gateway has seen its own turn from outside.
        while (await line.asks(type="state"))["type"] != "state":
            pass
    await line.turn("no", "u2")
    await here.sessions.cancel(str(line.opened["session_id"]), "by an operator")
    event = await line.hears()
    assert (event["type"], event["event"], event["status"]) == ("event", "ended", "cancelled")
    assert reply["type"] == "reply"


async def test_events_go_on_after_the_store_was_out_of_reach(here: Gateway) -> None:
    line = await Caller.on(here)
    here.backend.reachable = False
    assert problem(await line.turn("4321", "u1")) == "store-unavailable"
    here.backend.reachable = True
    await here.sessions.hand_off(str(line.opened["session_id"]), "by an operator")
    event = await line.hears()
    assert (event["event"], event["status"]) == ("ended", "handed_off")


async def test_a_defect_closes_with_1011_and_tells_nothing_of_it(here: Gateway) -> None:
    line = await Caller.on(here)
    here.backend.defect = RuntimeError("4321 was said")
    await line.says("4321", "u1")
    assert await line.closed() == (1011, "internal error")
    assert await leg_of(here) == "drop"


async def test_a_session_that_is_deleted_ends_its_socket(here: Gateway) -> None:
    line = await Caller.on(here)
    await line.turn("4321", "u1")
    here.backend.delete(str(line.opened["session_id"]))
    assert await line.closed() == (4404, "there is no such session")


async def test_a_defects_log_line_does_not_quote_the_caller(
    here: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    line = await Caller.on(here)
    here.backend.defect = RuntimeError("4321 was said")
    await line.says("4321", "u1")
    await line.closed()
    told = [record for record in caplog.records if "defect" in record.getMessage()]
    assert told
    assert not any(record.exc_info for record in told)
    assert not any("4321" in f"{record.getMessage()}{vars(record)}" for record in told)


# --- limits ---------------------------------------------------------------------------------------


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


# --- the store ------------------------------------------------------------------------------------


async def test_a_store_that_cannot_be_reached_closes_nothing(here: Gateway) -> None:
    line = await Caller.of(here)
    opening = {"type": "open", "form": "claim", "caller": "+14155550100"}
    here.backend.reachable = False
    refused = await line.asks(**opening)
    assert (problem(refused), refused["retryable"]) == ("store-unavailable", True)
    here.backend.reachable = True
    line.opened = await line.asks(**opening)
    here.backend.reachable = False
    refused = await line.turn("4321", "u1")
    assert (problem(refused), refused["utterance_id"]) == ("store-unavailable", "u1")
    back = await Caller.of(here)
    refused = await back.asks(type="resume", **line.names)
    assert (problem(refused), refused["in_reply_to"]) == ("store-unavailable", "resume")
    assert problem(await line.asks(type="hangup")) == "store-unavailable"
    here.backend.reachable = True
    assert (await back.asks(type="resume", **line.names))["type"] == "opened"
    assert (await line.turn("4321", "u1"))["type"] == "reply"


async def test_turns_behind_one_that_failed_come_back_unsent_and_in_order(here: Gateway) -> None:
    """Sent at once, "no" would be the answer to the question before."""
    line = await Caller.on(here)
    turns = {"u1": "4321", "u2": "no", "u3": "Ada Lovelace"}
    here.backend.going.clear()
    here.backend.failures = 1
    for utterance, words in turns.items():
        await line.says(words, utterance)
    await line.asks(type="ping")
    here.backend.going.set()
    errors = [await line.hears() for _ in turns]
    assert [error["utterance_id"] for error in errors] == list(turns)
    assert all(error["retryable"] for error in errors)
    assert here.backend.came == ["u1"]
    replies = [await line.turn(words, utterance) for utterance, words in turns.items()]
    assert said(replies[1]) == "What is your name?"


@pytest.mark.parametrize("kind", ["open", "resume"])
async def test_what_waits_behind_an_opening_that_failed_comes_back_and_closes_nothing(
    here: Gateway, kind: str
) -> None:
    line = await Caller.on(here)
    await line.drop()
    opening: dict[str, object] = {"type": "open", "form": "claim", "caller": "+14155550100"}
    if kind == "resume":
        opening = {"type": "resume", **line.names}
    back = await Caller.of(here)
    here.backend.reachable = False
    await back.sends(**opening)
    await back.says("4321", "u1")
    await back.sends(type="state")
    errors = [await back.hears() for _ in range(3)]
    assert [error["in_reply_to"] for error in errors] == [kind, "turn", "state"]
    assert all(error["retryable"] for error in errors)
    here.backend.reachable = True
    assert (await back.asks(**opening))["type"] == "opened"
    assert (await back.turn("4321", "u1"))["type"] == "reply"


# --- bad messages ---------------------------------------------------------------------------------

UNREADABLE = {
    "not JSON": "policy 4321",
    "half JSON": '{"type": "turn", "text": "4321',
    "a list": '[{"type": "ping"}]',
    "no type": '{"text": "4321"}',
    "a type that is no name": '{"type": 4321}',
    "very deep": "[" * 100_000,
    "binary": b'{"type": "ping"}',
}


@pytest.mark.parametrize("frame", UNREADABLE.values(), ids=UNREADABLE)
async def test_what_is_no_message_is_said_in_a_sentence_and_closes(
    here: Gateway, frame: str | bytes
) -> None:
    line = await Caller.on(here)
    await line.socket.send(frame)
    refused = await line.hears()
    assert problem(refused) == "invalid-input"
    assert "4321" not in json.dumps(refused)
    assert await line.closed() == (4400, "not a message of this protocol")
    assert await leg_of(here) == "drop"


WRONG: dict[str, dict[str, object]] = {
    "an unknown type": {"type": "secret4321", "utterance_id": "u1"},
    "a turn without an id": {"type": "turn", "text": "4321"},
    "words that are a number": {"type": "turn", "utterance_id": "u1", "text": 4321},
    "an answer that is a list": {"type": "turn", "utterance_id": "u1", "answers": {"a": [4321]}},
    "an unknown event": {"type": "turn", "utterance_id": "u1", "event": "e4321"},
    "a confidence that is infinite": {
        "type": "turn", "utterance_id": "u1", "text": "4321", "confidence": float("inf")
    },
    "half of a character": {"type": "turn", "utterance_id": "u1", "text": "4321\ud800"},
    "a second open": {"type": "open", "form": "claim", "caller": "4321"},
}  # fmt: skip


@pytest.mark.parametrize("message", WRONG.values(), ids=WRONG)
async def test_a_wrong_message_is_refused_without_its_values_and_the_socket_goes_on(
    here: Gateway, message: dict[str, object]
) -> None:
    line = await Caller.on(here)
    refused = await line.asks(**message)
    assert problem(refused) == "invalid-input"
    assert refused["retryable"] is False
    assert refused["utterance_id"] == message.get("utterance_id")
    assert "4321" not in json.dumps(refused)
    assert (await line.turn("4321", "u9"))["type"] == "reply"


@pytest.mark.parametrize("kind", ["turn", "state", "hangup", "cancel", "hand_off", "greet"])
async def test_nothing_goes_before_open_or_resume(here: Gateway, kind: str) -> None:
    line = await Caller.of(here)
    refused = await line.asks(type=kind, utterance_id="u1")
    assert problem(refused) == "invalid-input"
    assert (await line.closed())[0] == 4400


@pytest.mark.parametrize(
    ("form", "caller", "kind"),
    [("nothing", "ada", "unknown-form"), ("claim", "anonymous", "invalid-caller")],
)
async def test_an_open_that_is_refused_may_be_mended_on_the_same_socket(
    here: Gateway, form: str, caller: str, kind: str
) -> None:
    line = await Caller.of(here)
    assert problem(await line.asks(type="open", form=form, caller=caller)) == kind
    assert (await line.asks(type="open", form="claim", caller="ada"))["type"] == "opened"


TOO_LONG: dict[str, dict[str, object]] = {
    "transport_id": {"type": "open", "form": "claim", "caller": "a", "transport_id": "x" * 201},
    "channel": {"type": "open", "form": "claim", "caller": "a", "channel": "x" * 65},
    "reason of cancel": {"type": "cancel", "reason": "x" * 201},
    "reason of hand_off": {"type": "hand_off", "reason": "x" * 201},
    "epoch": {"type": "resume", "session_id": NOBODY, "leg": 1, "epoch": ""},
    "session_id": {"type": "resume", "session_id": "x", "leg": 1, "epoch": "e"},
}


@pytest.mark.parametrize(("name", "message"), TOO_LONG.items(), ids=TOO_LONG)
def test_what_is_kept_of_a_message_has_the_bounds_that_it_has_over_http(
    name: str, message: dict[str, object]
) -> None:
    with pytest.raises(BadMessage, match=f": {name.split()[0]}: String should"):
        read(json.dumps(message))


async def test_fields_of_a_newer_client_are_ignored(here: Gateway) -> None:
    line = await Caller.on(here)
    reply = await line.asks(type="turn", utterance_id="u1", text="4321", mood="calm")
    assert reply["type"] == "reply"


# --- what is written about it ---------------------------------------------------------------------


def test_the_asyncapi_file_is_that_of_the_code() -> None:
    """When it is not: write `as_yaml()` into the file."""
    assert ASYNCAPI.read_text(encoding="utf-8") == as_yaml()


def test_every_message_is_in_the_document_with_its_schema_and_no_other() -> None:
    described = yaml.safe_load(ASYNCAPI.read_text(encoding="utf-8"))
    messages, schemas = described["components"]["messages"], described["components"]["schemas"]
    models = {model.__name__: kind for kind, model in (*CLIENT.items(), *SERVER.items())}
    assert {name: message["name"] for name, message in messages.items()} == models
    assert set(described["channels"]["stream"]["messages"]) == set(models)
    for name, kind in models.items():
        assert messages[name]["payload"] == {"$ref": f"#/components/schemas/{name}"}
        assert schemas[name]["properties"]["type"]["const"] == kind
    assert {model.model_fields["type"].default for model in CLIENT.values()} == set(CLIENT)


def test_every_reference_in_the_document_leads_somewhere() -> None:
    described = yaml.safe_load(ASYNCAPI.read_text(encoding="utf-8"))
    references = re.findall(r"'#/([\w/]+)'", ASYNCAPI.read_text(encoding="utf-8"))
    assert len(references) > 50
    for path in references:
        place = described
        for part in path.split("/"):
            place = place[part]


def test_every_message_of_a_client_is_answered_by_what_the_server_has() -> None:
    assert set(ANSWERS) == set(CLIENT) == set(EXAMPLES)
    assert {answer for answers in ANSWERS.values() for answer in answers} | {"event"} == set(SERVER)


@pytest.mark.parametrize("kind", CLIENT)
def test_every_example_is_a_message_of_its_type(kind: str) -> None:
    assert isinstance(read(json.dumps(EXAMPLES[kind])), CLIENT[kind])


async def test_the_gateway_serves_its_description(here: Gateway) -> None:
    async with httpx.AsyncClient() as client:
        served = await client.get(f"{here.url.replace('ws', 'http')}/asyncapi.json")
    assert served.json() == document()


def test_the_page_has_every_close_code_and_its_meaning() -> None:
    rows = [f"| {code.value} | {close.when} | {close.then} |" for code, close in CLOSES.items()]
    table = PAGE.read_text().split("<!-- closes -->")[1].split("<!-- end of closes -->")[0]
    assert table.strip().splitlines()[2:] == rows
    assert set(CLOSES) == set(Code)
    assert all(len(close.reason.encode()) <= 123 for close in CLOSES.values())


def test_the_limits_are_those_that_the_page_gives() -> None:
    page = PAGE.read_text()
    limits = Limits()
    assert f"| {limits.window}; more wait unread" in page
    assert f"| silence of the client | {limits.idle_seconds / 60:.0f} minutes |" in page
    assert f"does not read | {limits.slow_seconds:.0f} s |" in page
    assert f"| a frame | {MAX_FRAME_BYTES // 1024} KiB |" in page
    assert f"| a turn | {MAX_TURN_BYTES // 1024} KiB |" in page


async def test_the_conversation_of_the_page_takes_place_as_shown() -> None:
    shown = next(block for block in blocks(PAGE, "text") if block.text.startswith("->")).text
    forms = load_folder(ROOT / "forms").values()
    async with gateway(HeldBackend(forms)) as here:
        line = await Caller.at(here)
        for row in shown.splitlines():
            if row.startswith("->"):
                await line.socket.send(row[3:].replace("tk_...", here.token))
            else:
                message = await line.hears()
                assert has(message, json.loads(row[3:])), f"the page shows {row}, it is {message}"
        assert (await line.closed())[0] == 1000


def has(whole: object, part: object) -> bool:
    """Whether every field of `part` is in `whole`, at any depth."""
    if isinstance(whole, dict) and isinstance(part, dict):
        return all(name in whole and has(whole[name], part[name]) for name in part)
    return whole == part


async def test_the_example_books_a_table_over_a_line_that_is_cut() -> None:
    async with gateway(HeldBackend(load_folder(ROOT / "forms").values())) as here:
        command = (sys.executable, str(EXAMPLE), "--gateway", here.url, "--caller", "ada")
        environment = {**os.environ, "TURNKEEPER_TOKEN": here.token}
        ran = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, env=environment
        )
        async with asyncio.timeout(30):
            output = (await ran.communicate())[0].decode()
        assert ran.returncode == 0, output
        key = await here.sessions.session_id("dinner_reservation", "ada")
        state = await here.sessions.state(key)
    assert output.count("the line was cut") == 1
    assert (state.status, state.leg, state.turns) == ("completed", 1, 6)
    assert len(EXAMPLE.read_text().splitlines()) <= 65


async def test_the_benchmark_runs_and_gives_a_floor_and_a_ratio() -> None:
    """What it measures is not asserted."""
    command = (sys.executable, "-m", "benchmarks.sockets", "--sockets", "4", "--rate", "10")
    ran = await asyncio.create_subprocess_exec(
        *command, "--json", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(120):
        output = (await ran.communicate())[0]
    floor, sockets = json.loads(output)
    assert (floor["kind"], floor["times_the_floor"]) == ("python client", 1.0)
    assert (sockets["kind"], sockets["turns"]) == ("websocket", 4 * 3)


# --- real processes -------------------------------------------------------------------------------


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
