"""Replaying a stored history, and seeing the state that it leads to.

A replayer only compares commands. A changed fold, or a changed date parser in workflow code, would
lead to other answers with the same commands: so what a run returns, or hands to the next run, is
taken out and compared too.

An encrypted session is replayed as it was: its history opens with its own key, which is stored with
it as the key store has it, wrapped by a tenant key that is nobody's.
"""

import base64
import json
import os
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python
from temporalio.client import WorkflowHistory
from temporalio.worker import (
    ContinueAsNewInput,
    ExecuteWorkflowInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

from turnkeeper.connection import DEFAULT_NAMESPACE
from turnkeeper.security.key_store import NewKey, SessionId, key_store
from turnkeeper.security.keys import WrappedKey
from turnkeeper.settings import Settings, read_settings
from worker.build import PASSED_THROUGH, build_replayer

HISTORIES = Path(__file__).parent / "histories"
TENANT_KEY = base64.b64encode(b"for tests of replay, no secret..").decode()
"""Of 32 bytes. It wraps the keys of recorded sessions, and must stay what it is."""


@dataclass(frozen=True)
class RecordedKey:
    """A session's row in the key store."""

    key_id: str
    tenant: str
    version: str
    wrapped: str
    """In hexadecimal digits."""


@dataclass(frozen=True)
class Recorded:
    """A finished run: its history, and what it returned or handed on."""

    name: str
    workflow_id: str
    outcome: object
    history: dict[str, object]
    key: RecordedKey | None = None
    """None of a session that was not encrypted."""

    @classmethod
    def load(cls, path: Path) -> "Recorded":
        return TypeAdapter(cls).validate_json(path.read_bytes())

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(to_jsonable_python(self), separators=(",", ":"), sort_keys=True)
        (folder / f"{self.name}.json").write_text(text + "\n")


@dataclass
class Outcomes(Interceptor):
    """Collects what each replayed run returned or handed on, as JSON values."""

    seen: list[object] = field(default_factory=list)

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor]:
        seen = self.seen

        class Outbound(WorkflowOutboundInterceptor):
            def continue_as_new(self, input: ContinueAsNewInput) -> NoReturn:
                seen.append(to_jsonable_python(input.args[0]))
                super().continue_as_new(input)

        class Inbound(WorkflowInboundInterceptor):
            def init(self, outbound: WorkflowOutboundInterceptor) -> None:
                super().init(Outbound(outbound))

            async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
                result = await super().execute_workflow(input)
                seen.append(to_jsonable_python(result))
                return result

        return Inbound


async def replay(recorded: Recorded, passed_through: Sequence[str] = PASSED_THROUGH) -> object:
    """What the present code makes of a history. Raises when its commands are others."""
    outcomes = Outcomes()
    history = WorkflowHistory.from_json(recorded.workflow_id, json.dumps(recorded.history))
    async with settings_of(recorded) as settings:
        replayer = build_replayer(settings, passed_through, [outcomes])
        await replayer.replay_workflow(history)
    (outcome,) = outcomes.seen
    return outcome


@asynccontextmanager
async def settings_of(recorded: Recorded) -> AsyncIterator[Settings]:
    """Those that open the history: with its key in a key store of its own, where it has one."""
    if recorded.key is None:
        yield read_settings()
        return
    with tempfile.TemporaryDirectory() as folder:
        settings = sealing(Path(folder), tenant=recorded.key.tenant)
        assert settings.key_store
        await key_store(settings.key_store).add(
            NewKey(
                recorded.key.key_id,
                recorded.key.tenant,
                SessionId(DEFAULT_NAMESPACE, recorded.workflow_id),
                WrappedKey(recorded.key.version, bytes.fromhex(recorded.key.wrapped)),
            )
        )
        yield settings


def sealing(folder: Path, **settings: object) -> Settings:
    """Settings that encrypt with `TENANT_KEY`; the key store is in `folder`."""
    key_file = folder / "tenant-keys.json"
    os.close(os.open(key_file, os.O_CREAT, 0o600))
    key_file.write_text(json.dumps({"current": "1", "keys": {"1": TENANT_KEY}}))
    store = f"sqlite:{folder / 'keys.db'}"
    return read_settings(keys=f"file:{key_file}", key_store=store, **settings)


def keeps(outcome: object, recorded: object) -> bool:
    """Whether everything that was recorded is still so. A later release may add to a state what an
    old session has by default; it may not take away or change."""
    match outcome, recorded:
        case dict(), dict():
            return all(key in outcome and keeps(outcome[key], recorded[key]) for key in recorded)
        case list(), list():
            same = len(outcome) == len(recorded)
            return same and all(map(keeps, outcome, recorded))
    return outcome == recorded
