"""What a reviewer asks beside the large promises: modes of files, redirects, credentials, logs."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.contract import DELIVERY_REFUSED, Submission
from activities.delivery import deliver
from tests.channels.http_calls import FORM, Forms, client
from tests.channels.issuer import AUDIENCE, ISSUER, Issuer
from tests.security.codec_reading import FORM_FILE, OneForm, app_of, asking, stored
from tests.security.conftest import SESSION, Place
from turnkeeper.errors import FormError, KeyUnknown, SettingsError, Unauthenticated
from turnkeeper.forms.load import parse_form
from turnkeeper.forms.model import Deliver
from turnkeeper.gateway.access.api_keys import ApiKeys
from turnkeeper.gateway.access.jwks import Jwks
from turnkeeper.gateway.access.principal import Principal
from turnkeeper.gateway.access.tokens import Tokens
from turnkeeper.gateway.app import create_app
from turnkeeper.mcp_server.entrance import Entrance
from turnkeeper.testing import MemorySessions
from worker.data_folder import DataFolder


def test_a_data_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    made, given = tmp_path / "made", tmp_path / "given"
    given.mkdir(mode=0o750)
    for folder in (made, given):
        DataFolder(folder).make()
    assert made.stat().st_mode & 0o777 == 0o700
    assert given.stat().st_mode & 0o777 == 0o750


def test_a_principal_is_printed_without_its_caller() -> None:
    assert "+1415" not in repr(Principal("acme", frozenset(), caller="+14155550100"))


# --- delivery -------------------------------------------------------------------------------------


def submission(url: str, authorization: str | None = None) -> Submission:
    return Submission(
        to=Deliver(url=url, authorization=authorization),
        idempotency_key="k",
        session_id=SESSION.workflow_id,
        form="claim",
        version="1",
        answers={},
        submitted_at=datetime.now(UTC),
    )


@asynccontextmanager
async def answering(head: str, body: bytes = b"", times: int = 1) -> AsyncIterator[list[str]]:
    """A receiver's address, and then the paths that were asked for."""
    seen: list[str] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append((await reader.readuntil(b"\r\n\r\n")).decode().split(" ")[1])
        writer.write(f"HTTP/1.1 {head}\r\n\r\n".encode())
        try:
            for _ in range(times):
                writer.write(body)
                await writer.drain()
        except ConnectionError:
            seen.append("cut off")
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        seen.append(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/claims")
        yield seen


async def test_a_receivers_redirect_takes_neither_form_nor_credential_along(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CLAIMS_TOKEN", "Bearer s3cret")
    async with answering("307 There\r\nLocation: /elsewhere\r\nContent-Length: 0") as seen:
        with pytest.raises(ApplicationError, match="HTTP 307") as failed:
            await ActivityEnvironment().run(deliver, submission(seen[0], "env:CLAIMS_TOKEN"))
    assert seen[1:] == ["/claims"]
    assert not failed.value.non_retryable


async def test_a_receivers_answer_is_not_read_however_long_it_is() -> None:
    """Else it fills the worker's memory: here are 256 MiB."""
    async with answering("200 OK", b"x" * 2**20, times=2**8) as seen:
        assert await ActivityEnvironment().run(deliver, submission(seen[0])) == 200
        async with asyncio.timeout(5):
            while seen[2:] != ["cut off"]:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("name", ["TURNKEEPER_KEY_STORE", "AWS_SECRET_ACCESS_KEY", "TENANT_KEYS"])
async def test_who_writes_forms_can_not_have_the_workers_own_secrets_sent(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "s3cret")
    monkeypatch.setenv("TURNKEEPER_KEYS", "env:TENANT_KEYS")
    async with answering("200 OK\r\nContent-Length: 0") as seen:
        with pytest.raises(ApplicationError, match=name) as failed:
            await ActivityEnvironment().run(deliver, submission(seen[0], f"env:{name}"))
    assert failed.value.type == DELIVERY_REFUSED
    assert "s3cret" not in str(failed.value)
    assert len(seen) == 1


@pytest.mark.parametrize("name", ["TURNKEEPER_KEY_STORE", "TEMPORAL_API_KEY", "AWS_PROFILE"])
def test_a_form_that_asks_for_them_does_not_load(name: str) -> None:
    deliver = f"deliver: {{url: 'https://example.com', authorization: 'env:{name}'}}"
    with pytest.raises(FormError, match="the worker's own"):
        parse_form(f"{deliver}\n{FORM_FILE}")


# --- who may --------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["scopes = 'erase operate talk'", "tenant = 'other'"])
async def test_who_writes_to_the_table_of_api_keys_gives_none_more_than_it_had(
    change: str, place: Place
) -> None:
    keys = ApiKeys.of(place.settings())
    key = await keys.make("agent", "acme", ("talk",), None)
    assert (await keys.principal(key)).scopes == {"talk"}
    with sqlite3.connect(place.folder / "keys.db") as database:
        assert database.execute(f"UPDATE api_keys SET {change}").rowcount == 1
    with pytest.raises(Unauthenticated, match="not the API key"):
        await ApiKeys.of(place.settings()).principal(key)


async def test_a_missing_scope_is_logged_with_the_key_and_nobodys_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    issuer = Issuer()
    tokens = Tokens(Jwks(issuer.settings(tmp_path)["jwt_jwks"]), ISSUER, AUDIENCE)
    app = create_app(MemorySessions([FORM]), access=tokens, forms=Forms())
    token = issuer.token("read", sub="ann@example.com")
    async with client(app) as http:
        http.headers["Authorization"] = f"Bearer {token}"
        refused = await http.post("/v1/sessions", json={"form": "claim", "caller": "b"})
    assert refused.status_code == 403
    assert "a scope was missing" in caplog.text
    assert "ES256" in caplog.text
    assert "ann@example.com" not in caplog.text


@pytest.mark.parametrize("error", [KeyUnknown("k-7"), SettingsError("s-8")], ids=type)
async def test_over_mcp_a_key_that_is_not_here_is_a_503_and_says_nothing(error: Exception) -> None:
    class Broken:
        async def principal(self, token: str | None) -> Principal:
            raise error

    transport = httpx.ASGITransport(Entrance(FastAPI(), Broken(), "default"))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        refused = await http.get("/mcp")
    assert refused.status_code == 503
    assert str(error) not in refused.text


async def test_who_reads_payloads_is_logged_and_what_they_read_is_kept_by_no_cache(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    payload = await stored(place, {"answers": {"story": "a fire"}})
    codec = asking(app_of(place, MemorySessions([]), OneForm()))
    read = await codec.raw("/default/decode", payload, token="acme")
    await codec.raw("/default/decode", payload, token="nobody's")
    assert read.headers["cache-control"] == "no-store"
    assert "payloads are read" in caplog.text
    assert "a token was refused" in caplog.text
    assert "fire" not in caplog.text
    assert "nobody's" not in caplog.text
