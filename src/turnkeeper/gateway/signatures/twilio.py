"""Twilio's signature: an HMAC over the address that it asked for and the form that it sent.

Sources: Twilio, "Webhooks security"; "ConversationRelay: Onboarding" for the WebSocket, whose
handshake has no form; "Sign webhooks with shared keys" for SHA-256. A signature covers no time: the
same request has the same one for ever, and so has every handshake of one address.
"""

import base64
import hmac
import re
from collections.abc import Iterable, Iterator, Sequence

from turnkeeper.gateway.signatures.accounts import Account

HEADER = "x-twilio-signature"
SETTINGS_HEADER = "x-twilio-webhooks-signature-settings"
"""`key=...,algorithm=HMAC_SHA256` of a request that a shared key signed; absent: SHA-1."""
SHA1 = "HMAC_SHA1"
HASHES = {SHA1: "sha1", "HMAC_SHA256": "sha256"}
"""HMAC with SHA-1 stands, although SHA-1 alone does not (RFC 6194, section 3.3)."""

Fields = Sequence[tuple[str, str]]

_PORTS = {"https": 443, "wss": 443, "http": 80, "ws": 80}
_WITH_PORT = re.compile(r"(\[[^\]]*\]|[^:\[]*):\d+")
_ALGORITHM = re.compile(r"(?:^|,)\s*algorithm\s*=\s*(\w+)")


def sign(secret: str, url: str, fields: Fields = (), algorithm: str = SHA1) -> str:
    """The signature of a request, in base64.

    Args:
        secret: the account's auth token, or a shared key.
        url: as Twilio asks for it, query included.
        fields: of the form; a name may stand several times, and is signed once a value.
        algorithm: one of `HASHES`.
    """
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(
        hmac.digest(secret.encode(), signed.encode(), HASHES[algorithm])
    ).decode()


def signer(
    accounts: Iterable[Account], signature: str, settings: str, url: str, fields: Fields = ()
) -> Account | None:
    """The account that signed a request; None where nobody here did.

    Args:
        signature: of `HEADER`.
        settings: of `SETTINGS_HEADER`.
        url: the public address; Twilio may have signed it with or without its port.
    """
    algorithm = algorithm_of(settings)
    if algorithm not in HASHES:
        return None
    sent, found = signature.encode(), None
    for account in accounts:
        for spelling in _spellings(url):
            if hmac.compare_digest(
                sign(account.secret, spelling, fields, algorithm).encode(), sent
            ):
                found = account
    return found


def algorithm_of(settings: str) -> str:
    """What the header says that it was signed with."""
    named = _ALGORITHM.search(settings)
    return named[1].upper() if named else SHA1


def _spellings(url: str) -> Iterator[str]:
    """Without and with a port, as in Twilio's own libraries; a socket's also with a slash at the
    end, which is added to some handshakes."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    with_port = _WITH_PORT.fullmatch(host)
    bare = with_port[1] if with_port else host
    ends = ("", "/") if scheme in ("ws", "wss") else ("",)
    for place in (bare, host if with_port else f"{host}:{_PORTS[scheme]}"):
        yield from (f"{scheme}://{place}{slash}{path}{end}" for end in ends)
