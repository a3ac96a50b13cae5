"""The codec server: `/decode` and `/encode` for Temporal's UI and command line.

The protocol is Temporal's: a `Payloads` message as protobuf JSON, in and out
(temporalio/samples-go, codec-server/protocol.md). The namespace is in the path and in the header
`X-Namespace`; what the reader may do is in `Authorization`.

What a reader may not read comes back as it was sent: they see ciphertext. An error would hide what
they may see on the same page, and the command line sends again after a 401 until its deadline.

A decoded payload has no secrets of a caller (`masking`): who needs one reads the delivery. What is
to be encoded has to say whose it is, in the metadata `session-id`, since no request does:

    temporal workflow signal ... --input-meta session-id=voice:session:...
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import cast

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from google.protobuf.json_format import MessageToDict, Parse, ParseError
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from temporalio.api.common.v1 import Payload, Payloads

from turnkeeper.errors import (
    InvalidInput,
    KeyShredded,
    KeyUnknown,
    SessionNotFound,
    TooManyRequests,
    TurnTooLarge,
    Unauthenticated,
)
from turnkeeper.gateway.access.limits import Limits
from turnkeeper.gateway.access.principal import Principal, Scope
from turnkeeper.gateway.access.ways import Access, is_new
from turnkeeper.gateway.hosts import HEADERS
from turnkeeper.gateway.masking import Json, masked
from turnkeeper.gateway.problems import add_handlers
from turnkeeper.gateway.secret_fields import SecretFields
from turnkeeper.gateway.tracing import telemetry
from turnkeeper.security.codec import KEY_ID, SessionCodec
from turnkeeper.security.identity import tenant_of
from turnkeeper.security.key_store import SessionId
from turnkeeper.security.keyring import Keyring
from turnkeeper.security.refused import ENCRYPTED
from turnkeeper.telemetry import logger

DECODE: Scope = "decode"
ENCODE: Scope = "operate"
SESSION_ID = "session-id"
MAX_BODY_BYTES = 16 * 1024 * 1024
"""Over all payloads of a history's longest page: Temporal sends 4 MiB a message."""
MAX_VALUES = 20_000
"""In a request, counted by its commas before it is read. A payload has four, a page some thousands;
protobuf takes 90 us for an empty one (measured)."""
STRANGERS_BYTES = 1024 * 1024
"""Of a request whose sender has no right here: `contract.MAX_PUT_BYTES` in base64 is a third."""
UNFILLED = "{namespace}"
"""The path's namespace as Temporal's UI leaves it."""
ERASED = "[erased: the key of this session was shredded]"
UNREADABLE = "[not readable: it is not what this session stored]"
NO_SESSION = "there is no such session for this token"

_EMPTY = b"binary/null"
_JSON = frozenset({b"json/plain", b"json/protobuf"})

_log = logger(__name__)

Convert = Callable[[Sequence[Payload], Principal, str], Awaitable[list[Payload]]]


class CodecServer:
    """Decodes and encodes what sessions store.

    Args:
        keyring: has the keys of every tenant that reads here.
        secrets: which fields are masked.
    """

    def __init__(self, keyring: Keyring, secrets: SecretFields) -> None:
        self._keyring = keyring
        self._codec = SessionCodec(keyring)
        self._secrets = secrets

    async def require_ready(self) -> None:
        """Raises StoreUnavailable where the key store does not answer."""
        await self._keyring.store.live(SessionId("", ""))

    async def decode(
        self, payloads: Sequence[Payload], reader: Principal, namespace: str
    ) -> list[Payload]:
        """What a reader who may decode sees of each. Raises StoreUnavailable, SettingsError."""
        tenant = reader.tenant
        _log.info("payloads are read", tenant=tenant, key_id=reader.key_id, count=len(payloads))
        return [await self._decoded(payload, tenant, namespace) for payload in payloads]

    async def encode(
        self, payloads: Sequence[Payload], reader: Principal, namespace: str
    ) -> list[Payload]:
        """Each under the key of the session that it names, for a reader who may encode.

        Raises InvalidInput for one that names none, SessionNotFound for one that is not the
        reader's; StoreUnavailable, SettingsError.
        """
        return [await self._encoded(payload, reader.tenant, namespace) for payload in payloads]

    async def _decoded(self, payload: Payload, tenant: str, namespace: str) -> Payload:
        key_id = payload.metadata.get(KEY_ID, b"").decode(errors="replace")
        if payload.metadata.get("encoding") != ENCRYPTED:
            return payload
        try:
            key = await self._keyring.of_id(key_id, tenant=tenant)
        except KeyUnknown:
            return payload
        except KeyShredded:
            return _sentence(ERASED)
        if key.session.namespace != namespace:
            return payload
        (plain,) = await self._codec.of(key.session).decode([payload])
        return await self._shown(plain, key.session)

    async def _shown(self, plain: Payload, session: SessionId) -> Payload:
        encoding = plain.metadata.get("encoding")
        if encoding == _EMPTY:
            return plain
        if encoding not in _JSON:  # A codec's refusal, or nothing of ours: who knows what is in it.
            return _sentence(UNREADABLE)
        fields = await self._secrets.of(session)
        try:
            value = cast(Json, json.loads(plain.data))
            shown = masked(value, fields)
            data = plain.data if shown == value else json.dumps(shown).encode()
        except (ValueError, RecursionError):  # No message of ours is nested as deep.
            return _sentence(UNREADABLE)
        return Payload(metadata=plain.metadata, data=data)

    async def _encoded(self, payload: Payload, tenant: str, namespace: str) -> Payload:
        workflow_id = payload.metadata.get(SESSION_ID, b"").decode(errors="replace")
        if not workflow_id:
            raise InvalidInput(
                "content is encrypted for one session: name it in the payload's metadata"
                f" (--input-meta {SESSION_ID}=...)"
            )
        session = SessionId(namespace, workflow_id)
        if tenant != tenant_of(workflow_id) or await self._keyring.store.live(session) is None:
            raise SessionNotFound(NO_SESSION)
        metadata = {name: text for name, text in payload.metadata.items() if name != SESSION_ID}
        plain = Payload(metadata=metadata, data=payload.data)
        return (await self._codec.of(session).encode([plain]))[0]


def codec_app(server: CodecServer, access: Access, ui_origins: Collection[str]) -> FastAPI:
    """The server as an application: `POST /{namespace}/decode` and `/{namespace}/encode`.

    Args:
        access: knows who asks, by the token in `Authorization`.
        ui_origins: where browsers may ask from, such as `https://temporal.example.com`.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, telemetry=telemetry())
    add_handlers(app)
    door = _Door(access, frozenset(ui_origins))
    app.add_api_route("/{namespace}/decode", door.route(DECODE, server.decode), methods=["POST"])
    app.add_api_route("/{namespace}/encode", door.route(ENCODE, server.encode), methods=["POST"])
    app.add_middleware(
        CORSMiddleware,
        allow_origins=sorted(ui_origins),
        allow_methods=["POST"],
        allow_headers=["Authorization", "Content-Type", "X-Namespace"],
    )
    return app


class _Door:
    """Knows who asks, before anything of what they sent is read."""

    def __init__(self, access: Access, origins: frozenset[str]) -> None:
        self._access = access
        self._origins = origins
        self._limits = Limits()

    def route(
        self, scope: Scope, convert: Convert
    ) -> Callable[[Request, str], Awaitable[Response]]:
        """What takes requests of who has the scope."""

        async def handle(request: Request, namespace: str) -> Response:
            self._require_origin(request)
            reader = await self._reader(request)
            if reader is None or reader.caller is not None or scope not in reader.scopes:
                return await _refused(request, scope)
            namespace = _namespace(request, namespace)
            payloads = await asyncio.to_thread(_parsed, await _body(request, MAX_BODY_BYTES))
            converted = await convert(payloads, reader, namespace)
            return await asyncio.to_thread(_answer, converted)

        return handle

    def _require_origin(self, request: Request) -> None:
        origin = request.headers.get("origin")
        if origin is not None and origin not in self._origins:
            raise HTTPException(403, "this page may not ask: it is not TURNKEEPER_UI_ORIGIN")

    async def _reader(self, request: Request) -> Principal | None:
        authorization = request.headers.get("authorization")
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip() if scheme.lower() == "bearer" else ""
        address = request.client.host if request.client else ""
        try:
            if is_new(self._access, token):
                await self._limits.require_no_failures(address)
            return await self._access.principal(token or None)
        except TooManyRequests:
            return None
        except Unauthenticated as error:
            if authorization is not None:
                await self._note(error, address)
            return None

    async def _note(self, error: Unauthenticated, address: str) -> None:
        """Some refusals from an address are logged; a page of Temporal's UI has many in a second,
        and each gets its ciphertext all the same."""
        try:
            await self._limits.failure(address)
        except TooManyRequests:
            return
        _log.warning("a token was refused", reason=str(error), key_id=error.key_id)


async def _refused(request: Request, scope: Scope) -> Response:
    """For who has no right here: the very bytes that came, or no session to write to."""
    if scope == ENCODE:
        raise SessionNotFound(NO_SESSION)
    body = await _body(request, STRANGERS_BYTES)
    return Response(body, media_type="application/json", headers=HEADERS)


def _namespace(request: Request, in_path: str) -> str:
    """Temporal's command line fills it in, its UI (2.54) does not. Raises InvalidInput."""
    named = request.headers.get("x-namespace")
    if named is not None and in_path not in (named, UNFILLED):
        raise InvalidInput("the header X-Namespace and the path name two namespaces")
    return named or in_path


async def _body(request: Request, most: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise TurnTooLarge(f"a request is {most} bytes at most")
    return bytes(body)


def _parsed(body: bytes) -> Sequence[Payload]:
    if body.count(b",") > MAX_VALUES:
        raise TurnTooLarge(f"a request has {MAX_VALUES} values at most")
    try:
        return Parse(body, Payloads()).payloads
    except (ParseError, ValueError):  # Their text quotes what could not be read.
        raise HTTPException(400, "the body is no temporal.api.common.v1.Payloads as JSON") from None


def _answer(payloads: Sequence[Payload]) -> Response:
    return JSONResponse(MessageToDict(Payloads(payloads=payloads)), headers=HEADERS)


def _sentence(text: str) -> Payload:
    return Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(text).encode())
