"""A scripted caller on a Twilio line, for tests: it plays the platform's side of a call.

    async with calling(app, form="claim", caller="+14155550100") as call:
        assert await call.ring() == "Hello. Policy number?"
        await call.say("4321")
        await call.drop()
        assert (await call.carry_on()).startswith("Welcome back.")

It sends what ConversationRelay sends and nothing else: the webhook with Twilio's form fields, then
on the socket `setup`, `prompt`, `dtmf`, `interrupt` and the reports of who speaks. When the socket
is gone, it posts what became of the session to the `<Connect action>` URL and does what the answer
says, without waiting for a `<Pause>`. Words that it hears are spoken at once, in no time. Given an
account's auth token, it signs what it sends as Twilio does; given a key, as Telnyx does.

Needs the extra `turnkeeper[gateway]`.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Self
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen
from uuid import uuid4
from xml.etree.ElementTree import Element, fromstring

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from pydantic import JsonValue
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from turnkeeper.gateway.serve import listen, serve, url_of
from turnkeeper.gateway.signatures import telnyx, twilio
from turnkeeper.gateway.twilio.sentences import ONE_MOMENT

PATIENCE = 60.0
"""Seconds that anything may take before the caller counts the line as dead."""
LOST = "39001"
"""Twilio's error code for a socket that was lost."""


class RelayCaller:
    """One call. Use it with `async with`, which hangs up in the end.

    Args:
        webhook: the URL that the number points at: `http://127.0.0.1:8080/twilio/voice?form=claim`.
        caller: the caller's number, as the platform gives it; `anonymous` when it is withheld.
        setup: fields for the `setup` frame over or beside Twilio's.
        auth_token: of the Twilio account; without it nothing is signed.
        telnyx_key: of the Telnyx account, in place of a token; sockets are not signed with it.
        at: where the gateway is reached if not at the webhook's own address, which is then the
            public one that is signed: `http://127.0.0.1:8080`.
    """

    def __init__(
        self,
        webhook: str,
        *,
        caller: str = "+14155550100",
        setup: Mapping[str, JsonValue] | None = None,
        auth_token: str | None = None,
        telnyx_key: Ed25519PrivateKey | None = None,
        at: str | None = None,
    ) -> None:
        self._webhook = webhook
        self._auth_token = auth_token
        self._telnyx_key = telnyx_key
        self._at = at
        self._extra = dict(setup or {})
        self._call: dict[str, str] = {
            "CallSid": "CA" + uuid4().hex,
            "AccountSid": "AC" + "0" * 32,
            "From": caller,
            "To": "+14155550199",
            "Direction": "inbound",
            "CallStatus": "ringing",
        }
        self._socket: ClientConnection | None = None
        self._action = ""
        self.heard: list[str] = []
        """Everything that was spoken, each text frame on its own."""
        self.frames: list[dict[str, JsonValue]] = []
        """Every frame that the gateway sent."""
        self.twiml: Element | None = None
        """The newest answer of a webhook."""
        self.handoff: dict[str, JsonValue] | None = None
        """What the `end` frame carried; None while the session goes on."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._socket is not None:
            await self._socket.close()

    @property
    def call_sid(self) -> str:
        return self._call["CallSid"]

    # --- the call ---------------------------------------------------------------------------------

    async def ring(self) -> str:
        """The call comes in; what is said first. Empty where the TwiML connects it to nothing."""
        return await self._follow(await self._post(self._webhook, {}))

    async def drop(self) -> None:
        """The socket is lost, without a closing handshake; the call goes on."""
        if self._socket is not None:
            self._socket.transport.abort()
            await self._socket.wait_closed()

    async def carry_on(self, error_code: str = LOST) -> str:
        """The platform tells the action URL that the session failed; what is said first then."""
        told = {"SessionStatus": "failed", "ErrorCode": error_code, "SessionDuration": "5"}
        return await self._follow(await self._post(self._action, told))

    async def finish(self) -> Element:
        """The platform tells the action URL that our session ended it; the answer, a `<Response>`.

        The socket is closed before, as the platform does after an `end` frame.
        """
        async with asyncio.timeout(PATIENCE):
            while self.handoff is None:
                await self.receive()
        await self.hang_up()
        told = {"SessionStatus": "ended", "HandoffData": json.dumps(self.handoff)}
        return await self._post(self._action, told)

    async def hang_up(self) -> None:
        """The caller hangs up: the platform closes the socket."""
        if self._socket is not None:
            await self._socket.close()

    # --- the caller -------------------------------------------------------------------------------

    async def say(self, words: str) -> str:
        """Say something, heard in two pieces as recognisers do; the reply."""
        await self.utter(words)
        return await self.listen()

    async def utter(self, words: str) -> None:
        """Say something without waiting for the reply."""
        await self.send("prompt", voicePrompt=words[: len(words) // 2], lang="en-US", last=False)
        await self.send("prompt", voicePrompt=words, lang="en-US", last=True)

    async def press(self, keys: str) -> str:
        """Press keys, one after the other; the reply."""
        for key in keys:
            await self.send("dtmf", digit=key)
        return await self.listen()

    async def interrupt(self, heard: str) -> None:
        """Break in on what is being said, after having heard so much of it."""
        await self.send("interrupt", utteranceUntilInterrupt=heard, durationUntilInterruptMs=460)

    async def listen(self) -> str:
        """The next thing that is said, when it was heard whole; a request to wait is not one."""
        while (said := await self.receive()) in (None, ONE_MOMENT):
            pass
        assert said is not None
        return said

    async def receive(self) -> str | None:
        """The next frame of any kind; its words, if it has any."""
        assert self._socket is not None, "the call has no socket: ring() first"
        async with asyncio.timeout(PATIENCE):
            frame: dict[str, JsonValue] = json.loads(await self._socket.recv())
        self.frames.append(frame)
        if frame["type"] == "end":
            self.handoff = json.loads(str(frame.get("handoffData") or "{}"))
        if frame["type"] != "text":
            return None
        self.heard.append(str(frame["token"]))
        await self._played()
        return self.heard[-1]

    async def send(self, kind: str, **fields: JsonValue) -> None:
        """Send any frame."""
        assert self._socket is not None, "the call has no socket: ring() first"
        await self._socket.send(json.dumps({"type": kind, **fields}))

    # --- the platform -----------------------------------------------------------------------------

    async def _played(self) -> None:
        """Report that a text was spoken; a socket that is lost meanwhile is for the next step."""
        with contextlib.suppress(ConnectionClosed):
            for value in ("on", "off"):
                await self.send("info", name="agentSpeaking", value=value)

    async def _post(self, url: str, told: Mapping[str, str]) -> Element:
        fields = {**self._call, **told}
        body = urlencode(fields).encode()
        request = Request(self._place(url), body, self._signed(url, fields, body))
        self.twiml = fromstring(await asyncio.to_thread(_answer, request))
        self._call["CallStatus"] = "in-progress"
        return self.twiml

    async def _follow(self, response: Element) -> str:
        """Open the socket that the TwiML asks for, and hear what is said first."""
        relay = response.find("./Connect/ConversationRelay")
        if relay is None:
            return ""
        self._action = response.find("./Connect").get("action", "")  # type: ignore[union-attr]  # the relay is in it
        url = relay.get("url", "")
        self._socket = await connect(self._place(url), additional_headers=self._signed(url))
        parameters = {each.get("name", ""): each.get("value") for each in relay.iter("Parameter")}
        setup: dict[str, JsonValue] = {
            "sessionId": "VX" + uuid4().hex,
            "accountSid": self._call["AccountSid"],
            "callSid": self.call_sid,
            "from": self._call["From"],
            "to": self._call["To"],
            "direction": self._call["Direction"],
            "callStatus": "RINGING",
            "callType": "PSTN",
            "customParameters": dict(parameters),
        }
        await self.send("setup", **{**setup, **self._extra})
        return await self.listen()

    def _place(self, url: str) -> str:
        """Where a public address is reached."""
        if self._at is None:
            return url
        old, new = urlsplit(url), urlsplit(self._at)
        scheme = "ws" if old.scheme.startswith("ws") else "http"
        if new.scheme == "https":
            scheme += "s"
        return old._replace(scheme=scheme, netloc=new.netloc).geturl()

    def _signed(
        self, url: str, fields: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> dict[str, str]:
        """The headers with a request's signature; a WebSocket's has no form and no body."""
        if self._auth_token is not None:
            signed = tuple((fields or {}).items())
            return {twilio.HEADER: twilio.sign(self._auth_token, url, signed)}
        if self._telnyx_key is None or body is None:
            return {}
        now = str(int(time.time()))
        return {
            telnyx.TIME_HEADER: now,
            telnyx.HEADER: telnyx.sign(self._telnyx_key, body, now),
        }


def _answer(request: Request) -> bytes:
    with urlopen(request, timeout=PATIENCE) as answer:
        body: bytes = answer.read()
        return body


@contextlib.asynccontextmanager
async def calling(
    app: FastAPI,
    form: str,
    *,
    caller: str = "+14155550100",
    setup: Mapping[str, JsonValue] | None = None,
    auth_token: str | None = None,
    telnyx_key: Ed25519PrivateKey | None = None,
    public_url: str | None = None,
    **query: str,
) -> AsyncIterator[RelayCaller]:
    """A caller on a gateway that is served on a free port meanwhile.

    Args:
        app: from `turnkeeper.gateway.app.create_app`.
        form: the form's id.
        caller: as for `RelayCaller`, and so are `setup`, `auth_token` and `telnyx_key`.
        public_url: what the app was told to be reached at, which signatures are over.
        query: more of the webhook's address, such as `timeout="2"`.
    """
    async with served(app) as url:
        webhook = f"{public_url or url}/twilio/voice?{urlencode({'form': form, **query})}"
        async with RelayCaller(
            webhook,
            caller=caller,
            setup=setup,
            auth_token=auth_token,
            telnyx_key=telnyx_key,
            at=url,
        ) as call:
            yield call


@contextlib.asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """The URL of an app that is served on a free port of this machine."""
    bound, up = listen("127.0.0.1", 0), asyncio.Event()
    serving = asyncio.ensure_future(serve(app, bound, ready=up.set))
    try:
        await up.wait()
        yield url_of(bound)
    finally:
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
