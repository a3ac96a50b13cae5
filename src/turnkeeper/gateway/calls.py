"""Calls whose platform sends the whole conversation each time: an OpenAI-compatible request, a
Retell frame. Which leg it is, and which of its words are new.

Theory. Any instance of the gateway must find that out from the request and the session alone:

    the leg        the session's leg under the call's id (`Leg.transport_id`): a redial has another
                   id and opens a leg of its own
    the turn       the caller's last utterance, named by its place among the caller's utterances:
                   the same place again is the same turn (a retry), or other words of it
                   (speculation), which amend
    what is due    utterances after the newest that the session knows, which nobody sent because
                   their request was given up; and the newest itself, where the conversation now
                   has other words for it: a speculation that never became final

What a process remembers of a call only saves it the look-up; forgotten, it is looked up again.
"""

import asyncio
import contextlib
import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property

from turnkeeper.client import VoiceSession
from turnkeeper.contract import (
    MAX_TRANSPORT_ID,
    LastTurn,
    Leg,
    Reply,
    SessionState,
    TurnEvent,
)
from turnkeeper.dialogue.status import OPEN
from turnkeeper.dialogue.view import SECRET
from turnkeeper.errors import (
    InvalidInput,
    SessionClosed,
    SessionError,
    SessionNotFound,
    SupersededLeg,
    TurnConflict,
)
from turnkeeper.gateway.doorway import Doorway

KEPT_CALLS = 10_000
SILENCE = "noinput"
"""How the session notes an utterance without words."""


@dataclass(frozen=True)
class Conversation:
    """What was said on a call so far."""

    heard: tuple[str, ...] = ()
    """The caller's utterances, oldest first."""
    said: str = ""
    """The agent's words just before the newest of them, as far as the caller heard them."""
    answered: bool = False
    """Whether the agent spoke after the first of them."""

    @cached_property
    def utterances(self) -> tuple[str, ...]:
        """The id of each utterance: its place, and with what the list begins, since a platform
        that drops the oldest messages keeps the count as it is."""
        begins = f"-{_digest(_bare(self.heard[0]), 8)}" if self.heard else ""
        return tuple(f"{place}{begins if place > 1 else ''}" for place in range(1, self.count + 1))

    @property
    def count(self) -> int:
        return len(self.heard)


class Call:
    """One leg, and the newest utterance of it that is known to be in the session."""

    def __init__(
        self, leg: VoiceSession, last: LastTurn | None = None, *, whole: bool = False
    ) -> None:
        """`last` is the session's newest turn; `whole` says that conversations begin with the leg,
        so that an utterance before the first that was sent is not one of an earlier call."""
        known = last if last is not None and last.leg == leg.leg else None
        self.leg = leg
        self._newest = known.utterance_id if known else ""
        self._words = known.heard if known else ""
        self._said: str | None = None
        self._whole = whole
        self._in_order = asyncio.Lock()

    @property
    def is_new(self) -> bool:
        """Whether nothing was heard on it yet."""
        return not self._newest

    async def turn(self, talk: Conversation) -> Reply:
        """The reply to the newest utterance. To words after the end, or to other words of the
        utterance that ended it, the last reply again.

        Raises what `VoiceSession.turn` does.
        """
        try:
            async with self._in_order:
                return await self._turn(talk)
        except (SessionClosed, TurnConflict) as error:
            return await self._last_words(error)

    async def event(self, event: TurnEvent, utterance_id: str) -> Reply:
        """The reply to something that is not an utterance: silence."""
        try:
            return await self.leg.turn(event=event, utterance_id=utterance_id)
        except SessionClosed as error:
            return await self._last_words(error)

    async def last_reply(self) -> Reply:
        """What the caller was told last, without a new turn."""
        # Of the session, since another instance of the gateway may have taken the newest turn.
        last = (await self.leg.state()).last_turn
        ours = last is not None and last.leg == self.leg.leg
        reply = await self.leg.reply_to(last.utterance_id) if last and ours else None
        if reply is not None:
            return reply
        if self.leg.reply.say:
            return self.leg.reply
        said = [entry.said for entry in (await self.leg.transcript()).entries]
        return self.leg.reply.model_copy(update={"say": said[-1] if said else ""})

    async def _turn(self, talk: Conversation) -> Reply:
        *before, newest = self._due(talk)
        said = self._cut_off(talk)
        for place in before:
            # A conflict: another instance of the gateway has sent these and newer words. What can't
            # be sent must not keep what follows it from being heard.
            with contextlib.suppress(TurnConflict, InvalidInput):
                await self._send(talk, place, None)
        return await self._send(talk, newest, said)

    def _due(self, talk: Conversation) -> range:
        """The places, from 0, of the utterances that the session lacks; the newest always."""
        last = talk.count - 1
        if self._newest not in talk.utterances:
            return range(0 if self._whole and self.is_new else last, talk.count)
        known = talk.utterances.index(self._newest)
        stands = _bare(talk.heard[known]) == _bare(self._words)
        return range(min(known + 1 if stands else known, last), talk.count)

    async def _send(self, talk: Conversation, place: int, said: str | None) -> Reply:
        words, utterance = talk.heard[place], talk.utterances[place]
        # Platforms write silence as "..." or as nothing.
        silent = not _bare(words)
        try:
            reply = await self.leg.turn(
                None if silent else words,
                event="noinput" if silent else None,
                said=said,
                utterance_id=utterance,
            )
        except (SessionError, InvalidInput):
            self._known(utterance, words, said)  # The caller is asked again, and answers anew.
            raise
        self._known(utterance, words, said)
        return reply

    def _known(self, utterance: str, words: str, said: str | None) -> None:
        """It need not be sent again. One whose sending the store did not answer is due."""
        self._newest, self._words, self._said = utterance, words, said

    def _cut_off(self, talk: Conversation) -> str | None:
        """Up to where the last reply was heard; None where nothing says that it was cut off."""
        if talk.utterances[-1] == self._newest:
            return self._said
        said, heard = " ".join(self.leg.reply.say.split()), " ".join(talk.said.split())
        return heard if heard and heard != said and said.startswith(heard) else None

    async def _last_words(self, error: SessionError) -> Reply:
        """The reply that ended the session, if it was one to this call; else raises the error."""
        last = (await self.leg.state()).last_turn
        if last is None or last.leg != self.leg.leg:
            raise error
        reply = await self.leg.reply_to(last.utterance_id)
        if reply is None or reply.next == "listen":
            raise error
        return reply


class Calls:
    """The calls of one channel, by session and call id.

    Args:
        channel: its name, as it is kept with each leg.
        whole: whether a conversation of this channel always begins with its call.
    """

    def __init__(self, channel: str, *, whole: bool = False) -> None:
        self._channel = channel
        self._whole = whole
        self._calls: OrderedDict[tuple[str, str], Call] = OrderedDict()

    async def find(
        self,
        door: Doorway,
        form: str,
        caller: str,
        call_id: str,
        talk: Conversation | None = None,
    ) -> Call:
        """The call's leg; opened if the call is new.

        Args:
            door: of who asks.
            form: the form's id.
            caller: as for `VoiceSessions.open`.
            call_id: the platform's name for the call.
            talk: what was said on it so far, where that is known. Where nothing was heard yet, it
                needs no look-up.

        Raises:
            InvalidInput: the call's id is too long.
            Forbidden: it is for another caller than the token.
            StoreUnavailable: whether it is new can't be known now.
            SupersededLeg: it is a late request of a call from before the caller's present one.
        """
        if len(call_id) > MAX_TRANSPORT_ID:
            raise InvalidInput(f"a call's id is at most {MAX_TRANSPORT_ID} characters")
        session_id = await door.session_id(form, caller)
        call = self._calls.get((session_id, call_id))
        starts = talk is not None and not talk.count
        if call is None and not starts:
            call = await self._looked_up(door, session_id, call_id, talk)
        if call is None:
            connect_id = f"{self._channel}.{_digest(call_id, 32)}"
            leg = await self._opened(door, form, caller, call_id, connect_id)
            call = Call(leg, whole=self._whole or starts)
        return self._remember((session_id, call_id), call)

    async def guess(self, door: Doorway, form: str, caller: str, talk: Conversation) -> Call:
        """The leg of a request that names no call: the caller's newest such leg, or a new one when
        the conversation begins. It begins where nothing was heard yet, and where it has not what
        the leg heard last: whoever is on the line then may be somebody else.
        """
        session_id = await door.session_id(form, caller)
        state = await _state(door, session_id)
        leg = self._leg(state, "")
        if state is None or leg is None or _begins(talk, leg, state):
            opened = await self._opened(door, form, caller, "", None)
            call = Call(opened, whole=not talk.count)
        else:
            call = self._attached(door, state, leg)
        return self._remember((session_id, f"{call.leg.epoch} {call.leg.leg}"), call)

    async def _looked_up(
        self, door: Doorway, session_id: str, call_id: str, talk: Conversation | None
    ) -> Call | None:
        """The call as the session has it. `open` would do for a while, but forgets its own reply
        after some sixty turns, and begins the caller's next session when this one has ended."""
        state = await _state(door, session_id)
        leg = self._leg(state, call_id)
        if state and leg:
            return self._attached(door, state, leg)
        if state and talk and _is_late(talk, state):
            raise SupersededLeg("the caller is on a newer call; this one was over before it began")
        return None

    def _leg(self, state: SessionState | None, call_id: str) -> Leg | None:
        legs = reversed(state.legs if state else ())
        named = (leg for leg in legs if leg.transport_id == call_id)
        return next((leg for leg in named if leg.channel == self._channel), None)

    def _attached(self, door: Doorway, state: SessionState, leg: Leg) -> Call:
        session = door.legs.get(state.session_id, leg.number, state.epoch)
        return Call(session, state.last_turn, whole=self._whole)

    async def _opened(
        self, door: Doorway, form: str, caller: str, call_id: str, connect_id: str | None
    ) -> VoiceSession:
        return await door.open(
            form, caller, transport_id=call_id, channel=self._channel, connect_id=connect_id
        )

    def _remember(self, key: tuple[str, str], call: Call) -> Call:
        """The first of two that looked at the same time is the call."""
        call = self._calls.setdefault(key, call)
        self._calls.move_to_end(key)
        while len(self._calls) > KEPT_CALLS:
            self._calls.popitem(last=False)
        return call


async def _state(door: Doorway, session_id: str) -> SessionState | None:
    try:
        return await door.sessions.state(session_id)
    except SessionNotFound:
        return None


def _begins(talk: Conversation, leg: Leg, state: SessionState) -> bool:
    if not talk.count:
        return True
    if leg.number != state.leg:  # The caller was on another line since: a call after it, or before.
        return talk.count == 1
    last = state.last_turn
    if last is None or 0 < last.leg < leg.number:  # Nothing was heard on it yet.
        return False
    return not _continues(talk, last)


def _continues(talk: Conversation, last: LastTurn) -> bool:
    """Whether the conversation has what the leg heard last. Other words of the newest utterance
    amend it. Of a first one, whose id is that of every other's, and of one that others follow, the
    words must stand; those of a secret are kept nowhere: asking once more is safe."""
    if last.utterance_id not in talk.utterances:
        return False
    place = talk.utterances.index(last.utterance_id)
    if last.heard == SECRET or 0 < place == talk.count - 1:
        return place > 0
    first, again = _bare(last.heard), _bare(talk.heard[place]) or SILENCE
    return again.startswith(first)


def _is_late(talk: Conversation, state: SessionState) -> bool:
    """Whether a call that the session does not know was over before the present one began: it was
    answered, and the session, which is open and on the line, has heard nothing of what was said. A
    call whose requests all found no store was not answered; a redial with the history of the call
    before it has what was heard last."""
    if talk.count < 2 or not talk.answered or state.status not in OPEN:
        return False
    on_line = bool(state.legs) and state.legs[-1].closed_at is None
    last = state.last_turn
    if last is None or last.heard == SECRET:  # A secret's words are kept nowhere to compare.
        return on_line and last is None
    return on_line and _bare(last.heard) not in map(_bare, talk.heard)


def _bare(words: str) -> str:
    """Letters and digits alone: platforms punctuate their transcripts anew."""
    return "".join(sign for sign in words.casefold() if sign.isalnum())


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:length]
