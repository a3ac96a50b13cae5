"""Twilio's webhooks: how a call is connected, connected again, and what comes after it."""

import json

import httpx
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from tests.channels.claim import CALLER
from tests.channels.twilio.calls import Forms, connected, posted
from turnkeeper.gateway.access.ways import Open
from turnkeeper.gateway.app import create_app
from turnkeeper.gateway.twilio import sentences, twiml
from turnkeeper.testing import MemorySessions

# --- a call comes in ------------------------------------------------------------------------------


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


def test_the_relay_has_no_greeting_of_its_own() -> None:
    assert "welcomeGreeting" not in twiml.relay("ws://x", "http://x", {}, {}).decode()


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


# --- the relay has ended --------------------------------------------------------------------------


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
