"""A webhook that no platform of ours signed is told nothing."""

import time
from collections.abc import Callable
from urllib.parse import urlencode
from xml.etree.ElementTree import fromstring

import httpx
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from tests.channels.claim import CALLER
from tests.channels.signatures.signing import (
    ACCOUNTS,
    ACTION,
    CALL,
    NEXT_TOKEN,
    OTHER_KEY,
    PUBLIC,
    RELAY,
    VOICE,
    Headers,
    by_telnyx,
    by_twilio,
    post,
)
from tests.channels.twilio.calls import CLAIM, Forms
from turnkeeper.gateway.access.ways import Made
from turnkeeper.gateway.app import create_app
from turnkeeper.gateway.signatures import telnyx, twilio
from turnkeeper.gateway.twilio.platforms import FORM_TYPE
from turnkeeper.settings import read_settings
from turnkeeper.testing import MemorySessions

GOOD: dict[str, Callable[[], Headers]] = {
    "Twilio": by_twilio,
    "Twilio, with the token that is next": lambda: by_twilio(NEXT_TOKEN),
    "Twilio, with the port": lambda: by_twilio(url=VOICE.replace(".com/", ".com:443/")),
    "Telnyx": by_telnyx,
}


@pytest.mark.parametrize("signed", GOOD.values(), ids=GOOD)
async def test_a_webhook_that_is_signed_is_answered(
    shared: FastAPI, signed: Callable[[], Headers]
) -> None:
    answer = await post(shared, signed())
    assert answer.status_code == 200
    assert fromstring(answer.content).find("./Connect/ConversationRelay") is not None


BAD: dict[str, Callable[[], Headers]] = {
    "no signature": dict,
    "an empty one": lambda: {twilio.HEADER: ""},
    "not base64": lambda: {twilio.HEADER: "let me in", telnyx.HEADER: "let me in"},
    "another token": lambda: by_twilio("12345"),
    "another address": lambda: by_twilio(url=RELAY),
    "another query": lambda: by_twilio(url=VOICE.replace("claim", "other")),
    "the address of the request": lambda: by_twilio(url=VOICE.replace("voice.ex", "evil.ex")),
    "other fields": lambda: by_twilio(fields={**CALL, "From": "+14155550111"}),
    "a field less": lambda: by_twilio(fields={"CallSid": "CA1"}),
    "no fields": lambda: by_twilio(fields={}),
    "the other's header": lambda: {telnyx.HEADER: by_twilio()[twilio.HEADER]},
    "an API key": lambda: {"authorization": "Bearer tk_made_up"},
    "Telnyx, another key": lambda: by_telnyx(OTHER_KEY),
    "Telnyx, ten minutes ago": lambda: by_telnyx(seconds=-600),
    "Telnyx, in ten minutes": lambda: by_telnyx(seconds=600),
    "Telnyx, another body": lambda: by_telnyx(body=b"CallSid=CA2"),
    "Telnyx, a time that was not signed": lambda: {
        **by_telnyx(seconds=-600),
        telnyx.TIME_HEADER: str(int(time.time())),
    },
    "Telnyx, a time that is none": lambda: {**by_telnyx(), telnyx.TIME_HEADER: "now"},
}


@pytest.mark.parametrize("signed", BAD.values(), ids=BAD)
@pytest.mark.parametrize("url", [VOICE, ACTION], ids=["voice", "action"])
async def test_a_webhook_that_is_not_signed_is_told_nothing(
    shared: FastAPI, url: str, signed: Callable[[], Headers]
) -> None:
    with capture_logs() as lines:
        answer = await post(shared, {**signed(), "x-forwarded-host": "evil.example.com"}, url)
    assert (answer.status_code, answer.content) == (403, b"")
    assert [line["event"] for line in lines] == ["a webhook was refused"]
    assert CALLER not in str(lines)


async def test_what_is_signed_is_the_public_address_whatever_a_request_says_of_its_host(
    app: FastAPI,
) -> None:
    evil = by_twilio(url=VOICE.replace("voice.example.com", "127.0.0.1"))
    assert (await post(app, evil, host="127.0.0.1")).status_code == 403
    assert (await post(app, by_twilio(), host="127.0.0.1")).status_code == 200


async def test_a_body_that_is_no_form_is_not_acted_on(app: FastAPI) -> None:
    """Its bytes are not signed by Twilio, so nothing in it may count."""
    transport = httpx.ASGITransport(app)
    headers = {**by_twilio(url=ACTION, fields={}), "content-type": "application/json"}
    failed = b'{"SessionStatus": "failed"}'
    async with httpx.AsyncClient(transport=transport, base_url="https://127.0.0.1") as client:
        answer = await client.post(ACTION.removeprefix(PUBLIC), content=failed, headers=headers)
    assert [verb.tag for verb in fromstring(answer.content)] == ["Hangup"]


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "", "multipart/form-data"])
@pytest.mark.parametrize("url", [VOICE, ACTION], ids=["voice", "action"])
async def test_no_ticket_is_made_for_a_webhook_that_does_not_say_who_calls(
    shared: FastAPI, url: str, kind: str
) -> None:
    """Telnyx signs the body alone: whoever has one can send it again as something else."""
    failed = b"SessionStatus=failed&" + urlencode(CALL).encode()
    headers = {**by_telnyx(body=failed), "content-type": kind}
    transport = httpx.ASGITransport(shared)
    async with httpx.AsyncClient(transport=transport, base_url="https://127.0.0.1") as client:
        path, form = url.removeprefix(PUBLIC), {"content-type": FORM_TYPE}
        assert b"tt_" in (await client.post(path, content=failed, headers=headers | form)).content
        with capture_logs() as lines:
            answer = await client.post(path, content=failed, headers=headers)
    assert b"tt_" not in answer.content
    if url == VOICE:
        assert (answer.status_code, answer.content) == (403, b"")
        assert [line["event"] for line in lines] == ["a webhook was refused"]


async def test_a_webhook_larger_than_any_platforms_is_refused(app: FastAPI) -> None:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="https://127.0.0.1") as client:
        answer = await client.post("/twilio/voice", data={"a": "x" * 70_000})
    assert answer.status_code == 403


@pytest.mark.parametrize("signed", [by_twilio, by_telnyx])
@pytest.mark.parametrize(
    ("settings", "url"), [({}, PUBLIC), (ACCOUNTS, None)], ids=["no account", "no address"]
)
async def test_without_accounts_or_a_public_address_telephony_is_off_and_the_log_says_so(
    settings: dict[str, object], url: str | None, signed: Callable[[], Headers]
) -> None:
    async with MemorySessions([CLAIM], settings=read_settings(**settings)) as sessions:
        access = Made(sessions.settings.tenant)
        app = create_app(sessions, access=access, forms=Forms(), public_url=url)
        with capture_logs() as lines:
            answer = await post(app, signed(), host="127.0.0.1")
    assert answer.status_code == 403
    assert "TURNKEEPER_PUBLIC_URL" in str(lines)
    assert "TURNKEEPER_TWILIO_AUTH_TOKEN" in str(lines)
