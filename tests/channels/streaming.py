"""What the tests of the WebSocket stand on: a gateway in this process, and a client that checks
every message against docs/asyncapi.yaml."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

import pytest
import yaml
from fastapi import FastAPI
from jsonschema_rs import Draft202012Validator
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.channels.stand import FORM, ROOT
from tests.ids import id_of
from turnkeeper.client import VoiceSessions
from turnkeeper.contract import DEFAULT_TENANT, Reply, SessionState, Turn
from turnkeeper.errors import StoreUnavailable
from turnkeeper.forms.load import parse_form
from turnkeeper.forms.model import Form
from turnkeeper.gateway import stream
from turnkeeper.gateway.access.gate import Access, Gate, OneTenant
from turnkeeper.gateway.access.limits import Limits as TenantLimits
from turnkeeper.gateway.access.principal import Principal
from turnkeeper.gateway.access.tickets import Tickets
from turnkeeper.gateway.access.ways import Made
from turnkeeper.gateway.doorway import Site
from turnkeeper.gateway.serve import listen, serve, url_of
from turnkeeper.gateway.stream.line import Limits
from turnkeeper.gateway.stream.messages import SERVER
from turnkeeper.settings import read_settings
from turnkeeper.testing import Clock, MemoryBackend

Message = dict[str, object]
ASYNCAPI = ROOT / "docs" / "asyncapi.yaml"
MADE = Made(DEFAULT_TENANT)
"""Who comes in at these gateways, with every scope."""
POLL_SECONDS = 0.02
TINY_BUFFER = 4096
NOBODY = id_of("claim", "nobody")
"""The id of a session that is not there."""


class HeldBackend(MemoryBackend):
    """Sessions in memory, whose turns can be held up, and whose store can fail one of them."""

    def __init__(self, forms: Iterable[Form] = (parse_form(FORM),)) -> None:
        super().__init__(forms, Clock(), read_settings())
        self.going = asyncio.Event()
        self.going.set()
        self.failures = 0
        """Turns that are to fail, from the next one on."""
        self.defect: Exception | None = None
        self.came: list[str] = []
        """The utterances that reached the store."""
        self.was_read = asyncio.Event()
        """A state was read: whoever opened is watching from then on."""

    def delete(self, session_id: str) -> None:
        """As an operator does with a workflow."""
        del self._sessions[session_id]

    async def state(self, session_id: str) -> SessionState:
        self.was_read.set()
        return await super().state(session_id)

    async def turn(self, session_id: str, turn: Turn) -> Reply:
        self.came.append(turn.utterance_id)
        await self.going.wait()
        if self.defect is not None:
            raise self.defect
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("the store cannot be reached (a test said so)")
        return await super().turn(session_id, turn)


@dataclass
class Gateway:
    """One instance: where it is, and what it shares with others."""

    url: str
    backend: HeldBackend
    sessions: VoiceSessions
    token: str = MADE.token


@asynccontextmanager
async def gateway(
    backend: HeldBackend,
    limits: Limits = Limits(),  # noqa: B008  # frozen
    every: float = POLL_SECONDS,
    access: Access = MADE,
    tickets: Tickets | None = None,
    counts: TenantLimits | None = None,
) -> AsyncIterator[Gateway]:
    """A gateway with the WebSocket alone, on a free port; `backend` is shared with others, sessions
    are read `every` so many seconds."""
    async with VoiceSessions(backend) as sessions:
        gate = Gate(access, OneTenant(sessions), Site(), DEFAULT_TENANT, tickets, counts)
        gate.door(Principal(DEFAULT_TENANT, frozenset())).feeds.every = every
        app = FastAPI()
        app.state.gate = gate
        app.include_router(stream.router(gate, limits))
        bound, up = listen("127.0.0.1", 0), asyncio.Event()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, TINY_BUFFER)
        url = url_of(bound).replace("http", "ws")
        serving = asyncio.ensure_future(serve(app, bound, ready=up.set))
        await up.wait()
        try:
            yield Gateway(url, backend, sessions)
        finally:
            serving.cancel()
            await asyncio.wait([serving])


class Caller:
    """A client that knows nothing but the protocol."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.opened: Message = {}

    @classmethod
    async def at(cls, gateway: Gateway, *offered: str, query: str = "") -> Self:
        """Connected, and not known yet."""
        protocols = [Subprotocol(one) for one in offered] or None
        return cls(await connect(f"{gateway.url}/v1/stream{query}", subprotocols=protocols))

    @classmethod
    async def of(cls, gateway: Gateway) -> Self:
        """One that has said hello."""
        line = await cls.at(gateway)
        welcome = await line.asks(type="hello", token=gateway.token)
        assert welcome["type"] == "welcome", welcome
        return line

    @classmethod
    async def on(cls, gateway: Gateway, caller: str = "+14155550100") -> Self:
        """With its session open."""
        line = await cls.of(gateway)
        line.opened = await line.asks(type="open", form="claim", caller=caller)
        assert line.opened["type"] == "opened", line.opened
        return line

    @property
    def names(self) -> Message:
        """What `resume` needs."""
        return {name: self.opened[name] for name in ("session_id", "leg", "epoch")}

    async def sends(self, **message: object) -> None:
        await self.socket.send(json.dumps(message))

    async def says(self, words: str, utterance: str) -> None:
        await self.sends(type="turn", utterance_id=utterance, text=words)

    async def hears(self) -> Message:
        """The next message, which is as the document describes it."""
        async with asyncio.timeout(10):
            message: Message = json.loads(await self.socket.recv())
        VALIDATORS[str(message["type"])].validate(message)
        return message

    async def asks(self, **message: object) -> Message:
        await self.sends(**message)
        return await self.hears()

    async def turn(self, words: str, utterance: str) -> Message:
        return await self.asks(type="turn", utterance_id=utterance, text=words)

    async def closed(self) -> tuple[int, str]:
        """Code and reason with which the gateway closes, after no further message."""
        with pytest.raises(ConnectionClosed) as closed:
            print(f"there was another message: {await self.hears()}")
        assert closed.value.rcvd is not None, "the socket was cut"
        return closed.value.rcvd.code, closed.value.rcvd.reason

    async def until_closed(self) -> tuple[int, str]:
        """Code and reason with which the gateway closes, whatever messages come before."""
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await self.socket.recv()
        assert self.socket.close_code is not None
        return self.socket.close_code, self.socket.close_reason or ""

    async def drop(self) -> None:
        self.socket.transport.abort()
        await self.socket.wait_closed()


async def state_of(gateway: Gateway, caller: str = "+14155550100") -> SessionState:
    return await gateway.sessions.state(await gateway.sessions.session_id("claim", caller))


async def leg_of(gateway: Gateway, number: int = 1, caller: str = "+14155550100") -> str:
    """How the leg ended; it has, or this waits until it has."""
    async with asyncio.timeout(10):
        while (leg := (await state_of(gateway, caller)).legs[number - 1]).closed_at is None:
            await asyncio.sleep(0.01)
    return leg.reason


def said(message: Message) -> str:
    """What the reply of a message says."""
    reply = message["reply"]
    assert isinstance(reply, dict)
    return str(reply["say"])


def problem(message: Message) -> str:
    """The type of an error's problem, without its prefix."""
    assert message["type"] == "error", message
    assert isinstance(message["problem"], dict)
    return str(message["problem"]["type"]).rsplit(":", 1)[-1]


def _validators() -> dict[str, Draft202012Validator]:
    """For each message of the server's, by type."""
    parts = yaml.safe_load(ASYNCAPI.read_text())["components"]
    return {
        kind: Draft202012Validator(
            {"$ref": f"#/components/schemas/{model.__name__}", "components": parts}
        )
        for kind, model in SERVER.items()
    }


VALIDATORS = _validators()
