"""Twilio ConversationRelay and Telnyx: what a caller on the line gets, frame by frame."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from xml.etree.ElementTree import Element, fromstring

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from structlog.testing import capture_logs
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError

from tests.channels.stand import ROOT, TWILIO_TOKEN, Stand
from turnkeeper.contract import Expects, Reply, SessionState, Turn
from turnkeeper.errors import KeyUnknown, StoreUnavailable, TooManyRequests, TurnFailed
from turnkeeper.forms.load import parse_form
from turnkeeper.forms.model import Form
from turnkeeper.gateway.access.gate import Gate
from turnkeeper.gateway.access.limits import Limits
from turnkeeper.gateway.access.principal import Principal
from turnkeeper.gateway.access.ways import Open
from turnkeeper.gateway.app import create_app
from turnkeeper.gateway.twilio import listening, relay, sentences, twiml
from turnkeeper.gateway.twilio.frames import Dtmf, Info, Interrupt, Prompt, parse, relay_language
from turnkeeper.gateway.twilio.listening import Heard, Listening, Playback, seconds_to_say
from turnkeeper.relay_caller import RelayCaller, calling, served
from turnkeeper.settings import read_settings
from turnkeeper.telemetry.logs import KEYS
from turnkeeper.testing import MemorySessions

pytest_plugins = ["turnkeeper.pytest_relay"]

CALLER = "+14155550100"

CLAIM = parse_form("""
form: claim
title: Claim
timezone: Europe/London
greeting: Hello.
goodbye: Thank you.
confirm: false
hand_off: "+1 415 555 0123"
fields:
  - {name: policy, type: digits, length: 4, prompt: ["Policy number?", "Four digits please."]}
  - {name: theft, type: boolean, prompt: "Was anything stolen?"}
  - {name: glass, type: boolean, prompt: "Is any glass broken?"}
  - {name: report, type: digits, prompt: "Report number?"}
""")
GERMAN = parse_form("""
form: schaden
language: de
greeting: Guten Tag.
fields:
  - {name: policy, type: digits, length: 4, prompt: "Ihre Nummer?"}
""")


class Forms:
    names = ("claim", "schaden")

    def find(self, form: str) -> Form | None:
        return {"claim": CLAIM, "schaden": GERMAN}.get(form)


@pytest_asyncio.fixture(loop_scope="session")
async def sessions() -> AsyncIterator[MemorySessions]:
    settings = read_settings(turn_deadline=0.6)
    async with MemorySessions([CLAIM, GERMAN], settings=settings) as sessions:
        yield sessions


@pytest.fixture
def app(sessions: MemorySessions, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    monkeypatch.setattr(relay, "GRACE_SECONDS", 0.05)  # These speak in no time.
    return create_app(sessions, access=Open(), forms=Forms())


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience in hundredths, where a test is about running out of it."""
    monkeypatch.setattr(relay, "HOLD_SECONDS", 0.05)
    monkeypatch.setattr(relay, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(listening, "LATENCY", 0.0)
    monkeypatch.setattr(listening, "CHARACTERS_A_SECOND", 10_000.0)


async def state_of(sessions: MemorySessions, caller: str = CALLER) -> SessionState:
    return await sessions.state(await sessions.session_id("claim", caller))


async def settled(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def posted(app: FastAPI, path: str, **fields: str) -> Element:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.post(path, data=fields)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    return fromstring(answer.content)


def connected(response: Element) -> Element:
    found = response.find("./Connect/ConversationRelay")
    assert found is not None
    return found


# --- webhooks -------------------------------------------------------------------------------------


async def test_a_call_is_connected_to_the_public_address_with_its_form(
    sessions: MemorySessions,
) -> None:
    app = create_app(
        sessions, access=Open(), forms=Forms(), public_url="https://voice.example.com/"
    )
    response = await posted(app, "/twilio/voice?form=claim&timeout=5", CallSid="CA1", From=CALLER)
    (connect,) = response
    found = connected(response)
    action = "https://voice.example.com/twilio/action?form=claim&timeout=5&failed=0"
    assert connect.get("action") == action
    assert found.get("url") == "wss://voice.example.com/twilio/relay"
    attributes = ("language", "dtmfDetection", "interruptible", "welcomeGreeting")
    assert [found.get(name) for name in attributes] == ["en-US", "true", "any", None]
    told = {each.get("name"): each.get("value") for each in found}
    assert told == {"form": "claim", "timeout": "5", "language": "en-US"}


async def test_without_a_public_address_it_is_the_one_that_was_asked(app: FastAPI) -> None:
    found = connected(await posted(app, "/twilio/voice?form=claim"))
    assert found.get("url") == "ws://127.0.0.1/twilio/relay"


async def test_a_proxys_word_for_our_address_is_not_taken(app: FastAPI) -> None:
    transport = httpx.ASGITransport(app)
    headers = {"x-forwarded-host": "evil.example", "x-forwarded-proto": "https"}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.post("/twilio/voice?form=claim", headers=headers)
    assert "evil" not in answer.text


async def test_the_address_chooses_the_voice_and_what_it_says_is_escaped(app: FastAPI) -> None:
    hints = 'a<b>&"c"\x00'
    path = str(httpx.URL("/twilio/voice", params={"form": "claim", "voice": "Amy", "hints": hints}))
    found = connected(await posted(app, path))
    assert (found.get("voice"), found.get("hints")) == ("Amy", 'a<b>&"c"')


@pytest.mark.parametrize(
    "query", ["", "?form=", "?form=nosuch", "?form=a:b", "?form=claim&timeout=soon", "?form=%00"]
)
async def test_an_address_without_a_form_says_a_sentence_and_hangs_up(
    app: FastAPI, query: str
) -> None:
    with capture_logs() as lines:
        said, end = await posted(app, "/twilio/voice" + query, CallSid="CA1", From=CALLER)
    assert (said.text, end.tag) == (sentences.NO_FORM, "Hangup")
    assert [line["event"] for line in lines] == ["a call cannot be connected"]


async def test_a_lost_socket_is_opened_again_three_times_and_then_the_caller_is_asked_to_ring_back(
    app: FastAPI,
) -> None:
    path, pauses = "/twilio/action?form=claim&failed=0", []
    for _ in range(3):
        pause, connect = await posted(app, path, SessionStatus="failed", ErrorCode="39001")
        pauses.append(pause.get("length"))
        path = connect.get("action", "").removeprefix("http://127.0.0.1")
    said, end = await posted(app, path, SessionStatus="failed", ErrorCode="64105")
    assert (pauses, said.text, end.tag) == (["1", "2", "4"], sentences.CALL_LATER, "Hangup")


async def test_a_session_that_held_for_a_minute_begins_the_count_anew(app: FastAPI) -> None:
    path = "/twilio/action?form=claim&failed=3"
    pause, _ = await posted(app, path, SessionStatus="failed", SessionDuration="61")
    assert pause.get("length") == "1"


@pytest.mark.parametrize(
    ("to", "verb", "text"),
    [
        ("+1 415 555 0123", "Number", "+1 415 555 0123"),
        ("tel:+14155550123", "Number", "+14155550123"),
        ("sip:help@example.com", "Sip", "sip:help@example.com"),
        ("claims & more", "Queue", "claims & more"),
    ],
)
async def test_a_caller_who_is_handed_off_is_dialled_through(
    app: FastAPI, to: str, verb: str, text: str
) -> None:
    data = json.dumps({"reason": "handed_off", "transfer_to": to})
    path = "/twilio/action?form=claim"
    (dial,) = await posted(app, path, SessionStatus="ended", HandoffData=data)
    assert [(dial.tag, each.tag, each.text) for each in dial] == [("Dial", verb, text)]


@pytest.mark.parametrize(
    "told",
    [
        {"SessionStatus": "completed"},
        {"SessionStatus": "ended", "HandoffData": '{"reason": "completed"}'},
        {"SessionStatus": "ended", "HandoffData": "[1"},
        {"SessionStatus": "ended", "HandoffData": "[1]"},
        {},
    ],
)
async def test_after_any_other_end_the_call_is_hung_up(app: FastAPI, told: dict[str, str]) -> None:
    response = await posted(app, "/twilio/action?form=claim", **told)
    assert [verb.tag for verb in response] == ["Hangup"]


# --- a call ---------------------------------------------------------------------------------------


async def test_the_shipped_fixture_plays_a_whole_call(
    app: FastAPI,
    sessions: MemorySessions,
    twilio_call: Callable[..., AbstractAsyncContextManager[RelayCaller]],
) -> None:
    async with twilio_call(app, form="claim") as call:
        assert await call.ring() == "Hello. Policy number?"
        assert await call.say("4321") == "Was anything stolen?"
        assert await call.press("2") == "Is any glass broken?"
        assert await call.say("yes") == "Report number?"
        assert await call.press("77#") == "Thank you."
        assert [verb.tag for verb in await call.finish()] == ["Hangup"]
    state = await state_of(sessions)
    assert call.handoff == {"reason": "submitting"}
    assert state.status == "completed"
    expected = {"policy": "4321", "theft": False, "glass": True, "report": "77"}
    assert state.form_answers == expected
    (leg,) = state.legs
    assert (leg.transport_id, leg.channel, leg.reason) == (call.call_sid, "twilio", "submitting")


async def test_the_session_is_ended_after_its_last_words_were_spoken(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`end` cuts off in mid-word."""
    async with calling(app, "claim") as call:
        await call.ring()
        monkeypatch.setattr(call, "_played", lambda: asyncio.sleep(0))  # Still being spoken.
        await call.say("cancel")
        await call.say("yes")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await call.finish()
        await call.send("info", name="agentSpeaking", value="on")
        await call.send("info", name="agentSpeaking", value="off")
        await call.finish()
    assert call.handoff == {"reason": "cancelled"}


async def test_a_new_socket_of_the_same_call_is_a_new_leg_with_the_pending_question(
    app: FastAPI, sessions: MemorySessions
) -> None:
    async with calling(app, "claim") as call:
        await call.ring()
        await call.say("4321")
        await call.drop()
        assert (await call.carry_on()).endswith("Was anything stolen?")
        assert await call.say("no") == "Is any glass broken?"
    legs = (await state_of(sessions)).legs
    assert [leg.transport_id for leg in legs] == [call.call_sid] * 2


async def test_an_answer_that_is_interrupted_or_talked_over_is_kept_in_order(
    app: FastAPI, sessions: MemorySessions
) -> None:
    async with calling(app, "claim") as call:
        await call.ring()
        for words in ("4321", "no", "yes"):
            await call.utter(words)
        heard = [await call.listen() for _ in range(3)]
    assert heard == ["Was anything stolen?", "Is any glass broken?", "Report number?"]
    assert (await state_of(sessions)).turns == 3


async def test_words_before_the_final_transcript_are_no_turn(
    app: FastAPI, sessions: MemorySessions
) -> None:
    async with calling(app, "claim") as call:
        await call.ring()
        await call.send("prompt", voicePrompt="1234", lang="en-US", last=False)
        assert await call.say("4321") == "Was anything stolen?"
    state = await state_of(sessions)
    assert (state.turns, state.form_answers) == (1, {"policy": "4321"})


async def test_what_was_heard_before_a_barge_in_is_in_the_transcript(
    app: FastAPI, sessions: MemorySessions
) -> None:
    async with calling(app, "claim") as call:
        await call.ring()
        await call.say("4321")
        await call.interrupt("Was any")
        await call.say("no")
    transcript = await sessions.transcript(await sessions.session_id("claim", CALLER))
    heard = {entry.said: entry.heard_until for entry in transcript.entries}
    assert heard["Was anything stolen?"] == "Was any"
    assert heard["Hello. Policy number?"] is None


async def test_what_was_said_before_the_socket_broke_is_kept_without_being_answered(
    app: FastAPI, sessions: MemorySessions
) -> None:
    async with calling(app, "claim") as call:
        await call.ring()
        for words in ("4321", "no"):
            await call.utter(words)
        await call.drop()
        assert (await call.carry_on()).endswith("Is any glass broken?")
    assert (await state_of(sessions)).form_answers == {"policy": "4321", "theft": False}


async def test_a_newer_call_takes_over_and_the_older_one_is_told_so(
    app: FastAPI, sessions: MemorySessions
) -> None:
    async with calling(app, "claim") as older, calling(app, "claim") as newer:
        await older.ring()
        await newer.ring()
        assert await older.say("4321") == sentences.OTHER_LINE
        assert [verb.tag for verb in await older.finish()] == ["Hangup"]
        assert await newer.say("1234") == "Was anything stolen?"
    assert (await state_of(sessions)).form_answers == {"policy": "1234"}


async def test_a_caller_who_asks_for_a_person_is_transferred(
    app: FastAPI, sessions: MemorySessions
) -> None:
    async with calling(app, "claim") as call:
        await call.ring()
        await call.say("4321")
        await call.say("let me talk to a person")
        (dial,) = await call.finish()
    assert [(each.tag, each.text) for each in dial] == [("Number", "+1 415 555 0123")]
    assert call.handoff == {"reason": "handed_off", "transfer_to": "+1 415 555 0123"}
    assert (await state_of(sessions)).status == "handed_off"


async def test_a_caller_whom_an_operator_hands_off_is_transferred_at_the_next_word(
    app: FastAPI, sessions: MemorySessions
) -> None:
    async with calling(app, "claim") as call:
        await call.ring()
        await sessions.hand_off(await sessions.session_id("claim", CALLER))
        await call.say("4321")
        (dial,) = await call.finish()
    assert dial.tag == "Dial"


async def test_a_session_that_an_operator_cancels_says_so_and_ends(
    app: FastAPI, sessions: MemorySessions
) -> None:
    async with calling(app, "claim") as call:
        await call.ring()
        await sessions.cancel(await sessions.session_id("claim", CALLER))
        assert "cancelled" in await call.say("4321")
        assert [verb.tag for verb in await call.finish()] == ["Hangup"]


async def test_the_relay_speaks_the_forms_language_from_the_first_word(app: FastAPI) -> None:
    async with calling(app, "schaden") as call:
        assert await call.ring() == "Guten Tag. Ihre Nummer?"
        assert connected(call.twiml or Element("none")).get("language") == "de-DE"
    assert [frame["type"] for frame in call.frames] == ["text"]


async def test_another_language_is_switched_to_before_its_first_word(
    sessions: MemorySessions,
) -> None:
    """Here the gateway was not told which language the form has; the session knows."""
    async with calling(create_app(sessions, access=Open()), "schaden") as call:
        await call.ring()
    switch = {"type": "language", "ttsLanguage": "de-DE", "transcriptionLanguage": "de-DE"}
    assert call.frames[0] == switch
    assert call.frames[1]["type"] == "text"


async def test_a_form_that_no_worker_has_says_so_and_ends(sessions: MemorySessions) -> None:
    async with calling(create_app(sessions, access=Open()), "nosuch") as call:
        assert await call.ring() == sentences.NO_FORM
        assert [verb.tag for verb in await call.finish()] == ["Hangup"]


@pytest.mark.parametrize("withheld", ["anonymous", "+266696687", ""])
async def test_the_form_of_a_withheld_number_lives_as_long_as_the_call(
    app: FastAPI, sessions: MemorySessions, withheld: str
) -> None:
    async with calling(app, "claim", caller=withheld) as call:
        await call.ring()
        await call.say("4321")
        await call.drop()
        assert (await call.carry_on()).endswith("Was anything stolen?")
        assert (await state_of(sessions, call.call_sid)).form_answers == {"policy": "4321"}
    async with calling(app, "claim", caller=withheld) as other:
        assert await other.ring() == "Hello. Policy number?"


async def test_of_an_outbound_call_the_form_is_the_called_persons(
    app: FastAPI, sessions: MemorySessions
) -> None:
    ours = {"from": "+14155550199", "to": CALLER, "direction": "outbound-api"}
    async with calling(app, "claim", setup=ours) as call:
        await call.ring()
        await call.say("4321")
    assert (await state_of(sessions)).form_answers == {"policy": "4321"}


async def test_telnyx_is_the_same_with_its_own_ids(app: FastAPI, sessions: MemorySessions) -> None:
    call_id = "v2:T02llQxIyaRkhfRKxgAP8nY511EhFLizdvdUKJiSw8d6A9BborherQ"
    setup = {
        "sessionId": "7a7e6a4f-1d44-4f0c-b5d4-9f9bf3a5c1f2",
        "callSid": call_id,
        "callControlId": call_id,
        "callSessionId": "ff55a038-6f5d-11ef-9692-02420aeffb1f",
        "callLegId": "428c31b6-7af4-4b6f-92e7-7a7e6a4f1d44",
        "callerName": "",
        "callStatus": "active",
    }
    async with calling(app, "claim", setup=dict(setup)) as call:
        await call.ring()
        assert await call.say("4321") == "Was anything stolen?"
        assert await call.press("1") == "Is any glass broken?"
    (leg,) = (await state_of(sessions)).legs
    assert (leg.channel, leg.transport_id) == ("telnyx", call_id)


async def test_frames_that_we_do_not_know_change_nothing(app: FastAPI) -> None:
    async with calling(app, "claim") as call:
        await call.ring()
        await call.send("debug", what="ever")
        await call.send("prompt")
        await call.send("error", description="Invalid message received: 4321")
        await call.send("dtmf", digit="A")
        await call.send("prompt", voicePrompt="  ", last=True)
        assert await call.say("4321") == "Was anything stolen?"


@pytest.mark.parametrize("first", ['{"type": "prompt", "voicePrompt": "4321"}', "[", b"\x00"])
async def test_a_socket_that_begins_with_anything_else_opens_nothing_and_is_closed(
    app: FastAPI, sessions: MemorySessions, monkeypatch: pytest.MonkeyPatch, first: str | bytes
) -> None:
    monkeypatch.setattr(relay, "SETUP_SECONDS", 0.3)
    async with served(app) as url, connect(f"ws{url[4:]}/twilio/relay") as socket:
        await socket.send(first)
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    assert [session async for session in sessions.list()] == []


async def test_no_log_line_says_who_called_or_what_they_said(app: FastAPI) -> None:
    with capture_logs() as lines:
        async with calling(app, "claim") as call:
            await call.ring()
            await call.say("4321")
            await call.send("error", description="Invalid message: 4321")
            await call.drop()
            await call.carry_on()
            await call.say("cancel")
            await call.say("yes")
            await call.finish()
        await posted(app, "/twilio/voice?form=nosuch", From=CALLER)
    assert len(lines) >= 6
    assert {key for line in lines for key in line} <= KEYS | {"log_level"}
    for secret in ("4321", CALLER[2:], call.call_sid):
        assert secret not in str(lines)


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
            ringing = asyncio.ensure_future(call.ring())
            await settled(lambda: call.handoff is not None)
        ringing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ringing
        pause, connect = await call.finish()
        assert (pause.tag, connect.tag) == ("Pause", "Connect")
        assert call.heard == [sentences.ONE_MOMENT]
        assert (await call.carry_on()).endswith("Was anything stolen?")


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
            ringing = asyncio.ensure_future(call.ring())
            await settled(lambda: call.handoff is not None)
        ringing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ringing
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


# --- silence --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
async def test_silence_is_a_noinput_and_after_three_of_them_the_call_ends_and_the_form_stays(
    app: FastAPI, sessions: MemorySessions
) -> None:
    async with calling(app, "claim", timeout="0.1") as call:
        await call.ring()
        heard = [await call.listen() for _ in range(4)]
        assert heard[3] == sentences.STILL_SILENT
        assert [verb.tag for verb in await call.finish()] == ["Hangup"]
    assert heard[0] == "Four digits please."
    assert heard[1:3] == ["Sorry, I didn't hear anything. Four digits please."] * 2
    assert call.handoff == {"reason": "noinput"}
    assert (await state_of(sessions)).status == "collecting"


POLICY = Expects(type="digits", min_digits=4, max_digits=4)
YES_NO = Expects(type="boolean")


def prompt(words: str, *, last: bool = True) -> Prompt:
    return Prompt(type="prompt", voice_prompt=words, last=last)


def key(digit: str) -> Dtmf:
    return Dtmf(type="dtmf", digit=digit)


def reports(who: str, value: str) -> Info:
    return Info(type="info", name=who, value=value)


def test_keys_are_one_input_when_no_more_can_follow() -> None:
    line = Listening()
    line.ask(POLICY)
    assert [line.hear(key(digit), 1.0) for digit in "432"] == [None] * 3
    assert line.hear(key("1"), 1.0) == Heard(dtmf="4321")


def test_keys_end_with_the_terminator_or_a_pause() -> None:
    line = Listening(interdigit_timeout=3.0)
    assert [line.hear(each, 5.0) for each in (key("4"), key("#"))] == [None, Heard(dtmf="4#")]
    assert line.hear(key("4"), 7.0) is None
    assert line.hear(key("3"), 8.0) is None
    assert (line.deadline(), line.overdue()) == (11.0, Heard(dtmf="43"))


def test_a_star_alone_is_not_waited_for() -> None:
    assert Listening().hear(key("*"), 1.0) == Heard(dtmf="*")


def test_keys_pressed_ahead_answer_the_question_that_comes() -> None:
    line = Listening()
    line.ask(POLICY)
    assert line.hear(key("1"), 1.0) is None
    assert line.ask(YES_NO) == Heard(dtmf="1")


def test_keys_and_words_beside_each_other_are_one_turn() -> None:
    line = Listening()
    line.hear(key("4"), 1.0)
    assert line.hear(prompt("that is four"), 1.5) == Heard(text="that is four", dtmf="4")
    assert line.hear(prompt("again"), 2.0) == Heard(text="again")


def test_silence_counts_from_the_end_of_what_was_said_as_the_platform_reports_it() -> None:
    line = Listening(timeout=8.0)
    line.spoke("Policy number?", 100.0)
    estimated = 100.0 + seconds_to_say("Policy number?") + 8.0
    assert line.deadline() == estimated
    line.hear(reports("agentSpeaking", "on"), 100.4)
    assert (line.deadline() or 0) > estimated
    line.hear(reports("agentSpeaking", "off"), 101.4)
    assert line.deadline() == 109.4


def test_silence_does_not_count_while_the_caller_speaks() -> None:
    line = Listening(timeout=8.0)
    line.hear(reports("clientSpeaking", "on"), 10.0)
    assert line.deadline() == 48.0
    line.hear(reports("clientSpeaking", "off"), 12.0)
    assert line.deadline() == 20.0
    line.hear(prompt("four", last=False), 13.0)
    assert line.deadline() == 21.0


def test_no_timeout_is_no_deadline() -> None:
    assert Listening(timeout=0).deadline() is None


def test_a_report_about_an_older_text_does_not_end_the_newer_one() -> None:
    playback = Playback()
    playback.began("One.", 0.0)
    playback.reported("on", 0.5)
    playback.began("A newer text that takes its place.", 1.0)
    playback.reported("off", 1.1)
    assert playback.ends == 1.0 + seconds_to_say("A newer text that takes its place.")


def test_what_was_heard_of_an_older_text_is_not_taken_for_the_newer_one() -> None:
    """It came while the turn was under way, and is handled after its reply."""
    line = Listening(timeout=8.0)
    line.spoke("Was anything stolen?", 10.0)
    deadline = line.deadline()
    line.hear(Interrupt(type="interrupt", utterance_until_interrupt="One mom"), 9.0)
    line.hear(reports("agentSpeaking", "on"), 9.1)
    line.hear(reports("agentSpeaking", "off"), 9.2)
    assert line.deadline() == deadline
    assert line.hear(prompt("no"), 12.0) == Heard(text="no")


def test_a_barge_in_ends_what_was_being_said_and_is_told_once() -> None:
    line = Listening(timeout=8.0)
    line.spoke("A long question?" * 20, 0.0)
    line.hear(Interrupt(type="interrupt", utterance_until_interrupt="A long"), 3.0)
    assert line.deadline() == 11.0
    assert line.hear(prompt("four"), 4.0) == Heard(text="four", said="A long")
    assert line.hear(prompt("five"), 5.0) == Heard(text="five")


def test_a_barge_in_that_silence_follows_is_not_told_of_the_next_reply() -> None:
    line = Listening(timeout=8.0)
    line.spoke("A long question?" * 20, 0.0)
    line.hear(Interrupt(type="interrupt", utterance_until_interrupt="A long"), 3.0)
    assert line.overdue() == Heard(event="noinput", said="A long")
    assert line.hear(prompt("four"), 20.0) == Heard(text="four")


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "-1", "1e30", "soon"])
def test_a_time_of_somebodys_own_twiml_that_cannot_be_waited_for_is_the_default(text: str) -> None:
    with capture_logs() as lines:
        assert relay._seconds(text, 8.0) == 8.0
    assert [line["log_level"] for line in lines] == ["warning"]
    assert [relay._seconds(text, 8.0) for text in ("0", "2.5", "")] == [0.0, 2.5, 8.0]


@pytest.mark.parametrize(
    ("form", "platform"),
    [("en", "en-US"), ("en-GB", "en-GB"), ("de", "de-DE"), ("pt_PT", "pt-PT"), ("tlh", "tlh")],
)
def test_a_language_has_a_region_on_the_platform(form: str, platform: str) -> None:
    assert relay_language(form) == platform


@pytest.mark.parametrize("text", ["", "[", "[]", '{"type": 1}', '{"type": "setup"}', "null"])
def test_what_is_no_frame_is_none(text: str) -> None:
    assert parse(text) is None


def test_the_relay_has_no_greeting_of_its_own() -> None:
    assert "welcomeGreeting" not in twiml.relay("ws://x", "http://x", {}, {}).decode()


# --- the example ----------------------------------------------------------------------------------


async def test_the_example_plays_a_call_with_a_drop(channels: Stand) -> None:
    example = str(ROOT / "examples" / "twilio_caller.py")
    words = ("4321#", "drop", "no", "Ada Lovelace", "yes")
    options = ("--gateway", channels.gateway.url, "--caller", "+14155559901")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, example, "claim", *words, *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "TURNKEEPER_TWILIO_AUTH_TOKEN": TWILIO_TOKEN},
    )
    output, errors = await asyncio.wait_for(process.communicate(), 60)
    said = output.decode()
    assert (process.returncode, errors) == (0, b"")
    assert "caller: (the line is lost)\nagent:  Welcome back." in said
    assert said.endswith("(the gateway answers Hangup)\n")
    session = await channels.sessions.session_id("claim", "+14155559901")
    assert (await channels.sessions.state(session)).status == "completed"
