"""Nobody is let in who should not be: every HTTP route against every kind of token that is no good,
and what a good one reaches."""

import json
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from starlette.routing import BaseRoute, Route, WebSocketRoute

from tests.channels.credentials import BAD, Credentials
from tests.channels.http_calls import FORM, Forms, client
from tests.channels.issuer import AUDIENCE, ISSUER, Issuer
from tests.ids import id_of
from turnkeeper.errors import StoreUnavailable, Unauthenticated
from turnkeeper.gateway.access.jwks import Jwks
from turnkeeper.gateway.access.limits import Limits
from turnkeeper.gateway.access.principal import SCOPES, Scope
from turnkeeper.gateway.access.tokens import Tokens, tokens_of
from turnkeeper.gateway.app import create_app
from turnkeeper.gateway.http.models import path_of
from turnkeeper.settings import read_settings
from turnkeeper.testing import MemorySessions

ANN, BOB = "ann@example.com", "bob@example.com"
ONE = "/v1/sessions/{session_id}"
LEG = {"leg": 1, "epoch": "e"}
MUCH = "1000000/second"

GUARDED: dict[tuple[str, str], tuple[Scope | None, object]] = {
    ("POST", "/v1/sessions"): ("talk", {"form": "claim", "caller": ANN}),
    ("GET", "/v1/sessions"): ("read", None),
    ("GET", ONE): ("read", None),
    ("DELETE", ONE): ("erase", None),
    ("GET", f"{ONE}/export"): ("erase", None),
    ("POST", f"{ONE}/turns"): ("talk", {**LEG, "utterance_id": "u1", "text": "4321"}),
    ("GET", f"{ONE}/transcript"): ("read", None),
    ("GET", f"{ONE}/events"): ("read", None),
    ("POST", f"{ONE}/hangup"): ("talk", LEG),
    ("POST", f"{ONE}/hand-off"): ("operate", {}),
    ("POST", f"{ONE}/cancel"): ("operate", {}),
    ("GET", "/v1/forms"): (None, None),
    ("GET", "/v1/forms/{form}/schema"): (None, None),
    ("POST", "/v1/tickets"): ("talk", {}),
    ("POST", "/v1/chat/completions"): ("talk", {"model": "claim", "user": ANN, "messages": []}),
    ("GET", "/v1/models"): (None, None),
    ("GET", "/v1/models/{form}"): (None, None),
    ("POST", "/dev/kill-worker"): ("operate", None),
}
"""Every route that takes a token: the scope that it needs, and a body that is right."""
PAGE = {"/", "/console/config.json", "/console/{name}"}
PUBLIC = {*PAGE, "/openapi.json", "/asyncapi.json", "/livez", "/readyz"}
"""What says nothing of anybody: the page, what describes the API, whether the process works."""
SIGNED = {"/twilio/voice", "/twilio/action"}
"""Webhooks, which their platforms sign: tests/channels/signatures."""
SOCKETS = {"/v1/stream", "/twilio/relay", "/retell/{form}/{call_id}"}
"""Their first message, or the platform's signature, lets in: tests of these channels."""


class MemoryTenants:
    """The sessions of any tenant, in memory."""

    def __init__(self) -> None:
        self._sessions: dict[str, MemorySessions] = {}

    def of(self, tenant: str) -> MemorySessions:
        if tenant not in self._sessions:
            settings = read_settings(tenant=tenant)
            self._sessions[tenant] = MemorySessions([FORM], settings=settings)
        return self._sessions[tenant]


@dataclass
class Guarded:
    """A gateway that takes API keys and tokens, and what is needed to be let in and refused."""

    app: FastAPI
    tenants: MemoryTenants
    issuer: Issuer
    bad: dict[str, str | None]
    killed: list[int] = field(default_factory=list)


async def guarded(folder: Path) -> Guarded:
    given, tenants, killed = Credentials.made(folder), MemoryTenants(), [0]

    async def kill() -> None:
        killed[0] += 1

    app = create_app(
        tenants.of("default"), access=given.access, tenants=tenants, forms=Forms(), kill_worker=kill
    )
    app.state.gate.limits = Limits(MUCH, MUCH, failures=MUCH)
    bad = {name: await make(given) for name, make in BAD.items()}
    return Guarded(app, tenants, given.issuer, {"no token": None, **bad}, killed)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def gate(tmp_path_factory: pytest.TempPathFactory) -> Guarded:
    return await guarded(tmp_path_factory.mktemp("access"))


@pytest_asyncio.fixture(loop_scope="session")
async def http(gate: Guarded) -> AsyncIterator[httpx.AsyncClient]:
    async with client(gate.app) as http:
        yield http


def bearer(token: str | None) -> dict[str, str]:
    return {} if token is None else {"authorization": f"Bearer {token}"}


async def ask(
    http: httpx.AsyncClient, route: tuple[str, str], token: str | None, session_id: str = ""
) -> httpx.Response:
    method, path = route
    _, body = GUARDED[route]
    where = path.replace(ONE, path_of(session_id or id_of("claim", ANN)))
    where = where.replace("{form}", "claim")
    return await http.request(method, where, json=body, headers=bearer(token))


# --- every route ----------------------------------------------------------------------------------


def routes(of: Sequence[BaseRoute]) -> Iterator[BaseRoute]:
    """All of them: newer FastAPIs keep those of an included router in it."""
    for route in of:
        included = getattr(route, "original_router", None)
        yield from [route] if included is None else routes(included.routes)


def test_every_route_of_the_gateway_is_in_the_table(gate: Guarded) -> None:
    found = list(routes(gate.app.routes))
    plain = [route for route in found if isinstance(route, Route)]
    ways = {(method, one.path) for one in plain for method in one.methods or ()}
    guarded = {way for way in ways if way[1] not in PUBLIC | SIGNED}
    assert guarded == GUARDED.keys()
    assert {path for _, path in ways - guarded} == PUBLIC | SIGNED
    sockets = {route.path for route in found if isinstance(route, WebSocketRoute)}
    assert sockets == SOCKETS
    assert len(plain) + len(sockets) == len(found)


@pytest.mark.parametrize("route", GUARDED, ids=" ".join)
async def test_a_token_that_is_no_good_is_refused_and_told_nothing(
    route: tuple[str, str], gate: Guarded, http: httpx.AsyncClient
) -> None:
    told = set()
    for name, token in gate.bad.items():
        refused = await ask(http, route, token)
        assert refused.status_code == 401, name
        assert refused.headers["www-authenticate"] == "Bearer"
        told.add(refused.content)
    assert len(told) == 1
    assert [one async for one in gate.tenants.of("default").list()] == []
    assert gate.killed == [0]


@pytest.mark.parametrize("route", [r for r, (scope, _) in GUARDED.items() if scope], ids=" ".join)
async def test_without_its_scope_a_token_is_refused(
    route: tuple[str, str], gate: Guarded, http: httpx.AsyncClient
) -> None:
    needed = GUARDED[route][0]
    others = " ".join(scope for scope in SCOPES if scope != needed)
    refused = await ask(http, route, gate.issuer.token(f"{others} admin"))
    assert refused.status_code == 403
    assert f"scope {needed}" in refused.text
    assert gate.killed == [0]


@pytest.mark.parametrize("route", [route for route in GUARDED if ONE in route[1]], ids=" ".join)
async def test_what_is_anothers_looks_like_what_is_not_there(
    route: tuple[str, str], gate: Guarded, http: httpx.AsyncClient
) -> None:
    """Another tenant's session, and another caller's of the same tenant."""
    sessions = gate.tenants.of("held")
    ann = (await sessions.open("claim", ANN)).id
    nobody = id_of("claim", "nobody", "held")
    everything = " ".join(SCOPES)
    bob = gate.issuer.token(everything, sub=BOB, claims={"tenant": "held"})
    for token in (gate.issuer.token(), bob):
        there, absent = await ask(http, route, token, ann), await ask(http, route, token, nobody)
        assert there.status_code == absent.status_code == 404
        assert there.content == absent.content
        assert there.headers == absent.headers
    assert (await sessions.state(ann)).status == "collecting"


# --- who is let in --------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_every_allowed_algorithm_is_taken_and_only_with_its_own_kind_of_key(
    algorithm: str, tmp_path: Path
) -> None:
    issuer = Issuer(algorithm)
    tokens = Tokens(Jwks(issuer.settings(tmp_path)["jwt_jwks"]), ISSUER, AUDIENCE)
    token = issuer.token("talk other", algorithm=algorithm)
    principal = await tokens.principal(token)
    assert principal.scopes == {"talk"}
    assert (principal.tenant, principal.caller, principal.key_id) == ("default", None, algorithm)


@pytest.mark.parametrize("typ", [None, "JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"])
async def test_a_token_may_say_that_it_is_one(typ: str | None, gate: Guarded) -> None:
    token = gate.issuer.token("talk", headers={"typ": typ})
    assert (await gate.app.state.gate.access.principal(token)).scopes == {"talk"}


async def test_a_token_may_be_good_for_as_long_as_the_setting_says(tmp_path: Path) -> None:
    issuer, now = Issuer(), int(time.time())
    settings = read_settings(**issuer.settings(tmp_path), jwt_longest_life=3600)
    taken, refused = (issuer.token(claims={"iat": now, "exp": now + n}) for n in (3600, 3601))
    assert (await tokens_of(settings).principal(taken)).key_id == "ES256"
    with pytest.raises(Unauthenticated, match="TURNKEEPER_JWT_LONGEST_LIFE"):
        await tokens_of(settings).principal(refused)


@pytest.mark.parametrize("scope", ["", "talk", "talk caller", "tenants", "Tenant"])
async def test_a_token_that_is_not_said_to_be_the_tenants_is_one_callers(
    scope: str, gate: Guarded
) -> None:
    principal = await gate.app.state.gate.access.principal(gate.issuer.token(scope, sub=ANN))
    assert principal.caller == ANN


@pytest.mark.parametrize(
    "sub",
    [
        "4155550100", "1 415 555 0100", "+1 (415) 555-0100", "tel:+14155550100",
        "sip:+14155550100@evil.example", "+\uff1114155550100", "Ann@example.com", " ann",
        "anonymous",
    ],
)  # fmt: skip
async def test_a_sub_that_another_sub_can_be_read_as_is_refused(sub: str, gate: Guarded) -> None:
    with pytest.raises(Unauthenticated, match="normal form"):
        await gate.app.state.gate.access.principal(gate.issuer.token("talk", sub=sub))


@pytest.mark.parametrize(
    "sub", ["+14155550100", "auth0|64f1", "a/b c%2F", "ann@example.com", "10769150350006150715113"]
)
async def test_a_sub_in_its_normal_form_is_taken_as_it_is(sub: str, gate: Guarded) -> None:
    principal = await gate.app.state.gate.access.principal(gate.issuer.token("talk", sub=sub))
    assert principal.caller == sub


async def test_an_end_user_reaches_their_own_session_and_no_other(
    gate: Guarded, http: httpx.AsyncClient
) -> None:
    token = gate.issuer.token("talk read", sub=ANN, claims={"tenant": "users"})
    http.headers.update(bearer(token))
    opened = await http.post("/v1/sessions", json={"form": "claim", "caller": ANN.upper()})
    assert opened.status_code == 201
    assert (await http.get(opened.headers["location"])).json()["status"] == "collecting"
    other = await http.post("/v1/sessions", json={"form": "claim", "caller": BOB})
    assert other.status_code == 403
    chat = {"model": "claim", "user": BOB, "messages": []}
    assert (await http.post("/v1/chat/completions", json=chat)).status_code == 403
    assert (await http.get("/v1/sessions")).status_code == 403
    listed = [one.session_id async for one in gate.tenants.of("users").list()]
    assert listed == [opened.json()["session_id"]]


# --- the issuer's keys ----------------------------------------------------------------------------


async def test_the_last_good_keys_are_kept_while_the_issuer_is_out_of_reach(tmp_path: Path) -> None:
    issuer, now = Issuer("ES256"), [0.0]
    source = issuer.settings(tmp_path)["jwt_jwks"]
    keys = Jwks(source, clock=lambda: now[0])
    assert await keys.find("ES256")
    (tmp_path / "jwks.json").unlink()
    for hours in (1, 2, 23):
        now[0] = hours * 3600.0
        assert await keys.find("ES256")
        if keys._fetching is not None:
            await keys._fetching
    with pytest.raises(StoreUnavailable):  # Whether there is such a key, nobody can say now.
        await keys.find("new")
    now[0] = 25 * 3600.0
    with pytest.raises(StoreUnavailable):
        await keys.find("ES256")


@pytest.mark.parametrize("said", [{"use": "enc"}, {"key_ops": ["encrypt"]}, {"key_ops": "verify"}])
async def test_a_key_that_is_for_something_else_is_not_taken(
    said: dict[str, object], tmp_path: Path
) -> None:
    file = tmp_path / "jwks.json"
    (described,) = json.loads(Issuer("ES256").jwks())["keys"]
    file.write_text(json.dumps({"keys": [described, {**described, **said, "kid": "other"}]}))
    keys = Jwks(f"file:{file}")
    assert await keys.find("ES256")
    assert await keys.find("other") is None


async def test_a_new_key_is_found_and_made_up_ids_are_no_burden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer, now = Issuer("ES256"), [0.0]
    keys = Jwks(issuer.settings(tmp_path)["jwt_jwks"], clock=lambda: now[0])
    assert await keys.find("EdDSA") is None
    issuer = Issuer("ES256", "EdDSA")
    issuer.settings(tmp_path)
    assert [await keys.find(f"made-up-{n}") for n in range(50)] == [None] * 50
    assert await keys.find("EdDSA") is None  # It was asked a moment ago.
    now[0] = 11.0
    assert await keys.find("EdDSA")


# --- limits ---------------------------------------------------------------------------------------


async def test_over_its_rate_a_tenant_is_told_when_to_come_back(tmp_path: Path) -> None:
    gate = await guarded(tmp_path)
    gate.app.state.gate.limits = Limits("3/minute", "1/minute", failures="2/minute")
    async with client(gate.app) as http:
        ann = bearer(gate.issuer.token())
        body = {"form": "claim", "caller": ANN}
        assert (await http.post("/v1/sessions", json=body, headers=ann)).status_code == 201
        over = await http.post("/v1/sessions", json=body, headers=ann)
        assert (over.status_code, over.headers["retry-after"]) == (429, "60")
        assert (await http.get("/v1/forms", headers=ann)).status_code == 200
        assert (await http.get("/v1/forms", headers=ann)).status_code == 429
        other = bearer(gate.issuer.token(claims={"tenant": "other"}))
        assert (await http.get("/v1/forms", headers=other)).status_code == 200
        got = [(await http.get("/v1/forms")).status_code for _ in range(3)]
        assert got == [401, 401, 429]
        assert (await http.get("/v1/forms", headers=other)).status_code == 200


# --- browsers and logs ----------------------------------------------------------------------------


async def test_a_web_site_is_let_in_if_it_is_on_the_list_and_nothing_is_kept_by_caches(
    tmp_path: Path,
) -> None:
    settings = read_settings(origins="https://shop.example.com")
    issuer = Issuer("ES256")
    tokens = Tokens(Jwks(issuer.settings(tmp_path)["jwt_jwks"]), ISSUER, AUDIENCE)
    sessions = MemorySessions([FORM], settings=settings)
    async with client(create_app(sessions, access=tokens, forms=Forms())) as http:
        asked = {"access-control-request-method": "POST"}
        asked |= {"access-control-request-headers": "authorization"}
        shop = {"origin": "https://shop.example.com"}
        allowed = await http.options("/v1/sessions", headers={**shop, **asked})
        assert allowed.headers["access-control-allow-origin"] == shop["origin"]
        got = await http.get("/v1/forms", headers={**shop, **bearer(issuer.token())})
        assert got.headers["access-control-allow-origin"] == shop["origin"]
        assert got.headers["cache-control"] == "no-store"
        evil = {"origin": "https://evil.example"}
        assert (await http.options("/v1/sessions", headers={**evil, **asked})).status_code == 403


async def test_a_refused_token_is_in_no_log_and_its_known_key_is(
    gate: Guarded, http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    token = gate.issuer.token(claims={"exp": 1, "sub": ANN})
    await http.get("/v1/forms", headers=bearer(token))
    assert "ExpiredSignatureError" in caplog.text
    assert "ES256" in caplog.text
    assert ANN not in caplog.text
    assert token.split(".")[2] not in caplog.text
