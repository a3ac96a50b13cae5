"""Temporal's sandbox, asked once for what does not change.

For each payload that comes to a workflow or leaves it the SDK asks the workflow's instance, several
times over, for its serialization context (namespace, workflow id, activity). A sandboxed instance
enters the sandbox to answer: it compiles a line of code and swaps the table of modules, about
sixteen times a turn and a fifth of the worker's processor time (SDK 1.35). The context of a command
is settled when the command is made, so each answer is kept here. Workflow code runs in the sandbox
as before.
"""

from typing import TYPE_CHECKING

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import SerializationContext, StorageDriverStoreContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import Info

if TYPE_CHECKING:  # The signatures of WorkflowInstance name it; the SDK does not export it.
    from temporalio.worker._command_aware_visitor import CommandInfo


PASSED_ON = frozenset(
    {
        "activate",
        "get_external_store_context",
        "get_info",
        "get_serialization_context",
        "get_thread_id",
    }
)
"""What `Remembering` passes on. An SDK whose instances have other methods runs as it is."""
_PUBLIC = frozenset(name for name in vars(WorkflowInstance) if not name.startswith("_"))


class SandboxRunner(SandboxedWorkflowRunner):
    """The SDK's sandboxed runner, with instances that remember their contexts."""

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        instance = super().create_instance(det)
        return Remembering(instance) if _PUBLIC == PASSED_ON else instance


class Remembering(WorkflowInstance):
    """An instance that asks the one inside it once a command; None stands for the workflow."""

    def __init__(self, inside: WorkflowInstance) -> None:
        self._inside = inside
        self._contexts: dict[CommandInfo | None, SerializationContext | None] = {}
        self._stores: dict[CommandInfo | None, StorageDriverStoreContext] = {}

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        return self._inside.activate(act)

    def get_serialization_context(
        self, command_info: "CommandInfo | None"
    ) -> SerializationContext | None:
        if command_info not in self._contexts:
            self._contexts[command_info] = self._inside.get_serialization_context(command_info)
        return self._contexts[command_info]

    def get_external_store_context(
        self, command_info: "CommandInfo | None"
    ) -> StorageDriverStoreContext:
        if command_info not in self._stores:
            self._stores[command_info] = self._inside.get_external_store_context(command_info)
        return self._stores[command_info]

    def get_info(self) -> Info:
        return self._inside.get_info()

    def get_thread_id(self) -> int | None:
        return self._inside.get_thread_id()
