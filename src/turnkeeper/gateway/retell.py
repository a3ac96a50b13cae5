"""Retell's custom-LLM WebSocket: `wss://<gateway>/retell/{form}`, to which Retell adds the call id.

Retell keeps the audio and sends JSON frames, each with an `interaction_type`; the ones that want
words back have a `response_id`, and only the newest of them is spoken ("LLM WebSocket",
docs.retellai.com). Every transcript is the whole call's, so `turnkeeper.gateway.calls` tells a new
utterance from more words of the last one. A lost socket is opened again under the same call id
(`auto_reconnect`), on any instance of the gateway, and is the same leg.

Retell signs nothing on this socket, and of the handshake only the address is ours, which is no
place for a token. So whoever registers the call puts one into its metadata or dynamic variables,
and it is looked at in the first `call_details`: nothing is opened before.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack
from typing import TypeVar

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from turnkeeper.contract import Reply
from turnkeeper.errors import (
    AccessError,
    Forbidden,
    InvalidCaller,
    InvalidInput,
    SessionClosed,
    SessionNotFound,
    StoreUnavailable,
    SupersededLeg,
    TooManyRequests,
    TurnkeeperError,
    Unauthenticated,
)
from turnkeeper.gateway.access.gate import Gate
from turnkeeper.gateway.access.lasting import pause, still_good
from turnkeeper.gateway.access.principal import Principal
from turnkeeper.gateway.calls import Call, Calls, Conversation
from turnkeeper.gateway.problems import problem_of, traced
from turnkeeper.security.identity import normal_caller, require_part
from turnkeeper.telemetry import logger

CHANNEL = "retell"
TOKEN = "turnkeeper_token"
"""The key of the token, in the call's metadata or its dynamic variables."""
TOKEN_PLACES = ("metadata", "retell_llm_dynamic_variables")
NO_TOKEN = f"the call's metadata has no {TOKEN} that is good for it"
DETAILS_SECONDS = 10.0
"""For the first `call_details`, which Retell sends at once."""
CONFIG = {"response_type": "config", "config": {"auto_reconnect": True, "call_details": True}}
GREETING = 0
"""The response id of the first words, which answer no request."""
AGAIN_SECONDS = 1.0
"""Between two tries while the store cannot be reached; the client itself has tried for 15 s."""
NOT_A_FRAME, REFUSED, DEFECT, RESTARTING, TRY_AGAIN = 1007, 1008, 1011, 1012, 1013
"""WebSocket close codes (RFC 6455, section 7.4.1; the last two from IANA's registry)."""
MAX_REASON_BYTES = 123
"""Of a close frame (RFC 6455, section 5.5)."""
OVER = (SupersededLeg, SessionClosed, SessionNotFound)
"""Errors after which this call has nothing more to say."""

T = TypeVar("T")

_log = logger(__name__)


def router(gate: Gate) -> APIRouter:
    routes = APIRouter()
    calls = Calls(CHANNEL, whole=True)

    @routes.websocket("/retell/{form}/{call_id}")
    async def retell(socket: WebSocket, form: str, call_id: str) -> None:
        try:
            require_part("form", form)  # Before it is in any log.
        except InvalidInput:
            await socket.close()  # Before it is accepted: 403.
            return
        await socket.accept()
        await RetellSocket(socket, gate, calls, form, call_id).run()

    return routes


class _Sent(BaseModel):
    """What Retell sends may have more in it than we read."""

    model_config = ConfigDict(frozen=True)


class Utterance(_Sent):
    role: str
    content: str = ""


class Frame(_Sent):
    """Any of Retell's frames: each has some of these."""

    interaction_type: str
    response_id: int = 0
    timestamp: int | None = None
    transcript: tuple[Utterance, ...] = ()
    call: Mapping[str, object] = Field(default_factory=dict)

    @property
    def conversation(self) -> Conversation:
        heard = tuple(one.content for one in self.transcript if one.role == "user")
        before = [one.content for one in self.transcript if one.role != "user"]
        return Conversation(heard, before[-1] if before else "")


class RetellSocket:
    """One socket of one call."""

    def __init__(
        self, socket: WebSocket, gate: Gate, calls: Calls, form: str, call_id: str
    ) -> None:
        self._socket = socket
        self._address = socket.client.host if socket.client else ""
        self._gate = gate
        self._calls = calls
        self._form = form
        self._call_id = call_id
        self._call: asyncio.Future[Call] = asyncio.get_running_loop().create_future()
        self._newest = GREETING
        self._beginning: asyncio.Task[None] | None = None
        self._answering: asyncio.Task[None] | None = None
        self._is_over = False
        self._code = 0
        self._counted = ExitStack()
        self._principal: Principal | None = None
        self._token: str | None = None

    async def run(self) -> None:
        """Until Retell closes the socket, or it is of no more use."""
        try:
            self._counted.enter_context(self._gate.waiting(self._address))
        except TooManyRequests as error:
            await self._close(TRY_AGAIN, str(error))
            return
        try:
            await self._run()
        except* Exception as defects:  # Its text may quote the caller, so it goes no further.
            for defect in defects.exceptions:
                _log.error("a socket failed in a way that is a defect", **traced(defect))
            await self._close(DEFECT, "something is wrong here")
        finally:
            self._counted.close()

    async def _run(self) -> None:
        await self._send(CONFIG)
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(self._watch())
            async for frame in self._frames():
                await self._take(frame, tasks)
            self._is_over = True  # What was heard is sent all the same, before this block ends.
            watching.cancel()
            if self._beginning is None:
                self._call.cancel()
        await self._leave()

    async def _frames(self) -> AsyncIterator[Frame]:
        patience = asyncio.get_running_loop().time() + DETAILS_SECONDS
        while True:
            try:
                async with asyncio.timeout_at(None if self._beginning else patience):
                    message = await self._socket.receive()
            except TimeoutError:
                await self._close(REFUSED, "no call_details came")
                return
            is_closed = self._socket.application_state is not WebSocketState.CONNECTED
            if is_closed or message["type"] != "websocket.receive":
                break
            try:
                yield Frame.model_validate_json(message.get("text") or "")
            except ValidationError:
                await self._close(NOT_A_FRAME, "this socket takes Retell's frames: JSON, as text")
                return
        self._code = message.get("code", 0)

    async def _take(self, frame: Frame, tasks: asyncio.TaskGroup) -> None:
        """Do what a frame asks for; of kinds that we do not know, nothing."""
        match frame.interaction_type:
            case "ping_pong":
                await self._send({"response_type": "ping_pong", "timestamp": frame.timestamp})
            case "call_details" if self._beginning is None:
                self._beginning = tasks.create_task(self._begin(frame))
            case "response_required" | "reminder_required" if frame.response_id > self._newest:
                self._newest = frame.response_id
                if self._answering is not None:
                    self._answering.cancel()  # Only the newest is spoken.
                self._answering = tasks.create_task(self._answer(frame))

    # --- frames -----------------------------------------------------------------------------------

    async def _begin(self, frame: Frame) -> None:
        """`call_details`: find the call, and greet the caller if nothing was heard on it yet."""
        try:
            call = await self._persist(lambda: self._found(frame.call))
            greeting = await self._persist(call.last_reply) if call and call.is_new else None
        except TurnkeeperError as error:
            if not isinstance(error, AccessError):  # Of these the gate has told.
                _log.warning("a call was refused", error=type(error).__name__, form=self._form)
            is_refused = isinstance(error, Unauthenticated | Forbidden)
            await self._close(REFUSED, NO_TOKEN if is_refused else problem_of(error).detail)
            call = greeting = None
        if call is None:
            self._call.cancel()
            return
        self._call.set_result(call)
        if greeting is not None and self._newest == GREETING:
            await self._say(GREETING, greeting)

    async def _found(self, details: Mapping[str, object]) -> Call:
        """The call, for whom its token lets in: an end user's token says whose it is."""
        token = token_of(details)
        door = self._gate.door(await self._gate.of_token(token, self._address))
        door.require("talk")
        self._let_in(door.principal, token)
        region = door.sessions.settings.region
        caller = door.principal.caller or caller_of(details, self._call_id, region)
        return await self._calls.find(door, self._form, caller, self._call_id)

    def _let_in(self, principal: Principal, token: str | None) -> None:
        """One stream more of its tenant. Raises TooManyRequests."""
        self._counted.close()  # It waits no more; it is let in again when the store was away.
        self._gate.limits.require_stream(principal)
        self._counted.enter_context(self._gate.limits.streaming(principal))
        self._principal, self._token = principal, token

    async def _watch(self) -> None:
        """Closes the socket once its token is no longer good."""
        await asyncio.shield(self._call)
        assert self._principal is not None
        while True:
            await asyncio.sleep(pause(self._principal))
            if not await still_good(self._gate.access, self._principal, self._token):
                await self._close(REFUSED, NO_TOKEN)
                return

    async def _admitted(self) -> None:
        """One reply more: waits while there are too many, since Retell asks once. What was heard
        last before a socket broke is sent all the same."""
        assert self._principal is not None
        while not self._is_over:
            try:
                await self._gate.limits.request(self._principal)
            except TooManyRequests:
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                return

    async def _answer(self, frame: Frame) -> None:
        call = await asyncio.shield(self._call)
        await self._admitted()
        try:
            reply = await self._persist(lambda: self._reply(call, frame))
        except OVER as error:
            _log.info("a call has nothing more to say", reason=type(error).__name__)
            reply = call.leg.reply.model_copy(update={"say": "", "next": "hang_up"})
        except TurnkeeperError as error:
            _log.warning("a turn was not taken", error=type(error).__name__, form=self._form)
            reply = await self._persist(call.last_reply)
        if reply is not None and frame.response_id == self._newest:
            await self._say(frame.response_id, reply)

    async def _reply(self, call: Call, frame: Frame) -> Reply:
        if frame.interaction_type == "reminder_required":
            return await call.event("noinput", f"reminder-{frame.response_id}")
        talk = frame.conversation
        return await (call.turn(talk) if talk.count else call.last_reply())

    async def _persist(self, ask: Callable[[], Awaitable[T]]) -> T | None:
        """Asks until the store can be reached, as long as the call lasts: the caller waits, and
        nothing is known. None where the call is over before."""
        while True:
            try:
                return await ask()
            except StoreUnavailable:
                _log.warning("the store cannot be reached", form=self._form)
            if self._is_over:
                return None
            await asyncio.sleep(AGAIN_SECONDS)

    # --- sending ----------------------------------------------------------------------------------

    async def _say(self, response_id: int, reply: Reply) -> None:
        response: dict[str, object] = {
            "response_type": "response",
            "response_id": response_id,
            "content": reply.say,
            "content_complete": True,
            "end_call": reply.next == "hang_up",
        }
        if reply.next == "transfer" and reply.transfer_to is not None:
            response["transfer_number"] = reply.transfer_to
        await self._send(response)

    async def _send(self, frame: Mapping[str, object]) -> None:
        if self._socket.application_state is WebSocketState.CONNECTED:
            with contextlib.suppress(WebSocketDisconnect):  # `_frames` sees that too.
                await self._socket.send_json(frame)

    async def _close(self, code: int, reason: str) -> None:
        if self._socket.client_state is WebSocketState.CONNECTED:
            shortened = reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
            await self._socket.close(code, shortened)

    async def _leave(self) -> None:
        """The leg is over, unless it is this gateway that goes away: Retell comes back then."""
        if self._call.cancelled() or self._code == RESTARTING:
            return
        try:
            await self._call.result().leg.hang_up("socket_closed")
        except TurnkeeperError as error:
            _log.warning("a hang-up was not noted", error=type(error).__name__)


def token_of(details: Mapping[str, object]) -> str | None:
    """The token of a call; None where it has none."""
    places = (details.get(place) for place in TOKEN_PLACES)
    tokens = (place.get(TOKEN) for place in places if isinstance(place, Mapping))
    return next((token for token in tokens if isinstance(token, str) and token), None)


def caller_of(details: Mapping[str, object], call_id: str, region: str) -> str:
    """Who is called or calls: the id in the call's metadata, else the number at the other end.
    One who withholds it has a session for this call alone.

    Raises InvalidInput where there is neither, as in a web call.
    """
    metadata = details.get("metadata")
    chosen = metadata.get("subject") if isinstance(metadata, Mapping) else None
    far_end = "to_number" if details.get("direction") == "outbound" else "from_number"
    caller = chosen or details.get(far_end)
    if not isinstance(caller, str):
        raise InvalidInput("the call has no number: set metadata.subject when you create it")
    if chosen:
        return caller
    try:
        normal_caller(caller, region)
    except InvalidCaller:
        return f"call-{call_id}"
    return caller
