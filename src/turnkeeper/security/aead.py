"""AES-256-GCM as this package uses it: one layout, one way to say what a ciphertext belongs to.

Sealed bytes are a random nonce of 96 bits, then the ciphertext, then the tag of 128 bits (NIST SP
800-38D; RFC 5116, section 5.2). With random nonces one key may seal 2^32 messages (SP 800-38D,
section 8.3); a session seals a few hundred.

What a ciphertext belongs to is its associated data: parts that are not encrypted, but without which
it can't be opened. Each part goes in after its length in four bytes, so that no two lists of parts
give the same bytes.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE_BYTES = 12

__all__ = ["AESGCM", "KEY_BYTES", "InvalidTag", "associated", "new_key", "open_sealed", "seal"]


def new_key() -> bytes:
    """256 random bits."""
    return os.urandom(KEY_BYTES)


def associated(*parts: str) -> bytes:
    """Associated data that names `parts`, in this order, and can mean nothing else."""
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def seal(cipher: AESGCM, plain: bytes, belongs_to: bytes) -> bytes:
    """Nonce, ciphertext and tag."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plain, belongs_to)


def open_sealed(cipher: AESGCM, sealed: bytes, belongs_to: bytes) -> bytes:
    """What was sealed. Raises InvalidTag: it was changed, or belongs to something else."""
    if len(sealed) < _NONCE_BYTES:
        raise InvalidTag
    return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], belongs_to)
