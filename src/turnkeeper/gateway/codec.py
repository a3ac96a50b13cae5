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
    TurnTooLarge,
    Unauthenticated,
)
from turnkeeper.gateway.access.principal import Principal, Scope
from turnkeeper.gateway.access.ways import Access
from turnkeeper.gateway.masking import Json, masked
from turnkeeper.gateway.problems import add_handlers
from turnkeeper.gateway.secret_fields import SecretFields
from turnkeeper.security.codec import KEY_ID, SessionCodec
from turnkeeper.security.identity import tenant_of
from turnkeeper.security.key_store import SessionId
from turnkeeper.security.keyring import Keyring
from turnkeeper.security.refused import ENCRYPTED

DECODE: Scope = "decode"
ENCODE: Scope = "operate"
SESSION_ID = "session-id"
MAX_BODY_BYTES = 16 * 1024 * 1024
"""Over all payloads of a history's longest page: Temporal sends 4 MiB a message."""
UNFILLED = "{namespace}"
"""The path's namespace as Temporal's UI leaves it."""
ERASED = "[erased: the key of this session was shredded]"
UNREADABLE = "[not readable: it is not what this session stored]"

_EMPTY = b"binary/null"
_JSON = frozenset({b"json/plain", b"json/protobuf"})

Convert = Callable[[Sequence[Payload], Principal | None, str], Awaitable[list[Payload]]]


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
        self, payloads: Sequence[Payload], reader: Principal | None, namespace: str
    ) -> list[Payload]:
        """What the reader may see of each. Raises StoreUnavailable, SettingsError."""
        tenant = _tenant(reader, DECODE)
        if tenant is None:
            return list(payloads)
        return [await self._decoded(payload, tenant, namespace) for payload in payloads]

    async def encode(
        self, payloads: Sequence[Payload], reader: Principal | None, namespace: str
    ) -> list[Payload]:
        """Each under the key of the session that it names.

        Raises InvalidInput for one that names none, SessionNotFound for one that is not the
        reader's; StoreUnavailable, SettingsError.
        """
        tenant = _tenant(reader, ENCODE)
        return [await self._encoded(payload, tenant, namespace) for payload in payloads]

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
        try:
            value = cast(Json, json.loads(plain.data))
        except ValueError:
            return _sentence(UNREADABLE)
        shown = masked(value, await self._secrets.of(session))
        if shown == value:
            return plain
        return Payload(metadata=plain.metadata, data=json.dumps(shown).encode())

    async def _encoded(self, payload: Payload, tenant: str | None, namespace: str) -> Payload:
        workflow_id = payload.metadata.get(SESSION_ID, b"").decode(errors="replace")
        if not workflow_id:
            raise InvalidInput(
                "content is encrypted for one session: name it in the payload's metadata"
                f" (--input-meta {SESSION_ID}=...)"
            )
        session = SessionId(namespace, workflow_id)
        if tenant != tenant_of(workflow_id) or await self._keyring.store.live(session) is None:
            raise SessionNotFound(f"there is no session {workflow_id}")
        metadata = {name: text for name, text in payload.metadata.items() if name != SESSION_ID}
        plain = Payload(metadata=metadata, data=payload.data)
        return (await self._codec.of(session).encode([plain]))[0]


def codec_app(server: CodecServer, access: Access, ui_origins: Collection[str]) -> FastAPI:
    """The server as an application: `POST /{namespace}/decode` and `/{namespace}/encode`.

    Args:
        access: knows who asks, by the token in `Authorization`.
        ui_origins: where browsers may ask from, such as `https://temporal.example.com`.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    add_handlers(app)
    for name, convert in (("decode", server.decode), ("encode", server.encode)):
        route = _route(convert, access, frozenset(ui_origins))
        app.add_api_route(f"/{{namespace}}/{name}", route, methods=["POST"])
    app.add_middleware(
        CORSMiddleware,
        allow_origins=sorted(ui_origins),
        allow_methods=["POST"],
        allow_headers=["Authorization", "Content-Type", "X-Namespace"],
    )
    return app


def _route(
    convert: Convert, access: Access, origins: frozenset[str]
) -> Callable[[Request, str], Awaitable[Response]]:
    async def handle(request: Request, namespace: str) -> Response:
        origin = request.headers.get("origin")
        if origin is not None and origin not in origins:
            raise HTTPException(403, "this page may not ask: it is not TURNKEEPER_UI_ORIGIN")
        payloads = await _payloads(request)
        reader = await _reader(access, request.headers.get("authorization"))
        converted = await convert(payloads, reader, _namespace(request, namespace))
        return JSONResponse(MessageToDict(Payloads(payloads=converted)))

    return handle


def _namespace(request: Request, in_path: str) -> str:
    """Temporal's command line fills it in, its UI (2.54) does not. Raises InvalidInput."""
    named = request.headers.get("x-namespace")
    if named is not None and in_path not in (named, UNFILLED):
        raise InvalidInput("the header X-Namespace and the path name two namespaces")
    return named or in_path


async def _payloads(request: Request) -> Sequence[Payload]:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise TurnTooLarge(f"a request is {MAX_BODY_BYTES} bytes at most")
    try:
        return Parse(bytes(body), Payloads()).payloads
    except ParseError:  # Its text quotes what it could not read.
        raise HTTPException(400, "the body is no temporal.api.common.v1.Payloads as JSON") from None


async def _reader(access: Access, authorization: str | None) -> Principal | None:
    scheme, _, token = (authorization or "").partition(" ")
    try:
        return await access.principal(token.strip() if scheme.lower() == "bearer" else None)
    except Unauthenticated:
        return None


def _tenant(reader: Principal | None, scope: Scope) -> str | None:
    """Whose sessions the reader may so treat. A caller's own token is none for Temporal's UI."""
    may = reader is not None and reader.caller is None and scope in reader.scopes
    return reader.tenant if reader is not None and may else None


def _sentence(text: str) -> Payload:
    return Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(text).encode())
