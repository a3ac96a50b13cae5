"""One call: what the caller says becomes turns, one after the other; replies are said.

Theory. Pipecat cancels whatever works on a frame, and drops the frames behind it, as soon as the
caller speaks. So nothing here works on a frame: what was said goes into an inbox, and one task
takes it from there. A barge-in silences a reply; it never stops a turn.

A store that cannot be reached is told upstream, and the same turn is sent again, for as long as the
call lasts.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Protocol, TypeVar

from turnkeeper.adapters.pipecat.refusals import ONE_MOMENT, refusal
from turnkeeper.adapters.pipecat.utterance import Utterance, loses
from turnkeeper.client import TurnContent, VoiceSession
from turnkeeper.contract import Next, Reply
from turnkeeper.errors import StoreUnavailable, TurnConflict, TurnkeeperError
from turnkeeper.telemetry import logger

RETRY_SECONDS = (0.25, 0.5, 1.0, 2.0)
"""Pauses between two attempts at an unreachable store, the last one again and again. Each attempt
has the whole deadline of a turn (`TURNKEEPER_TURN_DEADLINE`) before that."""
LEAVING_SECONDS = 5.0
"""How long a call that ends waits for what was said in it to be stored; as the client's own."""

_log = logger(__name__)

T = TypeVar("T")

Open = Callable[[str], Awaitable[VoiceSession]]
"""Opens a leg, under a connect id: the same again is the same leg."""


class Mouth(Protocol):
    """The pipeline, as a call sees it."""

    async def answer(self, text: str) -> None:
        """Have the caller hear the answer to what they said."""

    async def speak(self, text: str, *, in_context: bool = True) -> None:
        """Have the caller hear what answers nothing: a greeting, or that they must wait."""

    async def report(self, error: TurnkeeperError) -> None:
        """Tell the pipeline that something failed."""

    async def end(self, reason: str) -> None:
        """End the call after everything that was said before."""

    async def transfer(self, reply: Reply) -> None:
        """The caller has heard that they are put through."""


Take = Callable[[Utterance], Awaitable[None]]


class Call:
    """The turns of one call.

    Args:
        open: opens a leg of the session.
        mouth: where replies and troubles go.
    """

    def __init__(self, open: Open, mouth: Mouth) -> None:
        self._open = open
        self._mouth = mouth
        self._inbox: asyncio.Queue[tuple[Take, Utterance]] = asyncio.Queue()
        self._session: VoiceSession | None = None
        self._newest: Utterance | None = None
        self._count = 0
        self._over = False
        self._transfer: Reply | None = None
        self._reports_speech = False
        self._speaking = False
        self._was_cut_off = False

    @property
    def reply(self) -> Reply | None:
        """The newest reply; None before the session is open."""
        return self._session.reply if self._session else None

    # --- what happens, in the order in which it happens -------------------------------------------

    def connected(self) -> None:
        """Somebody is on the line: a new leg, and the greeting or the welcome back. Of a greeting
        that nobody has heard yet, this is the second news: platforms tell in two ways."""
        newest = self._newest
        if newest is None or not newest.is_greeting or newest.is_heard:
            self._put(Utterance(is_greeting=True), self._greet)

    def words(self, words: str, heard: str | None = None) -> None:
        """The caller said this; `heard` is what they had heard of the reply that they cut off."""
        before, content = self._newest, TurnContent()
        if heard and self._was_cut_off:
            content["said"] = heard
        amends = before if before and before.is_cut and before.words else None
        self._put(Utterance(words=[words], content=content, amends=amends), self._take)

    def keys(self, keys: str) -> None:
        """The caller keyed this in."""
        self._put(Utterance(content=TurnContent(dtmf=keys)), self._take)

    def prompt(self, *, waits: bool) -> None:
        """The pipeline wants something said though there are no new words: at the beginning of a
        call, again for words that it had answered (`waits`), or because nobody speaks."""
        newest = self._newest
        if newest is None:
            self.connected()
        elif newest.is_cut:
            self._inbox.put_nowait((self._say_again, newest))
        elif not newest.is_said or (self._is_on_its_way(newest) and not newest.was_asked_after):
            newest.was_asked_after = True
        elif waits:
            self._inbox.put_nowait((self._say_again, newest))
        else:
            self._put(Utterance(content=TurnContent(event="noinput")), self._take)

    def interrupted(self) -> None:
        """The caller speaks: nothing that was not heard yet will be."""
        newest = self._newest
        if newest is None:
            return
        if self._transfer:
            self._inbox.put_nowait((self._put_through, newest))
        elif newest.is_heard:
            self._was_cut_off = self._was_cut_off or self._speaking
        elif self._reports_speech or not newest.is_said:
            newest.is_cut = True

    def started_speaking(self) -> None:
        """The caller begins to hear what was said last."""
        self._reports_speech = self._speaking = True
        if self._newest and self._newest.is_said and not self._newest.is_cut:
            self._newest.is_heard = True

    def stopped_speaking(self) -> None:
        """The caller has heard it."""
        self._speaking = False
        if self._transfer and self._newest and self._newest.is_heard:
            self._inbox.put_nowait((self._put_through, self._newest))

    def _is_on_its_way(self, said: Utterance) -> bool:
        return not said.is_heard and (self._reports_speech or said.is_greeting)

    # --- the one task -----------------------------------------------------------------------------

    async def run(self) -> None:
        """Takes what was said, one after the other, until it is cancelled."""
        while True:
            take, said = await self._inbox.get()
            try:
                await take(said)
            except TurnkeeperError as error:
                await self._refused(error, said)
            except Exception:
                await self._mouth.end("failed")
                raise
            finally:
                self._inbox.task_done()

    async def leave(self) -> None:
        """The call is over: what was said in it is stored, then the leg is closed. Waits
        `LEAVING_SECONDS` at most; what is not stored then is told upstream."""
        try:
            async with asyncio.timeout(LEAVING_SECONDS):
                await self._inbox.join()
                if self._session:
                    await self._session.hang_up()
        except (TimeoutError, StoreUnavailable):
            _log.warning("the call ended while the store could not be reached")
            await self._mouth.report(
                StoreUnavailable(
                    "the call ended while the store could not be reached: its last words may not "
                    "be stored, and its leg is closed when the caller rings again"
                )
            )

    def _put(self, said: Utterance, take: Take) -> None:
        self._newest, self._was_cut_off = said, False
        self._inbox.put_nowait((take, said))

    async def _greet(self, said: Utterance) -> None:
        session = self._session = await self._opened()
        await self._answer(said, session.reply)

    async def _take(self, said: Utterance) -> None:
        if self._over:
            return
        if self._session is None:
            self._session = await self._opened()
        before, said.amends = said.amends, None
        if before and before.reply:
            reply = await self._amended(before, before.reply, said)
        else:
            said.words = [*(before.words if before else ()), *said.words]
            said.id = self._next_id()
            reply = await self._sent(said)
        await self._answer(said, reply)

    async def _amended(self, before: Utterance, was: Reply, said: Utterance) -> Reply:
        """The reply to both together; if they mean less than the first alone, to the second."""
        both = Utterance([*before.words, *said.words], before.content, id=before.id)
        try:
            reply = await self._sent(both)
            if not loses(was, reply):
                said.id, said.words, said.content = both.id, both.words, both.content
                return reply
            await self._sent(before)
        except TurnConflict:
            _log.info("another change came between two parts of what was said")
        said.id = self._next_id()
        return await self._sent(said)

    async def _answer(self, said: Utterance, reply: Reply, ends: str = "") -> None:
        """Say the reply, unless the caller speaks again already: what they say then amends. An end
        of the call is told all the same; `ends` is why, if not for the form's status."""
        said.reply = reply
        if said.is_cut and reply.next == "listen":
            return
        said.is_said = True
        self._over = reply.next != "listen"
        self._transfer = reply if reply.next == "transfer" and self._reports_speech else None
        await (self._mouth.speak if said.is_greeting else self._mouth.answer)(reply.say)
        if reply.next == "hang_up":
            await self._mouth.end(ends or reply.status)
        elif reply.next == "transfer" and not self._transfer:
            await self._mouth.transfer(reply)

    async def _put_through(self, _: Utterance) -> None:
        reply, self._transfer = self._transfer, None
        if reply:
            await self._mouth.transfer(reply)

    async def _say_again(self, said: Utterance) -> None:
        if said.reply and said is self._newest:
            said.is_cut = False
            await self._answer(said, said.reply)

    # --- sending ----------------------------------------------------------------------------------

    async def _opened(self) -> VoiceSession:
        connect_id = secrets.token_hex(8)
        return await self._reached(lambda: self._open(connect_id))

    async def _sent(self, said: Utterance) -> Reply:
        assert self._session is not None  # Whoever takes an utterance has opened it.
        session, text = self._session, " ".join(said.words) or None
        content = TurnContent(**said.content, utterance_id=said.id)
        return await self._reached(lambda: session.turn(text, **content))

    async def _reached(self, send: Callable[[], Awaitable[T]]) -> T:
        """What sending gives, once the store can be reached."""
        for failures in count(1):
            try:
                return await send()
            except StoreUnavailable as error:
                await self._mouth.report(error)
                if failures == 1:
                    await self._mouth.speak(ONE_MOMENT, in_context=False)
            await asyncio.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS)) - 1])
        raise AssertionError("it counts for ever")

    async def _refused(self, error: TurnkeeperError, said: Utterance) -> None:
        """Tell the pipeline and the caller; where the call goes on, with the question again."""
        refused, before = refusal(error), self.reply or Reply(say="")
        _log.warning("a turn was refused", error=type(error).__name__, reason=refused.ends)
        await self._mouth.report(error)
        said.words = []  # Nothing of it is to come again with the words that follow.
        say = refused.say if refused.ends else f"{refused.say} {before.say}".strip()
        then: Next = "hang_up" if refused.ends else "listen"
        reply = before.model_copy(update={"say": say, "next": then})
        await self._answer(said, reply, refused.ends)

    def _next_id(self) -> str:
        self._count += 1
        return f"u{self._count}"
