"""Replaying a stored history, and seeing the state that it leads to.

A replayer only compares commands. A changed fold, or a changed date parser in workflow code, would
lead to other answers with the same commands: so what a run returns, or hands to the next run, is
taken out and compared too.
"""

import json
from collections.abc import Sequence
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

from turnkeeper.settings import read_settings
from worker.build import PASSED_THROUGH, build_replayer

HISTORIES = Path(__file__).parent / "histories"


@dataclass(frozen=True)
class Recorded:
    """A finished run: its history, and what it returned or handed on."""

    name: str
    workflow_id: str
    outcome: object
    history: dict[str, object]

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
    replayer = build_replayer(read_settings(), passed_through, [outcomes])
    history = WorkflowHistory.from_json(recorded.workflow_id, json.dumps(recorded.history))
    await replayer.replay_workflow(history)
    (outcome,) = outcomes.seen
    return outcome


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
