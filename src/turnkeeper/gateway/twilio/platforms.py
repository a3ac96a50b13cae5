"""Whose call it is: what a platform's signature, or a ticket of ours, says before anything is done.

| | webhooks | the relay's socket |
|---|---|---|
| Twilio | `X-Twilio-Signature` | the same, on the handshake |
| Telnyx | `telnyx-signature-ed25519` | not signed: a one-use ticket, a `<Parameter>` of our TwiML |

Addresses are those of the setting `TURNKEEPER_PUBLIC_URL`: what a request says of its own host is
not signed, and anybody's. Whoever is refused is told nothing; the log says what it was.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from starlette.requests import HTTPConnection, Request
from starlette.websockets import WebSocket

from turnkeeper.errors import Unauthenticated
from turnkeeper.gateway.access.gate import Gate
from turnkeeper.gateway.access.principal import Principal
from turnkeeper.gateway.doorway import Doorway
from turnkeeper.gateway.signatures import telnyx, twilio
from turnkeeper.gateway.signatures.accounts import Account, Accounts
from turnkeeper.gateway.twilio.callers import caller_of_webhook

TICKET = "ticket"
"""The `<Parameter>` that holds one."""
MAX_BODY_BYTES = 64 * 1024
"""Of a webhook: a call's form has some thirty short fields."""
MAX_FIELDS = 200
OFF = (
    "telephony is off: set TURNKEEPER_PUBLIC_URL, and TURNKEEPER_TWILIO_AUTH_TOKEN or"
    " TURNKEEPER_TELNYX_PUBLIC_KEY"
)
FORM_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook that may be acted upon."""

    door: Doorway
    """Of the tenant whose account it is."""
    told: Mapping[str, str]
    """The form."""
    signs_sockets: bool
    """Whether the platform signs the socket as well."""


class Platforms:
    """What lets calls in. All methods raise Unauthenticated, with what was wrong for the log."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._accounts = gate.site.accounts

    async def webhook(self, request: Request) -> Webhook:
        """A request of a platform's."""
        body = await _body(request)
        told = _form(request, body)
        account = self._twilio(request, tuple(told)) or self._telnyx(request, body)
        if account is None and not self._gate.is_open:
            raise self._refused("a webhook has no signature of an account of ours")
        return Webhook(await self._door(account), dict(told), account not in self._accounts.telnyx)

    async def socket(self, socket: WebSocket) -> Doorway | None:
        """What the handshake says; None: a ticket in the first frame has to say it."""
        account = self._twilio(socket, ())
        if account is not None or self._gate.is_open:
            return await self._door(account)
        if not self._accounts.telnyx or twilio.HEADER in socket.headers:
            raise self._refused("a socket has no signature of an account of ours")
        return None

    def waiting(self, socket: WebSocket, door: Doorway | None) -> AbstractContextManager[None]:
        """Until it is known whose a socket is. Raises TooManyRequests."""
        address = socket.client.host if socket.client else ""
        return nullcontext() if door else self._gate.waiting(address)

    async def ticket(self, socket: WebSocket, parameters: Mapping[str, str]) -> Doorway:
        """What the ticket says that came with a socket's first frame.

        Raises StoreUnavailable and TooManyRequests too.
        """
        address = socket.client.host if socket.client else ""
        ticket = parameters.get(TICKET, "")
        principal = await self._gate.of_ticket(ticket, "relay", address)
        if principal.caller is None:  # The frame would say whose form it is, and nobody signs that.
            raise Unauthenticated("a ticket for the relay is for no one caller")
        return self._gate.door(principal)

    async def parameters(self, webhook: Webhook) -> Mapping[str, str]:
        """What the TwiML needs so that the socket is let in, for the one caller of this call.

        Raises StoreUnavailable, and Unauthenticated for a webhook that does not say who calls:
        Telnyx signs a body, not as what it is to be read.
        """
        if webhook.signs_sockets:
            return {}
        door = webhook.door
        caller = caller_of_webhook(webhook.told, door.sessions.settings.region)
        if caller is None:
            raise Unauthenticated("a webhook does not say who calls")
        ticket = await self._gate.tickets.issue(replace(door.principal, caller=caller), "relay")
        return {TICKET: ticket.ticket}

    def _twilio(self, asks: HTTPConnection, fields: twilio.Fields) -> Account | None:
        signature, public = asks.headers.get(twilio.HEADER), self._gate.site.public_url
        if signature is None or public is None:
            return None
        settings = asks.headers.get(twilio.SETTINGS_HEADER, "")
        url = _address(public, asks)
        return twilio.signer(self._accounts.twilio, signature, settings, url, fields)

    def _telnyx(self, asks: HTTPConnection, body: bytes) -> Account | None:
        signature = asks.headers.get(telnyx.HEADER)
        if signature is None or self._gate.site.public_url is None:
            return None
        timestamp = asks.headers.get(telnyx.TIME_HEADER, "")
        return telnyx.signer(self._accounts.telnyx, signature, timestamp, body)

    async def _door(self, account: Account | None) -> Doorway:
        """The door of an account's tenant; without one, that of everyone, where it stands open."""
        if account is None:
            return self._gate.door(await self._gate.of_token(None))
        return self._gate.door(Principal(account.tenant, frozenset({"talk"}), key_id="platform"))

    def _refused(self, reason: str) -> Unauthenticated:
        is_off = self._accounts == Accounts() or self._gate.site.public_url is None
        return Unauthenticated(OFF if is_off else reason)


def _address(public_url: str, asks: HTTPConnection) -> str:
    """The address that was asked for, as the platform has it: in its own spelling."""
    scheme, _, rest = public_url.partition("://")
    if asks.scope["type"] == "websocket":
        scheme = {"http": "ws", "https": "wss"}[scheme]
    path = asks.scope["path"].removeprefix(asks.scope.get("root_path", ""))
    query = asks.scope["query_string"].decode("latin-1")
    return f"{scheme}://{rest}{path}{'?' if query else ''}{query}"


async def _body(request: Request) -> bytes:
    """The body of a request. Raises Unauthenticated for one that no platform sends."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Unauthenticated("a webhook is larger than those of any platform")
    return body


def _form(request: Request, body: bytes) -> list[tuple[str, str]]:
    """The fields of a form, empty ones too; of any other body none: nothing in it is acted on."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM_TYPE:
        return []
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:  # not UTF-8, or too many fields
        raise Unauthenticated("a webhook's form is none that a platform sends") from None
