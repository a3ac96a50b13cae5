"""The tools: one method a tool. A docstring is what the agent reads of it."""

import asyncio
import secrets
from typing import Annotated
from weakref import WeakValueDictionary

from pydantic import Field

from turnkeeper.client import VoiceSession, VoiceSessions
from turnkeeper.errors import InvalidInput, StoreUnavailable, SupersededLeg
from turnkeeper.forms.load import load_folder
from turnkeeper.forms.model import Scalar
from turnkeeper.mcp_server.handle import Handle
from turnkeeper.mcp_server.results import FormList, Opened, Standing, Turned, row_of

CHANNEL = "mcp"
CANCELLING = "cancel_form"
"""The utterance id of cancelling: once a leg, however often it is called."""

SessionHandle = Annotated[str, Field(description="The handle, exactly as open_form gave it.")]
UtteranceId = Annotated[
    str | None,
    Field(
        description="Your name for this utterance (u1, u2, ...), a new one for each thing the "
        "caller says. The same id with the same content is the same turn: it is not applied again, "
        "and gives the same reply. The same id with other content replaces the newest turn."
    ),
]


class FormTools:
    """The tools over the sessions of one tenant."""

    def __init__(self, sessions: VoiceSessions) -> None:
        self._sessions = sessions
        self._calling: WeakValueDictionary[Handle, VoiceSession] = WeakValueDictionary()
        """Legs with a turn on its way, so that the next one waits for it: also for a turn whose
        call was cancelled. Nothing else is remembered of a leg."""

    def list_forms(self) -> FormList:
        """The forms that can be opened, as far as this server knows: those of its forms folder.

        The workers may have others: open_form knows for certain.
        """
        forms = load_folder(self._sessions.settings.forms)
        return FormList(forms=tuple(row_of(form) for form in forms.values()))

    async def open_form(
        self,
        form: Annotated[str, Field(description="The form's id.")],
        caller: Annotated[
            str,
            Field(
                description="Who the person is: a phone number in any spelling, or an id that "
                "stays the same when they come back. Never a name that you made up."
            ),
        ],
    ) -> Opened:
        """Restore a caller's form, or begin it; `restored` says which. No other tool creates one.

        Tell the caller `say`: it greets them, or welcomes them back, and asks the pending question.
        `fields` has what is known already. Keep `session`: every other tool takes it, and it stays
        good when this server is started again.

        To call this again is safe: it is the same form under a new handle, with its answers, and
        older handles are refused from then on.
        """
        session = await self._sessions.open(form, caller, channel=CHANNEL)
        return Opened.as_found(Handle.of(session), session.reply, await session.state())

    async def say(
        self,
        session: SessionHandle,
        text: Annotated[str, Field(description="What the caller said, in their own words.")],
        utterance_id: UtteranceId = None,
    ) -> Turned:
        """One turn in the caller's words. When the reply is there, the turn is stored for good.

        Send what they said as they said it: the form finds the value, checks it, and asks the next
        question or reads it back. Wishes in words work as well: repeat, help, skip, go back, start
        over, cancel. Tell the caller the reply's `say`.
        """
        return await self._turn(session, utterance_id, text=text)

    async def record_answers(
        self,
        session: SessionHandle,
        answers: Annotated[
            dict[str, Scalar | None],
            Field(
                description="Values by field name. Dates are YYYY-MM-DD, times HH:MM; phone "
                "numbers have their country code; digits and postal codes are text; null takes an "
                "optional field's answer back."
            ),
        ],
        utterance_id: UtteranceId = None,
    ) -> Turned:
        """Record values that you extracted yourself, several at once, in any order.

        They are checked as if the caller had said them: `recorded` has those that are stored,
        `rejected` the others, each with the reason. A value for a field that has one corrects it.
        For the caller's yes or no to a read-back use `say`.
        """
        if not answers:
            raise InvalidInput("`answers` is empty: pass at least one value, by field name")
        return await self._turn(session, utterance_id, answers=answers)

    async def form_state(self, session: SessionHandle) -> Standing:
        """How a form stands: its fields and answers, what is asked, how it ended. Changes nothing.

        Also of ended forms, for as long as they are kept.
        """
        handle = self._read(session)
        state, transcript = await asyncio.gather(
            self._sessions.state(handle.session_id), self._sessions.transcript(handle.session_id)
        )
        return Standing.of(handle, state, transcript)

    async def cancel_form(self, session: SessionHandle) -> Turned:
        """End the form without submitting it, because the caller does not want it any more.

        Do not call it because a conversation ends: a form that is left alone waits for the caller.
        To call this again is harmless.
        """
        handle, leg = self._leg(session)
        # A turn and not `VoiceSession.cancel`: only the newest handle may, and only its own form.
        reply = await leg.turn(event="cancel", utterance_id=CANCELLING)
        return Turned.of(handle, reply)

    async def hand_off_form(
        self,
        session: SessionHandle,
        reason: Annotated[
            str, Field(description="Why, for the person who takes over; nothing that was answered.")
        ] = "",
    ) -> Turned:
        """Leave the caller to a person: the answers wait for them.

        Do it when the caller asks for a person, or you cannot help them on. Where the form names a
        number, `transfer_to` has it. To call this again is harmless.
        """
        handle, leg = self._leg(session)
        await self._require_newest(handle)
        return Turned.of(handle, await leg.hand_off(reason))

    async def _require_newest(self, handle: Handle) -> None:
        """Raises SupersededLeg unless it is: a hand-off is not fenced by legs, as turns are."""
        newest = await self._sessions.state(handle.session_id)
        if (newest.epoch, newest.leg) != (handle.epoch, handle.leg):
            raise SupersededLeg(f"leg {handle.leg} was superseded by leg {newest.leg}")

    async def _turn(
        self,
        session: str,
        utterance_id: str | None,
        *,
        text: str | None = None,
        answers: dict[str, Scalar | None] | None = None,
    ) -> Turned:
        handle, leg = self._leg(session)
        named = utterance_id or secrets.token_hex(8)
        try:
            reply = await leg.turn(text, answers=answers, utterance_id=named)
        except StoreUnavailable as error:
            again = f"{error}: repeat this call with utterance_id {named!r}"
            raise StoreUnavailable(again) from error
        return Turned.of(handle, reply)

    def _leg(self, session: str) -> tuple[Handle, VoiceSession]:
        handle = self._read(session)
        leg = self._calling.get(handle)
        if leg is None:
            leg = self._calling[handle] = self._sessions.attach(*handle)
        return handle, leg

    def _read(self, session: str) -> Handle:
        return Handle.read(session)
