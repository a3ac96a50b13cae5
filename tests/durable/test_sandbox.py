"""The sandbox that remembers contexts tells a codec the same as the SDK's own."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.converter import (
    DataConverter,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
)
from temporalio.worker import Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from benchmarks.raw import RAW, WITH_LOCAL_ACTIVITY, Raw, nothing
from worker import sandbox
from worker.sandbox import PASSED_ON, SandboxRunner
from worker.server import EmbeddedServer

Seen = Counter[tuple[str, str]]


class Noting(PayloadCodec, WithSerializationContext):
    """Changes nothing and notes each payload's context; the data key too, as a text."""

    def __init__(self, seen: Seen, context: SerializationContext | None = None) -> None:
        self._seen, self._context = seen, context

    def with_context(self, context: SerializationContext) -> "Noting":
        return Noting(self._seen, context)

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return self._note("encode", payloads)

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return self._note("decode", payloads)

    def _note(self, how: str, payloads: Sequence[Payload]) -> list[Payload]:
        self._seen.update((how, repr(self._context)) for _ in payloads)
        return list(payloads)


@pytest.fixture(scope="module")
async def address(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    folder: Path = tmp_path_factory.mktemp("sandbox")
    async with EmbeddedServer(folder) as server:
        yield server.address


async def _seen_with(runner: WorkflowRunner, address: str) -> Seen:
    """What a worker's codec sees in one session of three turns, begun and ended."""
    seen: Seen = Counter()
    converter = replace(DataConverter.default, payload_codec=Noting(seen))
    worker_client = await Client.connect(address, data_converter=converter)
    client = await Client.connect(address)
    worker = Worker(
        worker_client,
        task_queue="sandbox",
        workflows=[Raw],
        activities=[nothing],
        workflow_runner=runner,
    )
    async with worker:
        handle = await client.start_workflow(RAW, id="the-same-id", task_queue="sandbox")
        for text in ("one", "two", "three"):
            assert await handle.execute_update(WITH_LOCAL_ACTIVITY, text) == text
        await handle.signal("stop")
        await handle.result()
    return seen


async def test_a_codec_gets_the_contexts_that_the_sdk_gives_it(address: str) -> None:
    """Each payload is encoded and decoded in the same context, activity and all."""
    with_sdk = await _seen_with(SandboxedWorkflowRunner(), address)
    assert any("ActivitySerializationContext" in context for _, context in with_sdk)
    assert await _seen_with(SandboxRunner(), address) == with_sdk


def test_this_sdk_is_one_whose_instances_are_known() -> None:
    """Another SDK's would run without the memory of contexts: slower, and no worse."""
    assert sandbox._PUBLIC == PASSED_ON
