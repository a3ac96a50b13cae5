"""A durable form as the nodes of a flow (`pipecat.flows`): the agent's own model leads, each answer
is recorded durably before the model hears that it was.

A flow keeps where it stands in the process. Here the session does: a node is made of the newest
reply, so that the first node of a new call is the pending question.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Self, Unpack

from pipecat.flows import FlowArgs, FlowManager, FlowsFunctionSchema, NodeConfig
from pipecat.flows.types import ActionConfig

from turnkeeper.adapters.fields import field_schema
from turnkeeper.adapters.pipecat.refusals import refusal, reported
from turnkeeper.client import TurnContent, VoiceSession
from turnkeeper.contract import Reply
from turnkeeper.errors import StoreUnavailable, TurnkeeperError
from turnkeeper.forms.model import Form
from turnkeeper.telemetry import logger

Schema = dict[str, object]
Step = tuple[Schema, NodeConfig | None]
"""What a function of a flow gives: the result for the model, and the next node."""

CALL_SECONDS = 60.0
"""The model waits this long for a function: several of the client's turn deadlines (15 s)."""

_YES_NO = {True: "1", False: "2"}
"""A yes and a no in every language: the keys that answer a read-back."""

_ASK = (
    "Say this to the caller, in these words or close to them: {say}\n"
    "Then wait for what they say. As soon as they give an answer, to this question or to another, "
    "call record_answers with the values and nothing made up."
)
_CONFIRM = (
    "Say this to the caller, in these words or close to them: {say}\n"
    "Then wait for what they say. Call confirm when they say yes or no, and record_answers when "
    "they give another value."
)
_END = "Say this to the caller, in these words or close to them, and nothing else: {say}"

_log = logger(__name__)


class DurableFlow:
    """Nodes for a `FlowManager`, made of one caller's session.

        session = await sessions.open("roadside_claim", caller=number)
        flow = await DurableFlow.of(session)
        await manager.initialize(flow.node())

    Every node has the pending question as its task and the function `record_answers`, whose
    parameters are the form's fields; a read-back has `confirm` too. Each leads to the next node.
    """

    def __init__(
        self,
        session: VoiceSession,
        form: Form,
        *,
        on_transfer: Callable[[Reply], Awaitable[None]] | None = None,
    ) -> None:
        self._session = session
        self._form = form
        self._on_transfer = on_transfer
        self._turns = 0
        self._one_at_a_time = asyncio.Lock()

    @classmethod
    async def of(
        cls,
        session: VoiceSession,
        *,
        on_transfer: Callable[[Reply], Awaitable[None]] | None = None,
    ) -> Self:
        """The flow of an open session; `on_transfer` puts the caller through.

        Raises:
            StoreUnavailable: the form could not be read.
        """
        form = (await session.state()).definition
        return cls(session, form or Form(form=""), on_transfer=on_transfer)

    def node(self) -> NodeConfig:
        """What is to be said and asked now. Set `role_message` on the first for a personality."""
        reply = self._session.reply
        if reply.next != "listen":
            return self._last_node(reply)
        confirms = reply.expects is not None and reply.expects.type == "confirmation"
        functions = [self._confirm_schema()] if confirms else []
        return NodeConfig(
            name=reply.field or reply.status,
            task_messages=_task(_CONFIRM if confirms else _ASK, reply.say),
            functions=[*functions, self._record_schema()],
        )

    def _last_node(self, reply: Reply) -> NodeConfig:
        return NodeConfig(
            name=reply.status,
            task_messages=_task(_END, reply.say),
            functions=[],
            post_actions=[self._ending(reply)],
        )

    def _ending(self, reply: Reply) -> ActionConfig:
        transfer = self._on_transfer
        if reply.next != "transfer" or transfer is None:
            return ActionConfig(type="end_conversation")

        async def put_through(_: dict[str, object], __: FlowManager) -> None:
            await transfer(reply)

        return ActionConfig(type="function", handler=put_through)

    # --- functions --------------------------------------------------------------------------------

    def _record_schema(self) -> FlowsFunctionSchema:
        return FlowsFunctionSchema(
            name="record_answers",
            description=(
                "Record the caller's answers, one or several at once. null takes an optional "
                "answer back. The result says what was recorded, and what was refused and why."
            ),
            properties={field.name: field_schema(field) for field in self._form.fields},
            required=[],
            handler=self._record,
            timeout_secs=CALL_SECONDS,
        )

    def _confirm_schema(self) -> FlowsFunctionSchema:
        return FlowsFunctionSchema(
            name="confirm",
            description="The caller's yes or no to what was read back.",
            properties={"yes": {"type": "boolean"}},
            required=["yes"],
            handler=self._confirm,
            timeout_secs=CALL_SECONDS,
        )

    async def _record(self, args: FlowArgs, _: FlowManager) -> Step:
        return await self._turn(answers=args)

    async def _confirm(self, args: FlowArgs, _: FlowManager) -> Step:
        return await self._turn(dtmf=_YES_NO[bool(args.get("yes"))])

    async def _turn(self, **content: Unpack[TurnContent]) -> Step:
        """One turn, its result for the model, and the next node. A turn of which nobody knows
        whether it is stored keeps its id, so that the model's next call amends it."""
        async with self._one_at_a_time:
            try:
                content["utterance_id"] = f"f{self._turns + 1}"
                reply = await self._session.turn(**content)
            except StoreUnavailable as error:
                _log.warning("a turn was not stored", error=type(error).__name__)
                return _not_stored(), None
            except TurnkeeperError as error:
                _log.warning("a turn was refused", error=type(error).__name__)
                return self._refused(error)
            self._turns += 1
            return _result(reply), self.node()

    def _refused(self, error: TurnkeeperError) -> Step:
        refused = refusal(error)
        result: Schema = {"status": "refused", "error": reported(error)}
        if not refused.ends:
            return result, None
        goodbye = self._session.reply.model_copy(update={"say": refused.say, "next": "hang_up"})
        return result, self._last_node(goodbye)


def _task(template: str, say: str) -> list[dict[str, str]]:
    """A node's messages. Double braces, Flows' placeholders, are none in a caller's words."""
    return [{"role": "developer", "content": template.format(say=say.replace("{{", "{ {"))}]


def _result(reply: Reply) -> Schema:
    return {
        "status": reply.status,
        "recorded": reply.recorded,
        "refused": {one.field: one.say for one in reply.rejected},
    }


def _not_stored() -> Schema:
    return {
        "status": "not_stored",
        "error": "The store cannot be reached. Ask the caller to wait a moment, then call this "
        "function again with the same values and any newer ones.",
    }
