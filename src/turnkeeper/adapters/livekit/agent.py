"""`DurableFormAgent`: the form is the agent."""

from typing import Unpack

from livekit.agents import Agent

from turnkeeper.adapters.keypad import INTERDIGIT_TIMEOUT
from turnkeeper.adapters.livekit.conversation import (
    NOINPUT_TIMEOUT,
    AgentOptions,
    Conversation,
    form_options,
)
from turnkeeper.adapters.livekit.line import Caller
from turnkeeper.client import VoiceSession, VoiceSessions
from turnkeeper.contract import Reply


class DurableFormAgent(Agent):
    """An agent that fills in a form with its caller. One for each call.

    It greets, takes speech and keys, asks again after silence, and closes the session when the form
    is done. Closing a LiveKit session leaves a caller by phone in the room: start it with
    `RoomOptions(delete_room_on_close=True)` to hang up.

    Args:
        sessions: where the form lives.
        form: the form's id.
        caller: the person, or what tells it from the participant; by default the phone number of
            who calls by phone, and the identity of anyone else.
        noinput_timeout: seconds of silence after which the caller is asked again; None: never.
        interdigit_timeout: seconds after a key within which the next belongs to the same answer.
        options: what LiveKit's agent takes.
    """

    def __init__(
        self,
        sessions: VoiceSessions,
        form: str,
        *,
        caller: Caller | None = None,
        noinput_timeout: float | None = NOINPUT_TIMEOUT,
        interdigit_timeout: float = INTERDIGIT_TIMEOUT,
        **options: Unpack[AgentOptions],
    ) -> None:
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

    async def on_hang_up(self, reply: Reply) -> None:
        """The last words were said. Override to do something else than to close the session."""
        self.session.shutdown(drain=True)

    async def on_transfer(self, reply: Reply) -> None:
        """A person takes over: override it to transfer the call, by SIP REFER or into their room.

        By default the session is closed: nobody would go on listening.
        """
        self.session.shutdown(drain=True)

    async def _ended(self, reply: Reply) -> None:
        hooks = {"hang_up": self.on_hang_up, "transfer": self.on_transfer}
        await hooks[reply.next](reply)
