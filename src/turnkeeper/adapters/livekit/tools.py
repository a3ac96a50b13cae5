"""`form_tools`: the agent's own model leads, and records answers as it goes."""

import json

from livekit.agents import RunContext, function_tool
from livekit.agents.llm import Tool, ToolError, Toolset

from turnkeeper.adapters.fields import field_schema
from turnkeeper.client import VoiceSession
from turnkeeper.contract import Reply, SessionState
from turnkeeper.errors import (
    SessionClosed,
    SessionNotFound,
    StoreUnavailable,
    SupersededLeg,
    TurnkeeperError,
)
from turnkeeper.forms.model import Form, Scalar


async def form_tools(session: VoiceSession) -> list[Tool | Toolset]:
    """Function tools `record_answers` and `form_state` of one caller's form.

    Every answer is checked as a spoken one is, and is in history before the tool returns; a refused
    one comes back with the words to ask again with. Their results are JSON.

    Args:
        session: an open leg. Its `reply` has the greeting and the first question.

    Raises:
        StoreUnavailable: the form could not be read.
    """
    form = (await session.state()).definition

    async def record_answers(
        raw_arguments: dict[str, Scalar | None], context: RunContext[object]
    ) -> str:
        call_id = context.function_call.call_id
        try:
            return _told(await session.turn(answers=raw_arguments, utterance_id=call_id))
        except TurnkeeperError as error:
            raise _for_model(error) from error

    async def form_state(raw_arguments: dict[str, object], context: RunContext[object]) -> str:
        try:
            return _state(await session.state())
        except TurnkeeperError as error:
            raise _for_model(error) from error

    return [
        function_tool(record_answers, raw_schema=_recording(form)),
        function_tool(form_state, raw_schema=_reading()),
    ]


def _recording(form: Form | None) -> dict[str, object]:
    fields = form.fields if form else ()
    return {
        "name": "record_answers",
        "description": (
            "Record answers of the caller as soon as they are given, one or several at once. "
            "null takes an optional answer back. The result says what was recorded, what was "
            "refused and why, and what to ask next."
        ),
        "parameters": {
            "type": "object",
            "properties": {field.name: field_schema(field) for field in fields},
            "additionalProperties": not fields,
            "required": [],
        },
    }


def _reading() -> dict[str, object]:
    return {
        "name": "form_state",
        "description": "The answers recorded so far, and what is still to be asked.",
        "parameters": {"type": "object", "properties": {}, "required": []},
    }


def _told(reply: Reply) -> str:
    return json.dumps(
        {
            "recorded": reply.recorded,
            "refused": {one.field: one.say for one in reply.rejected},
            "removed": reply.removed,
            "say": reply.say,
            "ask_next": reply.field,
            "status": reply.status,
        }
    )


def _state(state: SessionState) -> str:
    return json.dumps(
        {
            "answers": state.form_answers,
            "ask_next": state.field,
            "done": state.progress.done,
            "total": state.progress.total,
            "status": state.status,
        }
    )


_TOLD: dict[type[TurnkeeperError], str] = {
    StoreUnavailable: "The answers cannot be stored just now. Call the tool again.",
    SupersededLeg: "The caller is on another line now. End this call.",
    SessionClosed: "The form is finished and takes no more answers.",
    SessionNotFound: "The form is no longer there.",
    TurnkeeperError: "That could not be taken. Ask the caller again.",
}
"""What the agent's model is told: never an error's own text, which may name the caller."""


def _for_model(error: TurnkeeperError) -> ToolError:
    return ToolError(next(_TOLD[kind] for kind in type(error).__mro__ if kind in _TOLD))
