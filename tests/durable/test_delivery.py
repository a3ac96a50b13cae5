"""A confirmed form reaches its receiver once, however often the way there breaks."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from tests.durable.conftest import World
from turnkeeper.client import VoiceSession, VoiceSessions
from turnkeeper.contract import SessionState, Status
from turnkeeper.forms.model import Deliver


@dataclass
class Receiver:
    """An HTTP server that answers as told and remembers what it got."""

    answers: Iterator[int]
    requests: list[tuple[dict[str, str], dict[str, object]]] = field(default_factory=list)
    url: str = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:]
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in head if line)}
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        self.requests.append((headers, body))
        code = next(self.answers)
        writer.write(
            f"HTTP/1.1 {code} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def receiver(*answers: int) -> AsyncIterator[Receiver]:
    received = Receiver(iter(answers))
    server = await asyncio.start_server(received.handle, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        received.url = f"http://127.0.0.1:{port}/claims"
        yield received


async def submit(world: World, sessions: VoiceSessions, deliver: Deliver) -> VoiceSession:
    world.forms["claim"] = world.forms["claim"].model_copy(update={"deliver": deliver})
    session = await sessions.open("claim", caller="+14155550101")
    await session.turn(answers={"policy": "4321", "theft": False, "day": "2026-03-01"})
    reply = await session.turn("yes")
    assert (reply.status, reply.next) == ("submitting", "hang_up")
    return session


async def until(session: VoiceSession, status: Status) -> SessionState:
    async with asyncio.timeout(20):
        while (state := await session.state()).status != status:
            await asyncio.sleep(0.05)
    return state


async def test_a_receiver_that_fails_twice_gets_the_form_with_one_key(
    world: World, sessions: VoiceSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAIMS_TOKEN", "Bearer s3cret")
    async with receiver(500, 503, 201) as received:
        deliver = Deliver(url=received.url, authorization="env:CLAIMS_TOKEN")
        session = await submit(world, sessions, deliver)
        state = await until(session, "completed")
    assert len(received.requests) == 3
    assert len({headers["idempotency-key"] for headers, _ in received.requests}) == 1
    headers, body = received.requests[-1]
    assert headers["authorization"] == "Bearer s3cret"
    assert body["answers"] == {"policy": "4321", "theft": False, "day": "2026-03-01"}
    assert (body["form"], body["version"], body["session_id"]) == ("claim", "7", session.id)
    assert state.delivery is not None
    assert (state.delivery.state, state.delivery.detail) == ("delivered", "HTTP 201")
    assert f'"{state.delivery.idempotency_key}"' == headers["idempotency-key"]
    history = (await world.handle(session.id).fetch_history()).to_json()
    assert "s3cret" not in history


async def test_a_receiver_that_says_no_for_good_is_not_asked_again(
    world: World, sessions: VoiceSessions
) -> None:
    async with receiver(422) as received:
        session = await submit(world, sessions, Deliver(url=received.url))
        state = await until(session, "failed")
    assert len(received.requests) == 1
    assert state.delivery is not None
    assert (state.delivery.state, state.delivery.detail) == (
        "refused",
        "the receiver refused the form: HTTP 422",
    )
    assert state.form_answers["policy"] == "4321"


async def test_delivery_is_given_up_after_its_time_and_the_answers_are_kept(
    world: World, sessions: VoiceSessions
) -> None:
    deliver = Deliver(url="http://127.0.0.1:9/nobody", give_up_after=timedelta(seconds=2))
    session = await submit(world, sessions, deliver)
    state = await until(session, "failed")
    assert state.delivery is not None
    assert state.delivery.state == "gave_up"
    assert state.form_answers["policy"] == "4321"


async def test_a_caller_who_rings_while_the_form_is_on_its_way_is_told_so(
    world: World, sessions: VoiceSessions
) -> None:
    session = await submit(world, sessions, Deliver(url="http://127.0.0.1:9/nobody"))
    again = await sessions.open("claim", caller="+14155550101")
    assert (again.reply.status, again.reply.next) == ("submitting", "hang_up")
    assert again.reply.say
    state = await again.state()
    assert state.delivery is not None
    assert state.delivery.state == "pending"
    await world.handle(session.id).terminate(reason="the test is over")


async def test_two_sessions_of_one_caller_are_delivered_under_two_keys(
    world: World, sessions: VoiceSessions
) -> None:
    async with receiver(200, 200) as received:
        for _ in range(2):
            session = await submit(world, sessions, Deliver(url=received.url))
            await until(session, "completed")
    keys = [headers["idempotency-key"] for headers, _ in received.requests]
    assert len(set(keys)) == 2
