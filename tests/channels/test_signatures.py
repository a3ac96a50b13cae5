"""What Twilio and Telnyx sign: their algorithms by vectors, and a gateway by calls that are not
theirs. Vectors that Twilio has not published were made with its own library (`twilio` 9.13.0)."""

import base64
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from urllib.parse import urlencode
from xml.etree.ElementTree import fromstring

import httpx
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from structlog.testing import capture_logs
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.channels.streaming import Caller
from tests.channels.test_twilio import CALLER, CLAIM, Forms
from turnkeeper.errors import SettingsError, StoreUnavailable
from turnkeeper.gateway.access.principal import Principal
from turnkeeper.gateway.access.tickets import Tickets
from turnkeeper.gateway.access.ways import Made
from turnkeeper.gateway.app import create_app
from turnkeeper.gateway.signatures import telnyx, twilio
from turnkeeper.gateway.signatures.accounts import Account, Accounts, accounts_of
from turnkeeper.gateway.twilio import sentences
from turnkeeper.gateway.twilio.platforms import FORM_TYPE
from turnkeeper.relay_caller import calling, served
from turnkeeper.settings import read_settings
from turnkeeper.testing import MemorySessions

PUBLIC = "https://voice.example.com"
VOICE = f"{PUBLIC}/twilio/voice?form=claim"
ACTION = f"{PUBLIC}/twilio/action?form=claim&failed=0"
RELAY = "wss://voice.example.com/twilio/relay"
TOKEN, NEXT_TOKEN = "8f1d2c0a", "77c0ab31"
KEY, OTHER_KEY = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
CALL = {"CallSid": "CA1", "From": CALLER, "To": "+14155550199", "Direction": "inbound", "Empty": ""}
SPOKEN_AT = f"{PUBLIC}/twilio/action?form=claim&hints=a%3Cb%3E+c&failed=0"
SPOKEN = {
    "CallSid": "CA1",
    "From": CALLER,
    "Empty": "",
    "To": "+14155550199",
    "SpeechResult": 'vier & "fünf"',
}


def public(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


# --- the algorithms -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("secret", "url", "fields", "algorithm", "signature"),
    [
        pytest.param(
            "12345",
            "https://mycompany.com/myapp.php?foo=1&bar=2",
            {
                "CallSid": "CA1234567890ABCDE",
                "Caller": "+14158675309",
                "Digits": "1234",
                "From": "+14158675309",
                "To": "+18005551212",
            },
            "HMAC_SHA1",
            "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
            id="published by Twilio",
        ),
        ("s3cret", SPOKEN_AT, SPOKEN, "HMAC_SHA1", "O0A8kiBrMao7QbDGOvNKIT9essE="),
        (
            "s3cret",
            SPOKEN_AT,
            SPOKEN,
            "HMAC_SHA256",
            "WBkh2LoPBNirVuhQkKDLkA23at0GQqgkDjKIAeJcyC4=",
        ),
        ("s3cret", RELAY, {}, "HMAC_SHA1", "05qltcpWTy2kMxm0Ke0z1hAY+n0="),
    ],
)
def test_twilios_signature_is_as_twilio_makes_it(
    secret: str, url: str, fields: Mapping[str, str], algorithm: str, signature: str
) -> None:
    assert twilio.sign(secret, url, tuple(fields.items()), algorithm) == signature


@pytest.mark.parametrize("place", ["voice.example.com", "voice.example.com:443", "[::1]:8080"])
@pytest.mark.parametrize("signed", ["voice.example.com", "voice.example.com:443", "[::1]"])
def test_an_address_may_be_signed_with_or_without_its_port(place: str, signed: str) -> None:
    account = Account("acme", TOKEN)
    signature = twilio.sign(TOKEN, f"https://{signed}/twilio/voice?form=claim")
    found = twilio.signer([account], signature, "", f"https://{place}/twilio/voice?form=claim")
    assert (found is account) is (place[:2] == signed[:2])


def test_a_socket_may_be_signed_with_a_slash_at_the_end() -> None:
    account = Account("acme", TOKEN)
    assert twilio.signer([account], twilio.sign(TOKEN, RELAY + "/"), "", RELAY) is account
    assert twilio.signer([account], twilio.sign(TOKEN, VOICE + "/"), "", VOICE) is None


def test_a_shared_keys_signature_is_what_its_header_says_and_no_other() -> None:
    account = Account("acme", TOKEN)
    signature = twilio.sign(TOKEN, VOICE, algorithm="HMAC_SHA256")
    named = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"
    assert twilio.signer([account], signature, named, VOICE) is account
    assert twilio.signer([account], signature, "", VOICE) is None
    assert twilio.signer([account], signature, "algorithm=HMAC_MD5", VOICE) is None


def test_the_accounts_of_a_setting_have_their_tenants_and_hide_their_secrets() -> None:
    found = accounts_of(f"{TOKEN}, {NEXT_TOKEN},acme:5ec2e7", "home")
    assert [(one.tenant, one.secret) for one in found] == [
        ("home", TOKEN),
        ("home", NEXT_TOKEN),
        ("acme", "5ec2e7"),
    ]
    assert accounts_of(None, "home") == ()
    settings = read_settings(twilio_auth_token=TOKEN, telnyx_public_key=public(KEY))
    told = f"{found!r} {Accounts.of(settings)!r} {settings!r}"
    assert not any(secret in told for secret in (TOKEN, NEXT_TOKEN, "5ec2e7", public(KEY)))


@pytest.mark.parametrize("setting", ["acme:", f"{TOKEN},acme:", f"acme:,{TOKEN}", ":", "a:b:"])
def test_an_account_without_a_secret_is_none(setting: str) -> None:
    """What is signed with nothing, anybody can sign."""
    with pytest.raises(SettingsError, match="twilio-auth-token can't be used"):
        read_settings(twilio_auth_token=setting)
    with pytest.raises(SettingsError, match="an account has no secret"):
        accounts_of(setting, "home")


@pytest.mark.parametrize("seconds", [-301, 302])
def test_telnyx_signed_it_just_now(seconds: int) -> None:
    accounts = (Account("acme", public(OTHER_KEY)), Account("home", public(KEY)))
    then, now = str(int(time.time()) + seconds), str(int(time.time()))
    assert telnyx.signer(accounts, telnyx.sign(KEY, b"a=b", now), now, b"a=b") == accounts[1]
    assert telnyx.signer(accounts, telnyx.sign(KEY, b"a=b", then), then, b"a=b") is None


# --- webhooks -------------------------------------------------------------------------------------

ACCOUNTS = {
    "twilio_auth_token": f"{TOKEN},{NEXT_TOKEN}",
    "telnyx_public_key": public(KEY),
}


@pytest_asyncio.fixture(loop_scope="session")
async def sessions() -> AsyncIterator[MemorySessions]:
    async with MemorySessions([CLAIM], settings=read_settings(**ACCOUNTS)) as sessions:
        yield sessions


@pytest.fixture
def app(sessions: MemorySessions) -> FastAPI:
    access = Made(sessions.settings.tenant)
    return create_app(sessions, access=access, forms=Forms(), public_url=PUBLIC)


@pytest.fixture(scope="module")
def shared() -> FastAPI:
    """One for all whose tests open nothing."""
    sessions = MemorySessions([CLAIM], settings=read_settings(**ACCOUNTS))
    return create_app(sessions, access=Made("default"), forms=Forms(), public_url=PUBLIC)


Headers = Mapping[str, str]


def by_twilio(token: str = TOKEN, url: str = VOICE, fields: Mapping[str, str] = CALL) -> Headers:
    return {twilio.HEADER: twilio.sign(token, url, tuple(fields.items()))}


def by_telnyx(key: Ed25519PrivateKey = KEY, seconds: int = 0, body: bytes | None = None) -> Headers:
    now = str(int(time.time()) + seconds)
    signature = telnyx.sign(key, urlencode(CALL).encode() if body is None else body, now)
    return {telnyx.HEADER: signature, telnyx.TIME_HEADER: now}


async def post(
    app: FastAPI, headers: Headers, url: str = VOICE, host: str = "voice.example.com"
) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="https://127.0.0.1") as client:
        path = url.removeprefix(PUBLIC)
        return await client.post(path, data=CALL, headers={"host": host, **headers})


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


# --- the relay's socket ---------------------------------------------------------------------------


async def is_empty(sessions: MemorySessions) -> bool:
    return [session async for session in sessions.list()] == []


@pytest_asyncio.fixture(loop_scope="session")
async def relay(app: FastAPI) -> AsyncIterator[str]:
    async with served(app) as url:
        yield f"ws{url[4:]}/twilio/relay"


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
