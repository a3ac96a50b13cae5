"""The agent's socket: one call over `/v1/stream` (docs/channels/websocket.md)."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from examples.speech.voices import SpeechError
from turnkeeper.contract import Reply, SessionState


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where a gateway is, and what it lets in with."""

    url: str
    token: str


class Line:
    """One leg: from `ring` until it is hung up or cut."""

    def __init__(self, socket: ClientConnection, opened: Mapping[str, Any]) -> None:
        self._socket = socket
        self.session_id: str = opened["session_id"]
        self.reply = Reply.model_validate(opened["reply"])
        """What the caller is greeted with."""

    @classmethod
    async def ring(cls, gateway: Gateway, form: str, *, caller: str, name: str) -> "Line":
        """A new call. `name` is the transport's own for it.

        Raises SpeechError where no gateway answers or it refuses.
        """
        try:
            socket = await connect(f"{gateway.url.replace('http', 'ws', 1)}/v1/stream")
        except OSError as error:
            raise SpeechError(f"No gateway answers at {gateway.url} ({error.strerror}).") from None
        await _exchange(socket, {"type": "hello", "token": gateway.token})
        who = {"form": form, "caller": caller, "transport_id": name, "connect_id": uuid4().hex}
        return cls(socket, await _exchange(socket, {"type": "open"} | who))

    async def turn(self, words: str | None) -> Reply:
        """The reply to what was heard; None: something was said, and not understood."""
        heard = {"event": "nomatch"} if words is None else {"text": words}
        turn = {"type": "turn", "utterance_id": uuid4().hex} | heard
        return Reply.model_validate((await _exchange(self._socket, turn))["reply"])

    async def hang_up(self) -> None:
        await self._socket.send('{"type": "hangup"}')
        await self._socket.wait_closed()

    async def cut(self) -> None:
        """The connection is lost: no close frame, nothing."""
        self._socket.transport.abort()
        await self._socket.wait_closed()


async def _exchange(socket: ClientConnection, message: Mapping[str, object]) -> Mapping[str, Any]:
    """Send a message and wait for its answer, which is no event; while the store cannot be
    reached, send the same again."""
    try:
        await socket.send(json.dumps(message))
        while (answer := json.loads(await socket.recv()))["type"] == "event":
            continue
    except ConnectionClosed:
        raise SpeechError("The gateway is gone in mid-call; start it and call again.") from None
    if answer["type"] != "error":
        return dict(answer)
    if answer["retryable"]:
        return await _exchange(socket, message)
    raise SpeechError(f"The gateway refuses: {answer['problem']['detail']}")


async def state_of(gateway: Gateway, session_id: str) -> SessionState:
    """What the session holds, over HTTP: lines come and go."""
    state = await asyncio.to_thread(_get, gateway, f"/v1/sessions/{quote(session_id)}")
    return SessionState.model_validate(state)


async def labels_of(gateway: Gateway, form: str) -> list[str]:
    """What the form's fields are called: a caller says one of them to "What should I change?"."""
    schema = await asyncio.to_thread(_get, gateway, f"/v1/forms/{form}/schema")
    return [field["title"] for field in schema["properties"].values()]


def _get(gateway: Gateway, path: str) -> Mapping[str, Any]:
    url = gateway.url + path
    try:
        with urlopen(Request(url, headers={"Authorization": f"Bearer {gateway.token}"})) as answer:
            return dict(json.load(answer))
    except OSError as error:  # HTTPError and URLError among them.
        raise SpeechError(f"The gateway does not answer {url}: {error}.") from None
