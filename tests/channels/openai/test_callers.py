"""OpenAI-compatible: which leg a request is of, and who the caller is."""

import asyncio
import json

import httpx
import pytest
from fastapi import FastAPI
from openai import AsyncOpenAI, BadRequestError

from tests.channels.claim import CALLER, CLAIM, state_of
from tests.channels.openai.chat_platform import Body, Platform, gateway
from turnkeeper.contract import Put
from turnkeeper.errors import SettingsError
from turnkeeper.ledger import KEPT_REPLIES
from turnkeeper.settings import read_settings
from turnkeeper.testing import MemorySessions

# --- which leg it is ------------------------------------------------------------------------------


async def test_every_instance_of_the_gateway_answers_on_the_same_leg(
    platform: Platform, sessions: MemorySessions
) -> None:
    await platform.hears()
    for words in ("4321", "no"):
        platform.app = gateway(sessions)
        await platform.says(words)
    state = await state_of(sessions)
    assert (len(state.legs), state.turns) == (1, 2)
    assert (state.legs[0].transport_id, state.legs[0].channel) == ("call-1", "openai")


async def test_two_instances_that_are_asked_at_once_open_one_leg(
    platform: Platform, sessions: MemorySessions
) -> None:
    other = Platform(gateway(sessions))
    for each in (platform, other):
        each.messages.append({"role": "user", "content": "4321"})
    said = await asyncio.gather(platform.hears(), other.hears())
    assert set(said) == {"Was anything stolen?"}
    state = await state_of(sessions)
    assert (len(state.legs), state.turns) == (1, 1)


async def test_a_call_is_one_leg_however_long_it_lasts(
    platform: Platform, sessions: MemorySessions
) -> None:
    """After so many turns the session has forgotten its reply to the connect."""
    for number in range(KEPT_REPLIES + 5):
        await platform.says(str(number % 10))
    platform.app = gateway(sessions)
    await platform.says("4321")
    assert len((await state_of(sessions)).legs) == 1


async def test_a_redial_is_welcomed_back_and_the_older_call_is_told(
    app: FastAPI, platform: Platform
) -> None:
    await platform.hears()
    await platform.says("4321")
    again = Platform(app, "call-2")
    back = await again.asked()
    assert str(back["content"]).startswith("Welcome back.")
    assert back["leg"] == 2
    platform.messages.append({"role": "user", "content": "no"})
    refused = await platform.post()
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (409, "superseded_leg")
    assert refused.headers["x-should-retry"] == "false"


async def test_without_a_calls_id_a_conversation_that_begins_is_a_new_leg(
    app: FastAPI, sessions: MemorySessions
) -> None:
    first = Platform(app, call=None)
    await first.hears()
    await first.says("43")
    first.messages[-2:] = []
    await first.says("4321")
    assert await first.says("no") == "What is your name?"
    again = Platform(app, call=None)
    assert (await again.hears()).startswith("Welcome back.")
    assert (await state_of(sessions)).leg == 2
    await again.says("Ada Lovelace")
    assert [form.answers["policy"] for form in sessions.delivered] == ["4321"]


async def test_without_a_calls_id_a_first_utterance_is_amended_only_by_more_of_it(
    app: FastAPI, sessions: MemorySessions
) -> None:
    """The platform speaks its own greeting, so nothing but the words tells a redial."""
    first = Platform(app, call=None)
    first.messages.append({"role": "user", "content": "four three"})
    await first.hears()
    first.messages[-1] = {"role": "user", "content": "four three two one"}
    await first.hears()
    state = await state_of(sessions)
    assert (state.leg, state.turns, state.form_answers) == (1, 1, {"policy": "4321"})
    redial = Platform(app, call=None)
    await redial.says("no")
    state = await state_of(sessions)
    assert (state.leg, state.form_answers) == (2, {"policy": "4321", "theft": False})


async def test_without_a_calls_id_a_caller_who_was_on_another_line_since_begins_a_new_leg(
    app: FastAPI, sessions: MemorySessions
) -> None:
    await Platform(app, call=None).says("4321")
    elsewhere = await sessions.open("claim", CALLER, channel="twilio")
    await elsewhere.turn("no")
    await elsewhere.hang_up()
    again = Platform(app, call=None)
    assert await again.says("Ada Lovelace") == "Thank you."
    assert (await state_of(sessions)).leg == 3


@pytest.mark.parametrize("words", ["...", "4"])
async def test_without_a_calls_id_a_redial_that_says_less_takes_no_answer_away(
    app: FastAPI, sessions: MemorySessions, words: str
) -> None:
    await Platform(app, call=None).says("4321")
    await Platform(app, call=None).says(words)
    state = await state_of(sessions)
    assert (state.leg, state.form_answers) == (2, {"policy": "4321"})


@pytest.mark.parametrize("lost", [("hello", "anybody there?"), ("hi", "anybody there?", "yes")])
@pytest.mark.parametrize("put", [False, True])
async def test_without_a_calls_id_a_conversation_whose_beginning_was_lost_is_a_new_leg(
    app: FastAPI, sessions: MemorySessions, lost: tuple[str, ...], put: bool
) -> None:
    """Its first requests never arrived, and somebody else may be on the line."""
    owner = Platform(app, call=None)
    for words in ("hi", "4321"):
        await owner.says(words)
    if put:
        state = await state_of(sessions)
        same = Put(request_id="p", version=state.version, form_answers=state.form_answers)
        await sessions.put(state.session_id, same)
    other = Platform(app, call=None)
    other.messages += [{"role": "user", "content": words} for words in lost]
    await other.hears()
    assert (await state_of(sessions)).leg == 2
    await other.says("no")
    assert (await state_of(sessions)).leg == 2


async def test_without_a_calls_id_a_conversation_goes_on_after_a_request_that_failed(
    app: FastAPI, sessions: MemorySessions
) -> None:
    owner = Platform(app, call=None)
    for words in ("hi", "4321"):
        await owner.says(words)
    with sessions.unreachable():
        owner.messages.append({"role": "user", "content": "no"})
        assert (await owner.post()).status_code == 503
    await owner.says("Ada Lovelace")
    assert (await state_of(sessions)).leg == 1
    assert [form.answers["name"] for form in sessions.delivered] == ["Ada Lovelace"]


async def test_without_a_calls_id_a_first_silence_that_is_sent_again_is_the_same_turn(
    app: FastAPI, sessions: MemorySessions
) -> None:
    for _ in range(2):
        await Platform(app, call=None).says("...")
    state = await state_of(sessions)
    assert (state.leg, state.turns) == (1, 1)


async def test_a_late_request_of_an_ended_call_does_not_take_the_line_from_the_new_one(
    app: FastAPI, platform: Platform, sessions: MemorySessions
) -> None:
    await platform.says("4321")
    await sessions.cancel(await sessions.session_id("claim", CALLER))
    redial = Platform(app, "call-2")
    await redial.says("1111")
    platform.app = gateway(sessions)
    platform.messages.append({"role": "user", "content": "bye"})
    refused = await platform.post()
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "superseded_leg")
    assert await redial.says("no") == "What is your name?"


async def test_a_call_whose_earlier_requests_found_no_store_can_still_begin(
    app: FastAPI, platform: Platform, sessions: MemorySessions
) -> None:
    """Though the call before it never said that it was over."""
    await platform.says("4321")
    redial = Platform(app, "call-2")
    with sessions.unreachable():
        redial.messages.append({"role": "user", "content": "hello"})
        assert (await redial.post()).status_code == 503
    assert await redial.says("no") == "What is your name?"
    assert (await state_of(sessions)).leg == 2


# --- who it is ------------------------------------------------------------------------------------

PLACES: dict[str, Body] = {
    "OpenAI's user": {"user": "ada"},
    "OpenAI's safety_identifier": {"safety_identifier": "ada"},
    "OpenAI's metadata": {"metadata": {"subject": "ada", "call": "c1"}},
    "ElevenLabs' user_id": {"user_id": "ada"},
    "ElevenLabs' extra body": {"elevenlabs_extra_body": {"subject": "ada", "call": "c1"}},
}


@pytest.mark.parametrize("place", PLACES)
async def test_the_caller_is_found_where_each_platform_puts_it(
    app: FastAPI, sessions: MemorySessions, place: str
) -> None:
    platform = Platform(app)
    platform.headers, platform.extra = {}, PLACES[place]
    await platform.hears()
    state = await state_of(sessions, "ada")
    assert state.legs[0].transport_id == ("c1" if "call" in json.dumps(PLACES[place]) else "")


async def test_vapis_number_and_call_are_the_caller_and_the_call(
    app: FastAPI, sessions: MemorySessions
) -> None:
    call = {"id": "v1", "type": "inboundPhoneCall", "customer": {"number": "(415) 555-0100"}}
    platform = Platform(app)
    platform.headers, platform.extra = {}, {"call": call, "metadata": {}}
    await platform.hears()
    assert (await state_of(sessions)).legs[0].transport_id == "v1"


async def test_a_caller_who_withholds_their_number_has_a_session_for_the_call(
    app: FastAPI, sessions: MemorySessions
) -> None:
    platform = Platform(app, call=None)
    platform.headers = {}
    platform.extra = {"call": {"id": "v1"}, "customer": {"number": "anonymous"}}
    await platform.hears()
    assert (await state_of(sessions, "call-v1")).legs[0].transport_id == "v1"


async def test_a_line_of_the_system_prompt_is_as_good_as_the_header(
    app: FastAPI, sessions: MemorySessions
) -> None:
    platform = Platform(app, call=None, user="somebody else")
    platform.headers = {}
    prompt = "Be kind.\n  X-Turnkeeper-Subject: +1 415 555 0100\nX-Turnkeeper-Call: c7\n"
    platform.messages = [{"role": "developer", "content": prompt}]
    await platform.hears()
    assert (await state_of(sessions)).legs[0].transport_id == "c7"


@pytest.mark.parametrize(
    "extra",
    [{}, {"user": ""}, {"user": "undefined"}, {"user": "{{system__caller_id}}"}, {"user": None}],
    ids=str,
)
async def test_nobody_is_a_clear_error_in_openais_shape(
    client: AsyncOpenAI, app: FastAPI, extra: Body
) -> None:
    platform = Platform(app)
    platform.headers, platform.extra = {}, extra
    refused = await platform.post()
    error = refused.json()["error"]
    assert refused.status_code == 400
    assert "X-Turnkeeper-Subject" in error.pop("message")
    assert error == {"type": "invalid_request_error", "code": "invalid_input", "param": None}
    with pytest.raises(BadRequestError, match="withheld"):
        await client.chat.completions.create(
            model="claim", messages=[], extra_headers={"X-Turnkeeper-Subject": "anonymous"}
        )


@pytest.mark.parametrize(
    ("subject", "call"),
    [("deep.er.who", "header:X-Call"), ("nowhere, header:X-Who", "deep.call")],
)
async def test_a_platform_that_names_the_caller_elsewhere_needs_a_setting(
    subject: str, call: str
) -> None:
    settings = read_settings(openai_subject=subject, openai_call=call)
    async with MemorySessions([CLAIM], settings=settings) as sessions:
        transport = httpx.ASGITransport(gateway(sessions))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            answered = await client.post(
                "/v1/chat/completions",
                headers={"X-Call": "c7", "X-Who": CALLER},
                json={
                    "model": "claim",
                    "messages": [],
                    "user": "somebody-else",
                    "deep": {"er": {"who": CALLER}, "call": "c7"},
                },
            )
        assert answered.status_code == 200, answered.text
        state = await state_of(sessions)
        assert state.legs[0].transport_id == "c7"


@pytest.mark.parametrize("wrong", ["call..number", "header:", "a b", ",", "{{who}}"])
def test_a_place_that_is_none_is_a_sentence(wrong: str) -> None:
    with pytest.raises(SettingsError, match=r"openai-subject .* places such as"):
        read_settings(openai_subject=wrong)
