"""The gateway's door: whom it answers, where it listens, how it stops."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI, WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from turnkeeper.errors import SettingsError
from turnkeeper.gateway.access.ways import Open
from turnkeeper.gateway.app import create_app
from turnkeeper.gateway.serve import listen, serve, url_of
from turnkeeper.testing import MemorySessions


@pytest_asyncio.fixture(loop_scope="session")
async def app() -> AsyncIterator[FastAPI]:
    """The gateway with a socket that waits, in an application of somebody."""
    async with MemorySessions([]) as sessions:
        app = create_app(sessions, access=Open(), public_url="https://voice.example.com/")

        @app.websocket("/waits")
        async def waits(socket: WebSocket) -> None:
            await socket.accept()
            await socket.receive_text()

        yield app


async def answered(app: FastAPI, **headers: str) -> int:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        return (await client.get("/openapi.json", headers=headers)).status_code


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8080", "localhost:8080", "[::1]:8080", "voice.example.com"]
)
async def test_it_answers_under_its_own_names(app: FastAPI, host: str) -> None:
    assert await answered(app, host=host) == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "[", "localhost.", ""])
async def test_a_name_that_was_rebound_to_loopback_is_refused(app: FastAPI, host: str) -> None:
    assert await answered(app, host=host) == 421


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:8080", "https://evil.example"),
        ("127.0.0.1:8080", "null"),
        ("127.0.0.1:8080", "http://127.0.0.1.evil.example"),
        ("127.0.0.1:8080", "http://127.0.0.1:3000"),
        ("127.0.0.1:8080", "http://[1:8080"),
        ("voice.example.com", "http://voice.example.com"),
        ("voice.example.com", "https://voice.example.com:8443"),
        ("voice.example.com", "http://localhost:3000"),
    ],
)
async def test_a_page_of_another_origin_is_refused(app: FastAPI, host: str, origin: str) -> None:
    assert await answered(app, host=host, origin=origin) == 403


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("localhost:8080", "http://localhost:8080"),
        ("voice.example.com", "https://voice.example.com"),
    ],
)
async def test_a_page_of_the_gateway_may_use_it(app: FastAPI, host: str, origin: str) -> None:
    assert await answered(app, host=host, origin=origin) == 200


@contextmanager
def taken() -> Iterator[int]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen()
        yield bound.getsockname()[1]


def test_a_taken_port_is_a_sentence() -> None:
    with taken() as port, pytest.raises(SettingsError, match=f"Port {port} .*--gateway-port"):
        listen("127.0.0.1", port)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.10", "::"])
def test_an_address_that_others_reach_needs_a_name(host: str) -> None:
    with pytest.raises(SettingsError, match="TURNKEEPER_PUBLIC_URL"):
        listen(host, 0)


def test_with_a_name_it_binds_anywhere() -> None:
    with listen("0.0.0.0", 0, "https://voice.example.com") as bound:
        assert bound.getsockname()[0] == "0.0.0.0"


async def test_when_it_stops_open_sockets_hear_that_the_service_restarts(app: FastAPI) -> None:
    bound, up = listen("127.0.0.1", 0), asyncio.Event()
    url = url_of(bound).replace("http", "ws")
    serving = asyncio.ensure_future(serve(app, bound, ready=up.set))
    await up.wait()
    async with connect(url + "/waits") as line:
        serving.cancel()
        with pytest.raises(ConnectionClosed) as closed:
            await line.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
    with pytest.raises(asyncio.CancelledError):
        await serving
