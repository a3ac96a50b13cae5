"""A turn is one trace, from the agent's request to the activity that decides it."""

import io
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import pairwise

import httpx
import pytest_asyncio
from opentelemetry import baggage
from opentelemetry.context import attach, detach
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from temporalio.client import WorkflowHistory

from tests.durable.conftest import World
from turnkeeper.connection import connect
from turnkeeper.gateway.access.ways import Open
from turnkeeper.gateway.app import create_app
from turnkeeper.telemetry import traces
from turnkeeper.telemetry.logs import setup_logs
from worker.server import EmbeddedServer

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
"""The example of the W3C Trace Context specification."""
INSTANT = ("ValidateUpdate:turn", "StartActivity:decide")
"""They end before what comes of them: when the update is taken, when the activity is asked for."""


@dataclass(frozen=True)
class Traced:
    """A gateway in front of a world with a worker, and the spans of both."""

    world: World
    http: httpx.AsyncClient
    exporter: InMemorySpanExporter

    def spans(self, trace: str = TRACE) -> list[ReadableSpan]:
        found = [span for span in self.exporter.get_finished_spans() if _trace_of(span) == trace]
        return sorted(found, key=lambda span: span.start_time or 0)

    def tree(self, trace: str = TRACE) -> list[str]:
        """The spans' names, each with two spaces for every span of ours above it."""
        spans = self.spans(trace)
        above = {_id_of(span): span.parent.span_id if span.parent else 0 for span in spans}

        def depth(span_id: int) -> int:
            return 1 + depth(above[span_id]) if span_id in above else -1

        return ["  " * depth(_id_of(span)) + span.name for span in spans]

    async def post(self, path: str, body: dict[str, object], parent: str = "") -> dict[str, object]:
        headers = {"traceparent": parent} if parent else {}
        answer = await self.http.post(path, json=body, headers=headers)
        assert answer.is_success, answer.text
        return dict(answer.json())


def _trace_of(span: ReadableSpan) -> str:
    return f"{span.context.trace_id:032x}" if span.context else ""


def _id_of(span: ReadableSpan) -> int:
    return span.context.span_id if span.context else 0


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def exporter() -> AsyncIterator[InMemorySpanExporter]:
    """Spans go there while this module runs, and nowhere afterwards."""
    memory = InMemorySpanExporter()
    traces.setup_traces("turnkeeper-test", memory)
    yield memory
    traces._exporters.remove(memory)
    memory.shutdown()


@pytest_asyncio.fixture(loop_scope="session")
async def traced(
    exporter: InMemorySpanExporter, server: EmbeddedServer, world: World
) -> AsyncIterator[Traced]:
    exporter.clear()
    world.client = await connect(server.address)
    async with world.worker(max_cached_sessions=0), world.sessions() as sessions:
        app = create_app(sessions, access=Open(world.settings.tenant))
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            yield Traced(world, http, exporter)


async def opened(traced: Traced) -> tuple[str, dict[str, object]]:
    """A session's path, and what names its leg."""
    made = await traced.post("/v1/sessions", {"form": "claim", "caller": "+14155550100"})
    reply = made["reply"]
    assert isinstance(reply, dict)
    return f"/v1/sessions/{made['session_id']}", {"leg": reply["leg"], "epoch": reply["epoch"]}


async def test_a_turn_is_one_trace_from_the_agent_through_gateway_and_workflow_to_the_activity(
    traced: Traced,
) -> None:
    path, leg = await opened(traced)
    await traced.post(f"{path}/turns", {**leg, "utterance_id": "1", "text": "1234"}, parent=PARENT)
    assert traced.tree() == [
        "POST /v1/sessions/{session_id}/turns",
        "  turnkeeper.turn",
        "    StartWorkflowUpdate:turn",
        "      ValidateUpdate:turn",
        "      HandleUpdate:turn",
        "        StartActivity:decide",
        "          RunActivity:decide",
        "            turnkeeper.decide",
    ]


async def test_replays_repeat_no_span_and_each_turn_is_a_trace_of_its_own(traced: Traced) -> None:
    """The worker keeps nothing in memory: each turn replays those before it."""
    path, leg = await opened(traced)
    for number, text in enumerate(("1234", "no", "yesterday")):
        await traced.post(f"{path}/turns", {**leg, "utterance_id": str(number), "text": text})
    turns = [s for s in traced.exporter.get_finished_spans() if s.name == "turnkeeper.turn"]
    assert len({_trace_of(span) for span in turns}) == 3
    for turn in turns:
        assert len(traced.tree(_trace_of(turn))) == 8
    decided = [s for s in traced.exporter.get_finished_spans() if s.name == "RunActivity:decide"]
    assert len(decided) == 4  # the connect and three turns


async def test_spans_last_as_long_as_what_they_stand_for(traced: Traced) -> None:
    path, leg = await opened(traced)
    body = {**leg, "utterance_id": "1", "text": "1234"}
    await traced.post(f"{path}/turns", body, parent=PARENT)
    for outer, inner in pairwise(span for span in traced.spans() if span.name not in INSTANT):
        began, ended = inner.start_time or 0, inner.end_time or 0
        assert (outer.start_time or 0) <= began < ended <= (outer.end_time or 0)


async def test_a_trace_names_form_field_leg_and_session_and_neither_caller_nor_answer(
    traced: Traced,
) -> None:
    path, leg = await opened(traced)
    body = {**leg, "utterance_id": "1", "text": "1234"}
    await traced.post(f"{path}/turns", body, parent=PARENT)
    request, turn, *_ = traced.spans()
    assert dict(request.attributes or {}) == {
        "http.request.method": "POST",
        "http.route": "/v1/sessions/{session_id}/turns",
        "http.response.status_code": 200,
    }
    assert dict(turn.attributes or {}) == {
        "turnkeeper.form": "claim",
        "turnkeeper.field": "policy",
        "turnkeeper.leg": leg["leg"],
        "turnkeeper.epoch": leg["epoch"],
        "turnkeeper.status": "collecting",
    }
    subject = path.rpartition(":")[2]
    everything = "".join(span.to_json() for span in traced.exporter.get_finished_spans())
    assert "claim" in everything
    for told in ("4155550100", '"1234"', subject):
        assert told not in everything


async def test_turns_of_a_leg_are_linked_to_the_span_in_which_it_was_opened(
    traced: Traced,
) -> None:
    async with traced.world.sessions() as sessions:
        session = await sessions.open("claim", "+14155550101")
        await session.turn("1234")
    spans = {span.name: span for span in traced.exporter.get_finished_spans()}
    opening, turn = spans["turnkeeper.open"], spans["turnkeeper.turn"]
    assert _trace_of(opening) != _trace_of(turn)
    assert [link.context.span_id for link in turn.links] == [_id_of(opening)]


async def test_an_agents_baggage_does_not_go_into_history(traced: Traced) -> None:
    secret = "15105550199"
    attached = attach(baggage.set_baggage("caller", secret))
    try:
        async with traced.world.sessions() as sessions:
            session = await sessions.open("claim", "+14155550102")
            await session.turn("1234")
    finally:
        detach(attached)
    history = await traced.world.handle(session.id).fetch_history()
    assert b"traceparent" in _bytes(history)
    assert secret.encode() not in _bytes(history)


async def test_what_other_tracing_adds_to_a_request_goes_no_further(traced: Traced) -> None:
    path, leg = await opened(traced)
    secret = "caller-15105550199"
    answer = await traced.http.post(
        f"{path}/turns",
        json={**leg, "utterance_id": "1", "text": "1234"},
        headers={"traceparent": PARENT, "tracestate": f"vendor={secret}", "baggage": f"a={secret}"},
    )
    assert answer.is_success
    history = await traced.world.handle(path.removeprefix("/v1/sessions/")).fetch_history()
    assert TRACE.encode() in _bytes(history)
    assert secret.encode() not in _bytes(history)
    assert secret not in "".join(span.to_json() for span in traced.spans())


def _bytes(history: WorkflowHistory) -> bytes:
    return b"".join(event.SerializeToString() for event in history.events)


async def test_who_watches_the_process_makes_no_spans(traced: Traced) -> None:
    await traced.http.get("/livez")
    await traced.http.get("/readyz")
    assert not traced.exporter.get_finished_spans()


async def test_a_turn_is_one_log_line_with_its_leg_and_its_trace_although_each_turn_replays(
    traced: Traced,
) -> None:
    root = logging.getLogger()
    before, written = (root.handlers[:], root.level), io.StringIO()
    setup_logs("json", "info", written)
    try:
        path, leg = await opened(traced)
        for number, text in enumerate(("it is 1234 I believe", "no")):
            body = {**leg, "utterance_id": str(number), "text": text}
            await traced.post(f"{path}/turns", body, parent=PARENT)
    finally:
        root.handlers[:], root.level = before
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    decided = [line for line in lines if line["event"] == "a message was decided"]
    assert [line["event_kind"] for line in decided] == ["connect", "turn", "turn"]
    last = decided[-1]
    assert (last["epoch"], last["leg"], last["turn"]) == (leg["epoch"], leg["leg"], 2)
    assert (last["form"], last["field"], last["trace_id"]) == ("claim", "day", TRACE)
    assert "1234" not in {str(value) for line in lines for value in line.values()}
    assert "believe" not in written.getvalue()
    assert path.rpartition(":")[2] not in written.getvalue()
