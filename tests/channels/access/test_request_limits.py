"""What a stranger may send before it is known who they are: raw bytes on a real port."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import chain, count, repeat

import pytest
import pytest_asyncio
from fastapi import FastAPI
from websockets.asyncio.client import connect

from tests.channels.http_calls import FORM, Forms
from turnkeeper.contract import DEFAULT_TENANT
from turnkeeper.gateway import bounded
from turnkeeper.gateway.access.ways import Made
from turnkeeper.gateway.app import create_app
from turnkeeper.gateway.serve import listen
from turnkeeper.relay_caller import served
from turnkeeper.testing import MemorySessions

BUFFERS = 16 * 1024 * 1024
"""What the two ends of a connection on this machine may hold between them, at most."""
MADE = Made(DEFAULT_TENANT)
BEARER = f"Authorization: Bearer {MADE.token}\r\n".encode()

Pieces = Iterator[bytes]


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return create_app(MemorySessions([FORM]), access=MADE, forms=Forms())


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def port(app: FastAPI) -> AsyncIterator[int]:
    async with served(app) as url:
        yield int(url.rpartition(":")[2])


@asynccontextmanager
async def wire(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def poured(port: int, pieces: Pieces) -> tuple[int, bytes]:
    """Sends until the connection is cut: how many bytes that took, and what came back."""
    sent, answer = 0, bytearray()

    async def read(reader: asyncio.StreamReader) -> None:
        with suppress(ConnectionError):
            while some := await reader.read(65536):
                answer.extend(some)

    async with asyncio.timeout(30), wire(port) as (reader, writer):
        reading = asyncio.ensure_future(read(reader))
        with suppress(ConnectionError):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                sent += len(piece)
                assert sent <= 4 * BUFFERS, "it takes all that comes"
                await asyncio.sleep(0)
                if reading.done():
                    break
        await reading
    return sent, bytes(answer)


async def trickled(port: int, pieces: Pieces) -> bytes:
    """Sends a piece every 50 ms until the connection is cut: what came back."""
    async with asyncio.timeout(30), wire(port) as (reader, writer):
        reading = asyncio.ensure_future(reader.read())
        with suppress(ConnectionError):
            for piece in pieces:
                writer.write(piece)
                await asyncio.wait({reading}, timeout=0.05)
                if reading.done():
                    break
        with suppress(ConnectionError):
            return await reading
    return b""


def head(method: str, path: str, more: bytes = b"") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode() + more


def chunks(size: int) -> Pieces:
    return repeat(f"{size:x}\r\n".encode() + b"a" * size + b"\r\n")


CHUNKED = b"Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n"
START = head("GET", "/v1/sessions")
SOCKET = head("GET", "/v1/stream", b"Connection: Upgrade\r\nUpgrade: websocket\r\n")
ENDLESS_HEADS: dict[str, Callable[[], Pieces]] = {
    "headers": lambda: chain([START], (b"x-%d: aaaa\r\n" % n * 64 for n in count())),
    "one header": lambda: chain([START, b"x: "], repeat(b"a" * 4096)),
    "a socket's headers": lambda: chain([SOCKET], (b"x-%d: aaaa\r\n" % n * 64 for n in count())),
    "a request line": lambda: chain([b"GET /"], repeat(b"a" * 4096)),
    "nothing of HTTP": lambda: repeat(b"\x16\x03\x01" + b"\0" * 4093),
}


@pytest.mark.parametrize("pieces", ENDLESS_HEADS.values(), ids=ENDLESS_HEADS)
async def test_a_head_without_an_end_is_refused_and_its_connection_closed(
    port: int, pieces: Callable[[], Pieces]
) -> None:
    sent, answer = await poured(port, pieces())
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
    assert sent <= BUFFERS


@pytest.mark.parametrize(
    ("path", "status"), [("/v1/sessions", b"401"), ("/twilio/voice", b"403"), ("/nowhere", b"404")]
)
async def test_a_strangers_body_without_an_end_is_answered_and_cut_off(
    port: int, path: str, status: bytes
) -> None:
    sent, answer = await poured(port, chain([head("POST", path, CHUNKED)], chunks(65536)))
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert bounded.MAX_UNREAD_BYTES < sent <= bounded.MAX_UNREAD_BYTES + BUFFERS


async def test_a_body_of_somebody_known_without_an_end_is_too(port: int) -> None:
    start = head("POST", "/v1/sessions", BEARER + CHUNKED)
    sent, answer = await poured(port, chain([start], chunks(65536)))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert sent <= bounded.MAX_UNREAD_BYTES + BUFFERS


SLOW: dict[str, Callable[[], Pieces]] = {
    "nothing at all": lambda: repeat(b""),
    "a header at a time": lambda: chain([START], (b"x-%d: a\r\n" % n for n in count())),
    "a chunk at a time, unknown": lambda: chain(
        [head("POST", "/twilio/voice", CHUNKED)], chunks(1)
    ),
    "a chunk at a time, known": lambda: chain(
        [head("POST", "/v1/sessions", BEARER + CHUNKED)], chunks(1)
    ),
    "a byte of a second request at a time": lambda: chain(
        [head("GET", "/livez") + b"\r\n"], repeat(b"G")
    ),
    "two requests, and of the second no body": lambda: chain(
        [head("GET", "/livez") + b"\r\n" + head("POST", "/v1/sessions", BEARER + CHUNKED)],
        repeat(b""),
    ),
}


@pytest.mark.parametrize("pieces", SLOW.values(), ids=SLOW)
async def test_a_request_has_its_time_and_no_more(
    port: int, monkeypatch: pytest.MonkeyPatch, pieces: Callable[[], Pieces]
) -> None:
    monkeypatch.setattr(bounded, "REQUEST_SECONDS", 0.4)
    answer = await trickled(port, pieces())
    assert answer.count(b"HTTP/1.1 ") == answer.count(b"HTTP/1.1 200 ") <= 1


async def test_the_time_of_a_request_is_not_that_of_a_socket_or_of_an_answer(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "REQUEST_SECONDS", 0.3)

    @app.get("/slow")
    async def slow() -> str:
        await asyncio.sleep(0.6)
        return "late"

    async with served(app) as url:
        port = int(url.rpartition(":")[2])
        async with connect(f"ws{url[4:]}/v1/stream") as line, wire(port) as (reader, writer):
            await line.send(json.dumps({"type": "hello", "token": MADE.token}))
            writer.write(head("GET", "/slow", b"Connection: close\r\n\r\n"))
            async with asyncio.timeout(20):
                assert (await reader.read()).endswith(b'"late"')
                assert json.loads(await line.recv())["type"] == "welcome"
                await line.send(json.dumps({"type": "ping"}))
                assert json.loads(await line.recv())["type"] == "pong"


async def test_what_is_written_to_a_connection_leaves_at_once() -> None:
    """Nagle's algorithm is off: with it each answer on a connection that is kept takes 40 ms."""
    told: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    bound = listen("127.0.0.1", 0)

    def tell(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line: socket.socket = writer.get_extra_info("socket")
        told.set_result(line.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.transport.abort()

    async with await asyncio.start_server(tell, sock=bound), wire(bound.getsockname()[1]):
        assert await told == 1
