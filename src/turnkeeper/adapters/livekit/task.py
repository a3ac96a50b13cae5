"""`DurableFormTask`: an existing agent hands over one form and gets its answers back."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Generic, TypeVar, Unpack, cast, overload

from livekit.agents import AgentTask
from livekit.agents.llm import ToolError
from pydantic import BaseModel

from turnkeeper.adapters.keypad import INTERDIGIT_TIMEOUT
from turnkeeper.adapters.livekit.conversation import (
    NOINPUT_TIMEOUT,
    AgentOptions,
    Conversation,
    form_options,
)
from turnkeeper.adapters.livekit.line import Caller
from turnkeeper.client import VoiceSession, VoiceSessions
from turnkeeper.contract import Reply, Status
from turnkeeper.errors import SessionClosed, SupersededLeg, TurnkeeperError
from turnkeeper.forms import answers_to
from turnkeeper.forms.model import Scalar

Result = TypeVar("Result")
M = TypeVar("M", bound=BaseModel)

_FILLED_IN: frozenset[Status] = frozenset({"submitting", "completed"})


class FormNotCompleted(ToolError, TurnkeeperError):
    """The form ended without its answers: cancelled, handed off, or taken over by another call.

    A `ToolError`: raised out of a function tool, its text tells the agent's model what happened.
    """

    def __init__(
        self, form: str, status: Status, refused: type[TurnkeeperError] | None = None
    ) -> None:
        super().__init__(f"the form {form} was not completed: {_why(status, refused)}")
        self.form = form
        self.status = status
        """Of the form. One that is still `collecting` waits for the caller to come back."""
        self.refused = refused
        """The error that ended this call's part in it, if one did."""


def _why(status: Status, refused: type[TurnkeeperError] | None) -> str:
    if refused is SupersededLeg:
        return "the caller is on another line now"
    if refused is None or refused is SessionClosed:
        return f"it is {status.replace('_', ' ')}"
    return f"it is not to be had ({refused.__name__})"


class DurableFormTask(AgentTask[Result], Generic[Result]):
    """Fills in a form with the caller, then goes back to the agent that awaits it.

        claim = await DurableFormTask(sessions, "claim", model=Claim)

    The result is an instance of `model`, or without one the answers by field. The session goes on,
    and so does its chat context.

    Args:
        sessions: where the form lives.
        form: the form's id; the workers have it, for a model as `from_model(model, form=form)`.
        model: what the answers are validated into.
        caller, noinput_timeout, interdigit_timeout, options: as of `DurableFormAgent`.

    Awaiting it raises:
        FormNotCompleted: the caller cancelled, or the form ended otherwise.
        TurnkeeperError: the answers could not be read, or are no `model`.
    """

    @overload
    def __init__(
        self: "DurableFormTask[dict[str, Scalar]]",
        sessions: VoiceSessions,
        form: str,
        *,
        model: None = None,
        caller: Caller | None = None,
        noinput_timeout: float | None = NOINPUT_TIMEOUT,
        interdigit_timeout: float = INTERDIGIT_TIMEOUT,
        **options: Unpack[AgentOptions],
    ) -> None: ...

    @overload
    def __init__(
        self: "DurableFormTask[M]",
        sessions: VoiceSessions,
        form: str,
        *,
        model: type[M],
        caller: Caller | None = None,
        noinput_timeout: float | None = NOINPUT_TIMEOUT,
        interdigit_timeout: float = INTERDIGIT_TIMEOUT,
        **options: Unpack[AgentOptions],
    ) -> None: ...

    def __init__(
        self,
        sessions: VoiceSessions,
        form: str,
        *,
        model: type[BaseModel] | None = None,
        caller: Caller | None = None,
        noinput_timeout: float | None = NOINPUT_TIMEOUT,
        interdigit_timeout: float = INTERDIGIT_TIMEOUT,
        **options: Unpack[AgentOptions],
    ) -> None:
        self._form = form
        # The overloads say which of the two `Result` is.
        read = dict if model is None else partial(answers_to, model)
        self._result = cast(Callable[[Mapping[str, Scalar]], Result], read)
        self._conversation = Conversation(
            self,
            sessions,
            form,
            caller,
            ended=self._ended,
            noinput_timeout=noinput_timeout,
            interdigit_timeout=interdigit_timeout,
        )
        super().__init__(
            instructions=f"Fills in the form {form}.",
            llm=self._conversation.model,
            **form_options(options),
        )

    @property
    def form_session(self) -> VoiceSession | None:
        """The leg of the form; None before it was opened."""
        return self._conversation.model.call.session

    async def on_enter(self) -> None:
        await self._conversation.enter()

    async def on_exit(self) -> None:
        await self._conversation.leave()

    async def _ended(self, reply: Reply) -> None:
        outcome = await self._outcome(reply)
        if not self.done():
            self.complete(outcome)

    async def _outcome(self, reply: Reply) -> Result | Exception:
        session = self.form_session
        if session is None or reply.status not in _FILLED_IN:
            refused = self._conversation.model.call.refused
            return FormNotCompleted(self._form, reply.status, refused)
        try:
            return self._result((await session.state()).form_answers)
        except TurnkeeperError as error:
            return error
