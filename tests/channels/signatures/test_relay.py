"""A relay's socket that no platform of ours signed, and that has no ticket, is not taken."""

import time
from collections.abc import Mapping
from dataclasses import replace
from xml.etree.ElementTree import fromstring

import pytest
from fastapi import FastAPI
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.channels.claim import CALLER
from tests.channels.signatures.signing import (
    KEY,
    NEXT_TOKEN,
    OTHER_KEY,
    PUBLIC,
    RELAY,
    TOKEN,
    VOICE,
    Headers,
    by_telnyx,
    by_twilio,
    is_empty,
    post,
    public,
)
from tests.channels.streaming import Caller
from tests.channels.twilio.calls import CLAIM, Forms
from turnkeeper.errors import StoreUnavailable
from turnkeeper.gateway.access.principal import Principal
from turnkeeper.gateway.access.tickets import Tickets
from turnkeeper.gateway.access.ways import Made
from turnkeeper.gateway.app import create_app
from turnkeeper.gateway.signatures import twilio
from turnkeeper.gateway.twilio import sentences
from turnkeeper.relay_caller import calling, served
from turnkeeper.settings import read_settings
from turnkeeper.testing import MemorySessions

SOCKETS: dict[str, Headers] = {
    "another token": {twilio.HEADER: twilio.sign("12345", RELAY)},
    "another address": {twilio.HEADER: twilio.sign(TOKEN, VOICE)},
    "the address over http": {twilio.HEADER: twilio.sign(TOKEN, "ws" + RELAY[3:])},
    "with fields": {twilio.HEADER: twilio.sign(TOKEN, RELAY, (("CallSid", "CA1"),))},
    "an empty one": {twilio.HEADER: ""},
}


@pytest.mark.parametrize("headers", SOCKETS.values(), ids=SOCKETS)
async def test_a_socket_with_a_wrong_signature_is_not_accepted(
    relay: str, sessions: MemorySessions, headers: Headers
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(relay, additional_headers=headers)
    assert refused.value.response.status_code == 403
    assert await is_empty(sessions)


async def test_without_telnyx_a_socket_without_a_signature_is_not_accepted() -> None:
    settings = read_settings(twilio_auth_token=TOKEN)
    async with MemorySessions([CLAIM], settings=settings) as sessions:
        app = create_app(sessions, access=Made("default"), forms=Forms(), public_url=PUBLIC)
        async with served(app) as url:
            with pytest.raises(InvalidStatus):
                await connect(f"ws{url[4:]}/twilio/relay")


@pytest.mark.parametrize(
    "kind", ["none", "made up", "used", "for a stream", "expired", "for no caller"]
)
async def test_a_socket_that_is_not_signed_needs_a_ticket_that_is_good(
    app: FastAPI, relay: str, sessions: MemorySessions, kind: str
) -> None:
    tickets: Tickets = app.state.gate.tickets
    talks = Principal(sessions.settings.tenant, frozenset({"talk"}), caller=CALLER)
    ticket = (await tickets.issue(talks, "stream" if kind == "for a stream" else "relay")).ticket
    if kind == "used":
        await tickets.redeem(ticket, "relay")
    if kind == "expired":
        ended = replace(talks, expires_at=time.time() - 1)
        ticket = (await tickets.issue(ended, "relay")).ticket
    if kind == "for no caller":
        ticket = (await tickets.issue(replace(talks, caller=None), "relay")).ticket
    if kind == "made up":
        ticket = "tt_" + "A" * 43
    parameters = {"form": "claim", "language": "en-US", "ticket": ticket}
    if kind == "none":
        del parameters["ticket"]
    line = Caller(await connect(relay))
    setup = {"callSid": "CA1", "from": CALLER, "to": "+1", "customParameters": parameters}
    await line.sends(type="setup", **setup)
    assert (await line.until_closed())[0] == 1008
    assert await is_empty(sessions)


@pytest.mark.parametrize("signed", [{"auth_token": TOKEN}, {"telnyx_key": KEY}], ids=["T", "X"])
async def test_a_signed_call_goes_on_over_a_lost_socket_on_a_second_leg(
    app: FastAPI, sessions: MemorySessions, signed: Mapping[str, object]
) -> None:
    async with calling(app, "claim", public_url=PUBLIC, **signed) as call:  # type: ignore[arg-type]  # one of two
        assert await call.ring() == "Hello. Policy number?"
        assert await call.say("4321") == "Was anything stolen?"
        await call.drop()
        assert (await call.carry_on()).endswith("Was anything stolen?")
    state = await sessions.state(await sessions.session_id("claim", CALLER))
    assert (len(state.legs), state.form_answers) == (2, {"policy": "4321"})


async def test_whose_call_it_is_says_the_signed_webhook_and_not_the_socket(
    app: FastAPI, sessions: MemorySessions
) -> None:
    lies = {"from": "+14155550111"}
    async with calling(app, "claim", public_url=PUBLIC, telnyx_key=KEY, setup=dict(lies)) as call:
        await call.ring()
        await call.say("4321")
    own = await sessions.session_id("claim", CALLER)
    assert [session.session_id async for session in sessions.list()] == [own]


async def test_a_call_of_another_tenants_account_is_not_taken_where_only_one_is_served() -> None:
    settings = read_settings(twilio_auth_token=f"acme:{TOKEN}")
    async with MemorySessions([CLAIM], settings=settings) as sessions:
        app = create_app(sessions, access=Made("default"), forms=Forms(), public_url=PUBLIC)
        assert (await post(app, by_twilio())).status_code == 403


class Both:
    """The sessions of two tenants."""

    def __init__(self, *sessions: MemorySessions) -> None:
        self._sessions = {one.settings.tenant: one for one in sessions}

    def of(self, tenant: str) -> MemorySessions:
        return self._sessions[tenant]


@pytest.mark.parametrize("kind", ["twilio", "telnyx"])
async def test_a_call_is_of_the_tenant_whose_account_signed_it(kind: str) -> None:
    accounts = {"twilio_auth_token": f"{TOKEN},acme:{NEXT_TOKEN}"}
    accounts["telnyx_public_key"] = f"{public(KEY)},acme:{public(OTHER_KEY)}"
    signs: dict[str, object] = {"auth_token": NEXT_TOKEN}
    if kind == "telnyx":
        signs = {"telnyx_key": OTHER_KEY}
    home = MemorySessions([CLAIM], settings=read_settings(**accounts))
    acme = MemorySessions([CLAIM], settings=read_settings(tenant="acme"))
    app = create_app(home, access=Made("default"), tenants=Both(home, acme), public_url=PUBLIC)
    async with home, acme, calling(app, "claim", public_url=PUBLIC, **signs) as call:  # type: ignore[arg-type]  # one of two
        await call.ring()
        assert await is_empty(home)
        assert not await is_empty(acme)


class Away:
    """Where tickets are noted, and it cannot be reached."""

    async def put(self, name: str, sealed: bytes, seconds: int) -> None:
        raise StoreUnavailable("the key store cannot be reached (a test said so)")

    async def take(self, name: str) -> bytes | None:
        raise StoreUnavailable("the key store cannot be reached (a test said so)")


@pytest.fixture
def away(app: FastAPI) -> None:
    app.state.gate.tickets = Tickets(Away())


@pytest.mark.usefixtures("away")
async def test_a_call_whose_ticket_cannot_be_noted_is_asked_to_ring_again(app: FastAPI) -> None:
    said, end = fromstring((await post(app, by_telnyx())).content)
    assert (said.text, end.tag) == (sentences.CALL_LATER, "Hangup")


@pytest.mark.usefixtures("away")
async def test_a_socket_whose_ticket_cannot_be_read_fails_so_that_it_is_opened_again(
    relay: str, sessions: MemorySessions
) -> None:
    line = Caller(await connect(relay))
    setup = {"callSid": "CA1", "from": CALLER, "customParameters": {"ticket": "tt_1"}}
    await line.sends(type="setup", **setup)
    assert (await line.until_closed())[0] == 1011
    assert await is_empty(sessions)
