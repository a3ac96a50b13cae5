"""What a call begins with: its form and language, who is calling, and whose relay it is."""

from xml.etree.ElementTree import Element

import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.channels.claim import CALLER, state_of
from tests.channels.twilio.calls import connected
from turnkeeper.gateway.access.ways import Open
from turnkeeper.gateway.app import create_app
from turnkeeper.gateway.twilio import relay, sentences
from turnkeeper.gateway.twilio.frames import relay_language
from turnkeeper.relay_caller import calling, served
from turnkeeper.testing import MemorySessions


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


@pytest.mark.parametrize(
    ("form", "platform"),
    [("en", "en-US"), ("en-GB", "en-GB"), ("de", "de-DE"), ("pt_PT", "pt-PT"), ("tlh", "tlh")],
)
def test_a_language_has_a_region_on_the_platform(form: str, platform: str) -> None:
    assert relay_language(form) == platform


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


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "-1", "1e30", "soon"])
def test_a_time_of_somebodys_own_twiml_that_cannot_be_waited_for_is_the_default(text: str) -> None:
    with capture_logs() as lines:
        assert relay._seconds(text, 8.0) == 8.0
    assert [line["log_level"] for line in lines] == ["warning"]
    assert [relay._seconds(text, 8.0) for text in ("0", "2.5", "")] == [0.0, 2.5, 8.0]
