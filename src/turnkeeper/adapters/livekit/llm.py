"""The form in LiveKit's language-model slot: a chat context in, the form's reply out."""

from collections.abc import Callable
from typing import Any, TypeAlias

from livekit.agents import APIConnectionError, APIConnectOptions, llm
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr
from livekit.agents.utils import shortuuid
from livekit.agents.voice import SpeechHandle

# LiveKit has no public name for the speech that a model is asked for. Both versions that are
# tested have this one; a version without it must not import, or speculation would be stored.
from livekit.agents.voice.agent_activity import _SpeechHandleContextVar as _current_speech

from turnkeeper.adapters.livekit.call import FindLine, FormCall, Line
from turnkeeper.client import VoiceSessions
from turnkeeper.contract import Reply
from turnkeeper.errors import StoreUnavailable

OnReply: TypeAlias = Callable[[Reply, SpeechHandle], None]


class DurableFormLLM(llm.LLM[str]):
    """A form as a language model: `AgentSession(llm=DurableFormLLM(...))`. One for each call.

    The first reply of a call is the greeting, or the welcome back: ask for it with
    `session.generate_reply()`, or it answers the caller's first words.

    Args:
        sessions: where the form lives.
        form: the form's id.
        caller: the person; see `turnkeeper.security.identity.normal_caller`.
        transport_id: the call's own name, such as the room's.
    """

    def __init__(
        self, sessions: VoiceSessions, form: str, *, caller: str, transport_id: str = ""
    ) -> None:
        super().__init__()
        self.call = FormCall(sessions, form, Line(caller, transport_id))
        """The leg of the form that this model speaks for."""
        self._on_reply: OnReply | None = None

    @classmethod
    def found(
        cls, sessions: VoiceSessions, form: str, find_line: FindLine, on_reply: OnReply
    ) -> "DurableFormLLM":
        """A model that learns who calls when the call is opened, and tells each reply that is
        about to be spoken, with its speech."""
        model = cls(sessions, form, caller="")
        model.call = FormCall(sessions, form, find_line)
        model._on_reply = on_reply
        return model

    @property
    def model(self) -> str:
        return self.call.form

    @property
    def provider(self) -> str:
        return "turnkeeper"

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,
    ) -> llm.LLMStream:
        """The reply to the last user message. Tools and options for a model mean nothing here."""
        return _ReplyStream(self, self._on_reply, chat_ctx, tools or [], conn_options)


class _ReplyStream(llm.LLMStream):
    def __init__(
        self,
        model: DurableFormLLM,
        on_reply: OnReply | None,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        conn_options: APIConnectOptions,
    ) -> None:
        # Before `super`, which starts `_run`.
        self._call = model.call
        self._on_reply = on_reply
        self._speech = _current_speech.get(None)
        super().__init__(model, chat_ctx=chat_ctx, tools=tools, conn_options=conn_options)

    async def _run(self) -> None:
        if self._speech is not None:
            # Scheduled means final; a speculation that is dropped is cancelled here.
            await self._speech._wait_for_scheduled()
        try:
            reply = await self._call.answer(self._chat_ctx)
        except StoreUnavailable as error:
            raise APIConnectionError("the form's store cannot be reached") from error
        delta = llm.ChoiceDelta(role="assistant", content=reply.say)
        self._event_ch.send_nowait(llm.ChatChunk(id=shortuuid("form_"), delta=delta))
        if self._on_reply is not None and self._speech is not None:
            self._on_reply(reply, self._speech)
