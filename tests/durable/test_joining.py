"""A worker waits for what may still come, says so once in words for people, and ends where waiting
can't help."""

import asyncio
import logging
import struct
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client

from turnkeeper.errors import StoreUnavailable
from turnkeeper.settings import read_settings
from worker import joining
from worker.server import EmbeddedServer, free_port

WITHIN = 20.0
NO_NAMESPACE = "the server has no such namespace yet; trying again"
NO_SERVER = "Temporal is not there yet; trying again"

_SETTINGS, _HEADERS, _ACK, _ALL = 0x4, 0x1, 0x1, 0x5
"""Types of frames, and flags: HTTP/2 (RFC 9113, section 6). _ALL: END_STREAM and END_HEADERS."""


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(joining, "FIRST_WAIT", 0.05)
    monkeypatch.setattr(joining, "LONGEST_WAIT", 0.2)
    caplog.set_level(logging.WARNING)


def told(caplog: pytest.LogCaptureFixture, sentence: str) -> list[str]:
    lines = (record.getMessage() for record in caplog.records)
    return [line for line in lines if sentence in line]


async def until_told(caplog: pytest.LogCaptureFixture, sentence: str) -> None:
    async with asyncio.timeout(WITHIN):
        while not told(caplog, sentence):
            await asyncio.sleep(0.02)


async def test_a_namespace_that_is_made_later_is_waited_for_and_said_once(
    client: Client,
    server: EmbeddedServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    name = f"late-{uuid.uuid4().hex[:8]}"
    monkeypatch.setenv("TEMPORAL_ADDRESS", server.address)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", name)
    async with asyncio.timeout(WITHIN):
        joined = asyncio.ensure_future(joining.join(read_settings()))
        await until_told(caplog, NO_NAMESPACE)
        await asyncio.sleep(0.5)  # Two more attempts, which are to say nothing.
        request = RegisterNamespaceRequest(namespace=name)
        request.workflow_execution_retention_period.FromTimedelta(timedelta(days=1))
        await client.workflow_service.register_namespace(request)
        found, searchable = await joined
    assert (found.namespace, searchable) == (name, True)
    (line,) = told(caplog, NO_NAMESPACE)
    assert f"temporal operator namespace create --namespace {name}" in line
    assert not told(caplog, NO_SERVER)


async def test_a_server_that_is_not_there_is_told_once_and_in_words(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    joined = asyncio.ensure_future(joining.join(read_settings()))
    await until_told(caplog, NO_SERVER)
    done, _ = await asyncio.wait({joined}, timeout=1.0)
    joined.cancel()
    assert not done
    (line,) = told(caplog, NO_SERVER)
    assert "nothing listens there" in line
    assert "tonic" not in line


@pytest.mark.parametrize(("code", "status"), [(7, "PERMISSION_DENIED"), (16, "UNAUTHENTICATED")])
async def test_a_worker_that_is_turned_away_ends_with_one_sentence(
    monkeypatch: pytest.MonkeyPatch, code: int, status: str
) -> None:
    """Whatever of the server's calls it is: the first is made before the client is there."""
    async with refusing(code) as address:
        monkeypatch.setenv("TEMPORAL_ADDRESS", address)
        async with asyncio.timeout(WITHIN):
            with pytest.raises(StoreUnavailable, match=f"turned this worker away .{status}.: "):
                await joining.join(read_settings())


@asynccontextmanager
async def refusing(code: int) -> AsyncIterator[str]:
    """The address of a gRPC server that answers each call with that status, and nothing else (the
    form "Trailers-Only" of gRPC over HTTP/2)."""
    headers = (
        b"\x88" + _header("content-type", "application/grpc") + _header("grpc-status", f"{code}")
    )

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readexactly(len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
            writer.write(_frame(_SETTINGS, 0, 0, b""))
            while True:
                head = await reader.readexactly(9)
                await reader.readexactly(int.from_bytes(head[:3], "big"))
                kind, flags, stream = struct.unpack(">BBI", head[3:])
                if kind == _SETTINGS and not flags & _ACK:
                    writer.write(_frame(_SETTINGS, _ACK, 0, b""))
                elif kind == _HEADERS:
                    writer.write(_frame(_HEADERS, _ALL, stream, headers))
        except (asyncio.IncompleteReadError, ConnectionResetError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}"
        server.close()


def _header(name: str, value: str) -> bytes:
    """A literal header field without indexing (RFC 7541, section 6.2.2)."""
    return b"\x00" + b"".join(bytes([len(text)]) + text.encode() for text in (name, value))


def _frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    return len(content).to_bytes(3, "big") + struct.pack(">BBI", kind, flags, stream) + content
