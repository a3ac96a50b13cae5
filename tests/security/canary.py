"""A caller's whole life in real processes, with answers that nobody else gives; and all that is
left of it: everywhere that Temporal, Turnkeeper and those who watch them keep something."""

import asyncio
import json
import os
import random
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import httpx
from temporalio.api.workflowservice.v1 import ListWorkflowExecutionsRequest
from temporalio.client import Client, WorkflowHistory
from websockets.asyncio.client import ClientConnection, connect

from tests.channels.issuer import Issuer
from tests.security.canary_worker import CHOKES_ON
from tests.security.conftest import QUICK
from turnkeeper.gateway.access.api_keys import ApiKeys
from turnkeeper.gateway.access.principal import Scope
from turnkeeper.gateway.http.models import path_of
from turnkeeper.settings import Settings
from worker.child import start_child, stop_child
from worker.server import EmbeddedServer, free_port
from workflows.voice_session import MESSAGES_PER_RUN

WORKER = Path(__file__).with_name("canary_worker.py")
WITHIN = 40.0
TENANT = "acme"
SCOPES: tuple[Scope, ...] = ("talk", "read", "erase", "decode")
FORM = """
form: intake
version: "1"
title: Intake
timezone: UTC
deliver: DESK
fields:
  - {name: complaint, type: text, prompt: "What is it?"}
  - {name: email, type: email, personal: true, prompt: "Your address?"}
  - {name: passcode, type: digits, length: 12, secret: true, prompt: "Your passcode?"}
  - {name: policy, type: digits, length: 12, prompt: "Policy number?"}
"""


@dataclass(frozen=True)
class Said:
    """What a caller says that nobody else says, and what nobody else is called."""

    caller: str
    room: str
    ids: str
    first: str
    amended: str
    refused: str
    misplaced: str
    email: str
    passcode: str
    corrected: str
    policy: str

    @classmethod
    def made(cls, seed: int) -> "Said":
        print(f"seed {seed}")
        chance = random.Random(seed)

        def word() -> str:
            return "Q" + "".join(chance.choices("abcdefghijkmnpqrstuvwxyz", k=14))

        def number(digits: int = 12) -> str:
            return "".join(chance.choices("123456789", k=digits))

        return cls(
            caller=f"+1415555{chance.randrange(100, 200):04d}",
            room=f"room-+4420{number(8)}",
            ids=word(),
            first=f"{word()} {CHOKES_ON}",
            amended=word(),
            refused=word(),
            misplaced=word(),
            email=f"{word().lower()}@example.com",
            passcode=number(),
            corrected=number(),
            policy=number(),
        )

    @property
    def who(self) -> tuple[str, ...]:
        """The caller, who is in no message; also as people write the number."""
        number = self.caller.removeprefix("+1")
        return (self.caller, number, f"{number[:3]}-{number[3:6]}-{number[6:]}")

    @property
    def kept(self) -> tuple[str, ...]:
        """All that is in a message which Temporal keeps."""
        return (
            self.room, self.ids, self.first, self.amended, self.refused, self.email, self.passcode,
            self.corrected, self.policy,
        )  # fmt: skip

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.who, *self.kept, self.misplaced)


@dataclass
class Outside:
    """Whom the processes send to: a receiver of forms, which fails at first and quotes what it got,
    and a collector of spans (OTLP)."""

    url: str = ""
    forms: list[dict[str, object]] = field(default_factory=list)
    spans: bytes = b""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in head[1:] if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        if head[0].startswith("POST /v1/"):
            self.spans += body
            status, answer = "200 OK", b""
        else:
            self.forms.append(json.loads(body))
            status, answer = ("200 OK", b"") if len(self.forms) > 1 else ("500 No", body)
        told = f"HTTP/1.1 {status}\r\nContent-Length: {len(answer)}\r\nConnection: close\r\n\r\n"
        writer.write(told.encode() + answer)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def outside() -> AsyncIterator[Outside]:
    made = Outside()
    server = await asyncio.start_server(made.handle, "127.0.0.1", 0)
    async with server:
        made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield made


@dataclass
class Processes:
    """A worker, two gateways and a codec server, each with a log of its own, in debug."""

    folder: Path
    environment: Mapping[str, str]
    stack: AsyncExitStack
    pages: list[str] = field(default_factory=list)
    """Where each serves its metrics."""

    async def start(self, name: str, *command: str) -> Path:
        """The log, once the process says that it runs."""
        log, metrics = self.folder / f"{name}.log", f"127.0.0.1:{free_port()}"
        given = {**self.environment, "TURNKEEPER_METRICS": metrics}
        with log.open("wb") as output:
            process = await start_child((sys.executable, *command), output, env=given)
        self.pages.append(f"http://{metrics}/metrics")
        self.stack.push_async_callback(stop_child, process, 10.0)
        async with asyncio.timeout(WITHIN):
            while b"is running" not in log.read_bytes():
                assert process.returncode is None, log.read_text()
                await asyncio.sleep(0.05)
        return log

    async def serve(self, name: str, *command: str) -> str:
        """Where it is reached."""
        log = await self.start(name, "-m", "worker", *command)
        said = next(line for line in log.read_text().splitlines() if "is running" in line)
        return str(json.loads(said)["address"])


@dataclass
class Life:
    """A session that runs its whole course, and those who may ask about it."""

    said: Said
    settings: Settings
    server: EmbeddedServer
    client: Client
    outside: Outside
    processes: Processes
    agent: httpx.AsyncClient
    caller: httpx.AsyncClient
    codec: httpx.AsyncClient | None
    session_id: str = ""
    refusals: bytes = b""

    async def run(self) -> None:
        """Connect, a failing activity, an amendment, refusals, a drop; with the caller's own token
        a reconnect on another gateway's socket, corrections over a continue-as-new, and a delivery
        that fails at first."""
        said = self.said
        leg = await self._open()
        failed = await self._sent(leg, 1, text=said.first)
        assert failed.status_code == 500
        self.refusals += failed.content
        await self._turn(leg, 1, text=said.first)
        await self._turn(leg, 1, text=said.amended)
        await self._refused(leg)
        await self._turn(leg, 2, answers={"email": said.email})
        await self._turn(leg, 3, text=said.passcode)
        await self._turn(leg, 4, text=f"it is {said.refused}")
        reply = await self._turn(leg, 5, answers={"policy": said.refused})
        assert reply["rejected"]
        gone = {**leg, "reason": said.ids}
        (await self.agent.post(f"{self._path}/hangup", json=gone)).raise_for_status()
        async with self._socket() as socket:
            await socket.send(json.dumps({"type": "open", "form": "intake"} | self._call()))
            opened = json.loads(await socket.recv())
            assert opened["restored"]
            leg = {name: opened[name] for name in ("leg", "epoch")}
            for number in range(MESSAGES_PER_RUN):
                policy = said.policy if number % 2 else said.corrected
                await self._turn(leg, 10 + number, answers={"policy": policy})
            await socket.send(json.dumps({"type": "turn", "utterance_id": said.ids, "text": "yes"}))
            await self._delivered()

    @property
    def tokens(self) -> tuple[str, ...]:
        """Their secret ends: of an API key, and of a token's signature."""
        sent = (self.agent.headers["Authorization"], self.caller.headers["Authorization"])
        return tuple(token[-40:] for token in sent)

    def _call(self) -> dict[str, str]:
        """What its transport says of a call."""
        return {"transport_id": self.said.room}

    async def _open(self) -> dict[str, object]:
        who = {"form": "intake", "caller": self.said.caller, "connect_id": f"{self.said.ids}-c"}
        answer = await self.agent.post("/v1/sessions", json={**who, **self._call()})
        opened = answer.raise_for_status().json()
        self.session_id = opened["session_id"]
        return {"leg": opened["leg"], "epoch": opened["epoch"]}

    @asynccontextmanager
    async def _socket(self) -> AsyncIterator[ClientConnection]:
        """The caller's own, at the other gateway."""
        url = str(self.caller.base_url).replace("http", "ws", 1)
        async with connect(f"{url}/v1/stream") as socket:
            token = self.caller.headers["Authorization"].removeprefix("Bearer ")
            await socket.send(json.dumps({"type": "hello", "token": token}))
            assert json.loads(await socket.recv())["type"] == "welcome"
            yield socket

    @property
    def _path(self) -> str:
        return path_of(self.session_id)

    async def _turn(
        self, leg: dict[str, object], number: int, **content: object
    ) -> dict[str, object]:
        answer = await self._sent(leg, number, **content)
        found: dict[str, object] = answer.raise_for_status().json()
        return found

    async def _sent(self, leg: dict[str, object], number: int, **content: object) -> httpx.Response:
        named = {**leg, "utterance_id": f"{self.said.ids}-{number}"}
        return await self.agent.post(f"{self._path}/turns", json={**named, **content})

    async def _refused(self, leg: dict[str, object]) -> None:
        """Requests that are wrong, with answers in them; what they are told is kept."""
        word, turns = self.said.misplaced, f"{self._path}/turns"
        bodies: Iterable[dict[str, object]] = (
            {**leg, "utterance_id": "u", "text": {"said": word}},
            {**leg, "utterance_id": "u", "answers": {"policy": [word]}},
            {**leg, "utterance_id": "u", "event": word},
            {**leg, "utterance_id": "u", "text": word * 20_000},
        )
        answers = [await self.agent.post(turns, json=body) for body in bodies]
        answers += [
            await self.agent.post(turns, content=f'{{"text": "{word}'),
            await self.agent.get(f"/v1/sessions/{word}"),
            await self.agent.get("/v1/sessions", headers={"Authorization": f"Bearer {word}"}),
            await self.caller.get("/v1/sessions", params={"transport_id": self.said.room}),
            await self.caller.post("/v1/sessions", json={"form": "intake", "caller": word}),
        ]
        for answer in answers:
            assert 400 <= answer.status_code < 500, answer.text
            self.refusals += str(answer.headers.raw).encode() + answer.content

    async def _delivered(self) -> None:
        async with asyncio.timeout(WITHIN):
            while (await self.state())["status"] != "completed":
                await asyncio.sleep(0.1)

    async def state(self) -> dict[str, object]:
        """As a reader with the right sees it."""
        answer = await self.agent.get(self._path)
        found: dict[str, object] = answer.raise_for_status().json()
        return found

    async def histories(self) -> list[WorkflowHistory]:
        """Of every run of the session."""
        query = f"WorkflowId = '{self.session_id}'"
        runs = [run async for run in self.client.list_workflows(query)]
        handles = [self.client.get_workflow_handle(run.id, run_id=run.run_id) for run in runs]
        return [await handle.fetch_history() for handle in handles]

    async def erase(self) -> dict[str, object]:
        """The certificate."""
        async with asyncio.timeout(WITHIN):
            while (answer := await self.agent.delete(self._path)).status_code == 202:
                continue
        await self.server.wipe()
        found: dict[str, object] = answer.raise_for_status().json()
        return found

    async def watched(self) -> dict[str, bytes]:
        """What those see who watch the processes, and may not read sessions."""
        listed = await self.client.workflow_service.list_workflow_executions(
            ListWorkflowExecutionsRequest(namespace="default")
        )
        logs = [path.read_bytes() for path in sorted(self.processes.folder.glob("*.log"))]
        pages = [await self.agent.get(page) for page in self.processes.pages]
        return {
            "logs": b"".join(logs),
            "the server's log": self.server.log.read_bytes(),
            "spans": self.outside.spans,
            "metrics": b"".join(page.raise_for_status().content for page in pages),
            "refusals": self.refusals,
            "visibility": listed.SerializeToString() + str(listed).encode(),
            "listing": (await self.agent.get("/v1/sessions")).content,
        }


def environment(settings: Settings, issuer: Issuer, folder: Path, **more: str) -> dict[str, str]:
    """Of the processes: nothing of this one's settings, everything logged, spans sent at once."""
    mine = ("TEMPORAL_", "OTEL", "TURNKEEPER_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(mine)}
    named = settings.model_dump(mode="json", exclude_unset=True)
    return {
        **inherited,
        **issuer.environment(folder),
        **{f"TURNKEEPER_{name.upper()}": str(value) for name, value in named.items()},
        "TURNKEEPER_FORMS": str(folder / "forms"),
        "TURNKEEPER_LOG_FORMAT": "json",
        "TURNKEEPER_LOG_LEVEL": "debug",
        "TURNKEEPER_METRICS_TENANT": "true",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        **more,
    }


@asynccontextmanager
async def life(settings: Settings, folder: Path, said: Said) -> AsyncIterator[Life]:
    """One that has run, on a server of its own."""
    issuer, encrypted = Issuer(), settings.keys is not None
    (folder / "forms").mkdir()
    async with AsyncExitStack() as stack:
        out = await stack.enter_async_context(outside())
        (folder / "forms" / "intake.yaml").write_text(FORM.replace("DESK", f"{out.url}/claims"))
        server = await stack.enter_async_context(
            EmbeddedServer(folder / "temporal", extra_args=tuple(QUICK))
        )
        given = environment(
            settings, issuer, folder,
            TEMPORAL_ADDRESS=server.address, OTEL_EXPORTER_OTLP_ENDPOINT=out.url,
        )  # fmt: skip
        processes = Processes(folder, given, stack)
        _, one, other, codec = await asyncio.gather(
            processes.start("worker", str(WORKER)),
            processes.serve("gateway-1", "gateway", "--gateway-port", "0"),
            processes.serve("gateway-2", "gateway", "--gateway-port", "0"),
            processes.serve("codec", "codec", "--port", "0") if encrypted else nowhere(),
        )
        claims = {"tenant": TENANT}
        token = issuer.token(" ".join(SCOPES), claims=claims)
        if encrypted:
            token = await ApiKeys.of(settings).make("canary", TENANT, SCOPES, 600)
        own = issuer.token("talk read", sub=said.caller, claims=claims)

        async def client(url: str, token: str) -> httpx.AsyncClient:
            headers = {"Authorization": f"Bearer {token}", **traced_by_somebody(said)}
            return await stack.enter_async_context(
                httpx.AsyncClient(base_url=url, headers=headers, timeout=30)
            )

        lived = Life(
            said, settings, server, await Client.connect(server.address), out, processes,
            await client(one, token), await client(other, own),
            await client(codec, token) if codec else None,
        )  # fmt: skip
        await lived.run()
        yield lived


def traced_by_somebody(said: Said) -> dict[str, str]:
    """What tracing elsewhere may send along (W3C Trace Context, Baggage)."""
    return {
        "traceparent": f"00-{'a1' * 16}-{'b2' * 8}-01",
        "tracestate": f"crm={said.misplaced}",
        "baggage": f"caller={quote(said.caller)},note={said.misplaced}",
    }


async def nowhere() -> str:
    return ""
