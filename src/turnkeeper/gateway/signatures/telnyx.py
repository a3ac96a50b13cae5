"""Telnyx's signature: Ed25519 over the time and the body as it came.

Source: Telnyx, "Webhook signature verification". Its WebSockets are not signed.
"""

import base64
import time
from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from turnkeeper.gateway.signatures.accounts import Account

HEADER = "telnyx-signature-ed25519"
TIME_HEADER = "telnyx-timestamp"
TOLERANCE_SECONDS = 300
"""Between the time that was signed and our clock, either way; as in Telnyx's own libraries."""


def sign(key: Ed25519PrivateKey, body: bytes, timestamp: str) -> str:
    """The signature of a body, in base64. `timestamp` is whole seconds since 1970."""
    return base64.b64encode(key.sign(_signed(body, timestamp))).decode()


def signer(
    accounts: Iterable[Account], signature: str, timestamp: str, body: bytes
) -> Account | None:
    """The account whose key signed this just now; None where none here did.

    The secret of an account is its public key: 32 bytes, in base64.
    """
    if not _is_now(timestamp):
        return None
    signed = _signed(body, timestamp)
    return next((one for one in accounts if _is_signed(one.secret, signature, signed)), None)


def _signed(body: bytes, timestamp: str) -> bytes:
    return timestamp.encode() + b"|" + body


def _is_now(timestamp: str) -> bool:
    is_whole = timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12
    return is_whole and abs(time.time() - int(timestamp)) <= TOLERANCE_SECONDS


def _is_signed(public_key: str, signature: str, signed: bytes) -> bool:
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(base64.b64decode(signature, validate=True), signed)
    except (InvalidSignature, ValueError):  # ValueError: no base64, or not of its length
        return False
    return True
