"""What a gateway adds to a turn, with many callers on the line at once.

Run from the root of the repository: `uv run python -m benchmarks.sockets`. See README.md here.
"""

import asyncio
import json
import os
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import click
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.claim import FORM
from benchmarks.figures import Round, median_ratio
from benchmarks.report import times
from benchmarks.rig import FORMS, TURNKEEPER, BenchmarkError, rig, worker_process
from turnkeeper import VoiceSession, VoiceSessions
from turnkeeper.contract import DEFAULT_TENANT
from worker.process import run_command
from worker.server import free_port

FLOOR, SOCKETS = "python client", "websocket"
WORDS = ("what was that", "well that depends")
"""Turns that leave the caller at the same question, so that each takes the same."""
ROUNDS = 3
WARM_UP_ROUNDS = 1
TURNS_PER_SECOND = 15.0
"""Of all callers together, in both kinds: what two cores take without a queue. 500 callers who
answer every half minute."""
AT_ONCE = 16
"""Sockets that are opened side by side."""
ORDER = random.Random(0)
"""Fixed, so that two runs take the same order."""

Say = Callable[[str], Awaitable[None]]
"""One turn, until its reply is there."""


class Socket:
    """A caller on the WebSocket."""

    def __init__(self, line: ClientConnection) -> None:
        self._line = line
        self._said = 0

    async def open(self, token: str) -> None:
        """Waits for a worker that is not up yet."""
        await self._is_answered({"type": "hello", "token": token})
        caller, connect_id = f"caller-{uuid4()}", uuid4().hex
        opening = {"type": "open", "form": FORM, "caller": caller, "connect_id": connect_id}
        while not await self._is_answered(opening):
            continue

    async def say(self, words: str) -> None:
        self._said += 1
        turn = {"type": "turn", "utterance_id": f"u{self._said}", "text": words}
        if not await self._is_answered(turn):
            raise BenchmarkError("a turn did not reach the store: the machine is too busy")

    async def _is_answered(self, message: dict[str, str]) -> bool:
        await self._line.send(json.dumps(message))
        answer = json.loads(await self._line.recv())
        if answer["type"] == "error" and not answer["retryable"]:
            raise BenchmarkError(f"{message['type']} was refused: {answer['problem']['detail']}")
        return answer["type"] in ("welcome", "opened", "reply")


@click.command()
@click.option("--sockets", default=500, show_default=True, help="Sockets that are open at once.")
@click.option("--rate", default=TURNS_PER_SECOND, show_default=True, help="Turns a second.")
@click.option("--json", "as_json", is_flag=True, help="Rows as JSON.")
def main(sockets: int, rate: float, as_json: bool) -> None:
    """Time turns of many callers at a steady rate, through a gateway and without it."""
    run_command(lambda: _main(sockets, rate, as_json))


async def _main(sockets: int, rate: float, as_json: bool) -> None:
    rows = _rows(await measure(sockets, rate), sockets, rate)
    click.echo(json.dumps(rows, indent=2) if as_json else _table(rows))


async def measure(sockets: int, rate: float) -> list[Round]:
    """The times of `ROUNDS` rounds: a turn of every socket, and as many of the Python client."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(rig())
        token = let_in(Path(stack.enter_context(TemporaryDirectory())))
        await stack.enter_async_context(worker_process(*TURNKEEPER))
        port = str(free_port())
        command = ("worker", "gateway", "--gateway-port", port, "--forms", str(FORMS))
        await stack.enter_async_context(worker_process(*command))
        sessions = await stack.enter_async_context(VoiceSessions.connect(address=server.address))
        lines = await stack.enter_async_context(_sockets(f"ws://127.0.0.1:{port}", token, sockets))
        direct = [await sessions.open(FORM, caller=f"caller-{uuid4()}") for _ in range(sockets)]
        return await _rounds(lines, [_by_client(session) for session in direct], rate)


def let_in(folder: Path) -> str:
    """Sets the gateway's environment so that it lets in who has the token that this returns: an
    issuer's, with its keys in `folder`. The limits are out of the way of many callers at once."""
    signing = Ed25519PrivateKey.generate()
    public = OKPAlgorithm.to_jwk(signing.public_key(), as_dict=True)
    (folder / "jwks.json").write_text(json.dumps({"keys": [{**public, "kid": "1"}]}))
    os.environ["TURNKEEPER_JWT_JWKS"] = f"file:{folder / 'jwks.json'}"
    os.environ["TURNKEEPER_JWT_ISSUER"] = os.environ["TURNKEEPER_JWT_AUDIENCE"] = "benchmark"
    os.environ["TURNKEEPER_OPENING_RATE"] = os.environ["TURNKEEPER_RATE"] = "10000/second"
    now = int(time.time())
    claims: dict[str, object] = {"tenant": DEFAULT_TENANT, "scope": "talk tenant"}
    claims |= {"iss": "benchmark", "aud": "benchmark", "sub": "benchmark"}
    claims |= {"iat": now, "exp": now + 3600}
    return jwt.encode(claims, signing, "EdDSA", headers={"kid": "1"})


def _by_client(session: VoiceSession) -> Say:
    async def say(words: str) -> None:
        await session.turn(words)

    return say


@asynccontextmanager
async def _sockets(url: str, token: str, count: int) -> AsyncIterator[list[Say]]:
    """That many callers, each with its session open."""
    async with AsyncExitStack() as stack:
        gate = asyncio.Semaphore(AT_ONCE)

        async def one() -> Say:
            async with gate:
                line = await stack.enter_async_context(_connected(url))
                socket = Socket(line)
                await socket.open(token)
                return socket.say

        yield await asyncio.gather(*(one() for _ in range(count)))


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[ClientConnection]:
    """Waits for a gateway that is not up yet: `connect` tries again."""
    async for line in connect(f"{url}/v1/stream", ping_interval=None):
        async with line:
            yield line
        return


async def _rounds(lines: list[Say], direct: list[Say], rate: float) -> list[Round]:
    """Both kinds in turn, so that a busy moment of the machine falls on both."""
    kinds = {SOCKETS: lines, FLOOR: direct}
    timed: list[Round] = []
    for number in range(-WARM_UP_ROUNDS, ROUNDS):
        order = list(kinds)
        ORDER.shuffle(order)
        one = {kind: await _steady(kinds[kind], rate) for kind in order}
        if number >= 0:
            timed.append(one)
        click.echo(f"\rround {number + 1} of {ROUNDS} ", nl=False, err=True)
    click.echo(err=True)
    return timed


async def _steady(callers: list[Say], rate: float) -> list[float]:
    """A turn of every caller, begun at a steady rate, whether or not others are answered (an open
    loop: a slow answer makes no room for itself). Milliseconds."""
    turns: list[asyncio.Task[float]] = []
    begin = time.perf_counter()
    for number, say in enumerate(callers):
        await asyncio.sleep(max(0.0, begin + number / rate - time.perf_counter()))
        turns.append(asyncio.ensure_future(_timed(say, WORDS[number % len(WORDS)])))
    return list(await asyncio.gather(*turns))


async def _timed(say: Say, words: str) -> float:
    start = time.perf_counter()
    await say(words)
    return (time.perf_counter() - start) * 1000


def _rows(rounds: list[Round], sockets: int, rate: float) -> list[dict[str, object]]:
    """A row a kind, times in ms; the ratio is of medians, within each round."""
    return [
        {
            "kind": kind,
            "sockets": sockets,
            "turns_per_second": rate,
            **times(rounds, kind),
            "times_the_floor": round(median_ratio(rounds, kind, FLOOR), 2),
        }
        for kind in (FLOOR, SOCKETS)
    ]


def _table(rows: list[dict[str, object]]) -> str:
    lines = ["| kind | p50 ms | p95 ms | times the floor |", "|---|---|---|---|"]
    for row in rows:
        kind, sockets, rate, turns, p50, p95, floor = row.values()
        lines.append(f"| {kind} | {p50} | {p95} | {floor} |")
    return "\n".join([*lines, "", f"{sockets} sockets open, {turns} turns of each kind, {rate}/s"])


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.sockets")
