"""One session on one socket: messages are read ahead, handled in order, and answered in order.

Theory. Four loops. One reads, while less is unanswered than the window (`inbox`). One handles what
was read, one message at a time. One watches what others do to the session, and puts a look at it
into the queue when there may be news: only there can it be told from what the client did itself.
One sees to it that the client says who it is, and for how long that is good (`entrance`). The first
loop that cannot go on raises `Ended`, and all end. A lost socket does not end the second: what was
read is still sent, so an answer that came before the line broke is not lost with it.

When the store cannot be reached, the turns that wait behind the one that met it are given back
unsent: sent later than their predecessor they would answer another question than they were said to.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Never, assert_never

from turnkeeper.client import VoiceSession
from turnkeeper.contract import Reply, SessionState
from turnkeeper.errors import (
    InvalidInput,
    SessionNotFound,
    StoreUnavailable,
    TurnkeeperError,
)
from turnkeeper.gateway.doorway import Doorway
from turnkeeper.gateway.problems import traced
from turnkeeper.gateway.stream.closing import FINAL, LEFT, Code, Ended
from turnkeeper.gateway.stream.entrance import Entrance
from turnkeeper.gateway.stream.failing import RETRYABLE, ToAnswer, failed
from turnkeeper.gateway.stream.inbox import Inbox, Look
from turnkeeper.gateway.stream.line import Limits, Line
from turnkeeper.gateway.stream.messages import (
    SCOPES,
    AskState,
    BadMessage,
    CancelSession,
    Current,
    HandOffCaller,
    HangUp,
    Hello,
    Open,
    Opened,
    Ping,
    Pong,
    Replied,
    Resume,
    SendTurn,
    ServerMessage,
    Welcome,
)
from turnkeeper.gateway.stream.standing import (
    Standing,
    happened,
    is_newest,
    require_newest,
    standing,
    standing_reply,
    view,
)
from turnkeeper.telemetry import logger

STORE_PAUSE_SECONDS = 1.0
"""Before a state that could not be read is asked for again, to be watched or told."""
CANCELLING = "stream.cancel"
"""The utterance id of cancelling: once a leg, however often it is sent."""

_log = logger(__name__)


class Conversation:
    """From an accepted socket to its end."""

    def __init__(
        self, line: Line, entrance: Entrance, limits: Limits, hello: Hello | BadMessage | None
    ) -> None:
        """`hello` came with the handshake."""
        self._line = line
        self._entrance = entrance
        self._hello = hello
        self._inbox = Inbox(line, limits)
        self._held_back: tuple[int, TurnkeeperError] | None = None
        self._not_opened: TurnkeeperError | None = None
        self._is_open = asyncio.Event()
        self._session: VoiceSession | None = None
        self._known: Standing | None = None

    async def run(self) -> None:
        """Returns when the socket is over and its leg is told so."""
        code = await self._until_ended()
        self._entrance.close()
        if code is not None:
            await self._line.close(code)
        reason = LEFT.get(code)
        if self._session is None or reason is None:
            return
        try:
            await self._session.hang_up(reason)
        except StoreUnavailable as error:
            _log.warning("the end of a leg was not told", leg=self._session.leg, **traced(error))

    async def _until_ended(self) -> Code | None:
        try:
            await self._entrance.open()
        except Ended as ended:
            return ended.code
        if self._entrance.is_in:
            self._inbox.widen()
        loops = [
            asyncio.ensure_future(self._inbox.read(self._hello)),
            asyncio.ensure_future(self._handle()),
            asyncio.ensure_future(self._watch()),
            asyncio.ensure_future(self._entrance.watch()),
        ]
        try:
            await asyncio.gather(*loops)
        except Ended as ended:
            return ended.code
        except SessionNotFound:  # No longer kept, or deleted while somebody watched.
            return Code.NOT_FOUND
        except Exception as error:
            _log.error("a socket met a defect", **traced(error))
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
        return Code.DEFECT

    # --- loops ------------------------------------------------------------------------------------

    async def _handle(self) -> Never:
        while (message := await self._inbox.next()) is not None:
            if isinstance(message, Look):
                message.seen.set_result(await self._look())
                continue
            try:
                await self._line.send(await self._answer(message))
            except TurnkeeperError as error:
                await self._refuse(message, error)
            self._inbox.answered()
        raise Ended(None)

    async def _watch(self) -> None:
        await self._is_open.wait()
        first = await self._first_state()
        async for change in self._door.feeds.follow(first):
            # A feed may be behind this socket: what it tells is a reason to look, no more.
            if change.kind == "end" or (change.state and self._is_news(change.state)):
                await self._have_looked()

    def _is_news(self, state: SessionState) -> bool:
        known = standing(state) == self._known and is_newest(self._opened(), state)
        return bool(self._inbox.unanswered) or not known

    # --- messages ---------------------------------------------------------------------------------

    async def _answer(self, message: ToAnswer) -> ServerMessage:
        """Handle one message. Raises TurnkeeperError, and Ended when there is no more."""
        self._require_not_behind(message)
        if message.type in SCOPES:
            with self._holding_back():
                await self._entrance.admit(SCOPES[message.type])
        match message:
            case BadMessage():
                raise message
            case Hello():
                return await self._welcome(message)
            case Open():
                return await self._open(message)
            case Resume():
                return await self._resume(message)
            case SendTurn():
                return self._replied(await self._turn(message))
            case HangUp():
                await self._opened().hang_up(message.reason)
                raise Ended(Code.HUNG_UP)
            case CancelSession():
                return self._replied(await self._cancel())
            case HandOffCaller():
                return self._replied(await self._hand_off(message))
            case AskState():
                return Current(state=view(await self._opened().state()))
            case Ping():
                return Pong(id=message.id)
        assert_never(message)

    async def _welcome(self, message: Hello) -> Welcome:
        self._require_unopened()
        with self._holding_back():
            welcome = await self._entrance.hello(message)
        self._inbox.widen()
        return welcome

    async def _open(self, message: Open) -> Opened:
        self._require_unopened()
        with self._holding_back():
            session = await self._door.open(
                message.form,
                message.caller,
                transport_id=message.transport_id,
                channel=message.channel,
                connect_id=message.connect_id,
            )
        return self._begin(session, session.reply, resumed=False)

    async def _resume(self, message: Resume) -> Opened:
        self._require_unopened()
        with self._holding_back():
            ours = await self._door.ours(message.session_id)
            session = self._door.legs.get(ours, message.leg, message.epoch)
            reply = await standing_reply(session)
        return self._begin(session, reply, resumed=True)

    def _begin(self, session: VoiceSession, reply: Reply, *, resumed: bool) -> Opened:
        self._session = session
        self._known = standing(reply)
        self._is_open.set()
        return Opened(
            session_id=session.id,
            leg=session.leg,
            epoch=session.epoch,
            restored=reply.restored or resumed,
            resumed=resumed,
            reply=reply,
        )

    async def _turn(self, message: SendTurn) -> Reply:
        with self._holding_back():
            return await self._opened().turn(
                message.text,
                utterance_id=message.utterance_id,
                alternatives=message.alternatives,
                confidence=message.confidence,
                dtmf=message.dtmf,
                answers=message.answers,
                event=message.event,
                said=message.said,
            )

    async def _cancel(self) -> Reply:
        """A turn and not `VoiceSession.cancel`: only the newest leg may, and only its own form."""
        reply = await self._opened().turn(event="cancel", utterance_id=CANCELLING)
        return reply.model_copy(update={"utterance_id": ""})

    async def _hand_off(self, message: HandOffCaller) -> Reply:
        session = self._opened()
        require_newest(session, await session.state())  # It is not fenced by legs, as turns are.
        return await session.hand_off(message.reason)

    @contextmanager
    def _holding_back(self) -> Iterator[None]:
        """What waits behind something that was not taken comes back unsent."""
        self._not_opened = None
        try:
            yield
        except RETRYABLE as error:
            self._held_back = (self._inbox.unanswered - 1, error)
            self._not_opened = error
            raise

    def _replied(self, reply: Reply) -> Replied:
        self._known = standing(reply)
        self._door.feeds.changed(self._opened().id, aware=1)
        return Replied(utterance_id=reply.utterance_id, reply=reply)

    async def _refuse(self, message: ToAnswer, error: TurnkeeperError) -> None:
        """Tell what is wrong. Raises Ended where nothing can go on."""
        await self._line.send(failed(message, error))
        if isinstance(error, BadMessage) and (error.final or self._session is None):
            raise Ended(Code.BAD_MESSAGE)
        for kind, code in FINAL.items():
            if isinstance(error, kind):
                raise Ended(code)

    @property
    def _door(self) -> Doorway:
        return self._entrance.door

    def _opened(self) -> VoiceSession:
        if self._session is None:
            raise BadMessage("nothing is open on this socket; send open or resume first")
        return self._session

    def _require_unopened(self) -> None:
        if self._session is not None:
            raise InvalidInput("this socket has its session; open another socket for another one")

    def _require_not_behind(self, message: ToAnswer) -> None:
        """Raises what a turn's predecessor failed with if the turn was read before, and what an
        opening failed with for all that came behind it: its client may not know of that yet."""
        behind, error = self._held_back or (0, None)
        self._held_back = (behind - 1, error) if error and behind > 1 else None
        if error and behind and isinstance(message, SendTurn):
            raise error
        first = Hello | Open | Resume if self._entrance.is_in else Hello
        opens = isinstance(message, first | BadMessage)
        if self._session is None and self._not_opened and not opens:
            raise self._not_opened

    # --- news -------------------------------------------------------------------------------------

    async def _first_state(self) -> SessionState:
        while True:
            try:
                return await self._opened().state()
            except StoreUnavailable:  # The turns say so; whoever watches waits.
                await asyncio.sleep(STORE_PAUSE_SECONDS)

    async def _have_looked(self) -> None:
        """Returns when the client knows what there is to know."""
        while True:
            if await self._inbox.look().seen:
                return
            await asyncio.sleep(STORE_PAUSE_SECONDS)

    async def _look(self) -> bool:
        """Tell what the client did not do itself; False when the store cannot be reached."""
        try:
            state = await self._opened().state()
        except StoreUnavailable:
            return False
        if not is_newest(self._opened(), state):
            await self._superseded(state)
        if standing(state) != self._known:
            self._known = standing(state)
            await self._line.send(happened(state, self._opened()))
        return True

    async def _superseded(self, state: SessionState) -> Never:
        await self._line.send(happened(state, self._opened()))
        raise Ended(Code.SUPERSEDED)
