"""Looking for what callers said where it must not be."""

import base64
import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload

_COMPRESSED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")
"""How gzip (RFC 1952) and zlib (RFC 1950) begin; in ciphertext it is chance, and no stream."""
_EITHER = zlib.MAX_WBITS | 32
_MOST = 1 << 24


def forms_of(marker: str) -> Iterator[tuple[str, bytes]]:
    """A marker as it may stand somewhere: as said, in lower case, its digits, encoded, hashed."""
    said = marker.encode()
    yield "as said", said
    yield "lower case", marker.lower().encode()
    digits = re.sub(r"\D", "", marker)
    if len(digits) >= 6:
        yield "digits", digits.encode()
    # Inside a longer text base64 has three faces; the first and last characters mix with others.
    for lead in range(3):
        encoded = base64.b64encode(b"\0" * lead + said)
        part = encoded[4 if lead else 0 : len(encoded) // 4 * 4 - 4]
        yield f"base64+{lead}", part
        yield f"base64url+{lead}", part.replace(b"+", b"-").replace(b"/", b"_")
    yield "percent-encoded", quote(marker, safe="").encode()
    yield "hexadecimal", said.hex().encode()
    # Without a key a hash hides nothing of which there are few, such as numbers.
    yield "hashed", hashlib.sha256(said).digest()
    yield "hashed, in hexadecimal", hashlib.sha256(said).hexdigest().encode()


def finds(markers: Iterable[str], held: bytes) -> set[str]:
    """In which forms any of the markers is there."""
    return {form for marker in markers for form, text in forms_of(marker) if text in held}


def unpacked(held: bytes) -> bytes:
    """What is compressed in it, in clear."""
    return b"\n".join(_inflated(held, begin.start()) for begin in _COMPRESSED.finditer(held))


def _inflated(held: bytes, begin: int) -> bytes:
    """As far as it is a compressed stream."""
    found, stream = bytearray(), zlib.decompressobj(_EITHER)
    try:
        for at in range(begin, len(held), 4096):
            found += stream.decompress(held[at : at + 4096])
            if stream.eof or len(found) > _MOST:
                break
    except zlib.error:
        return bytes(found)
    return bytes(found)


def files(folder: Path) -> bytes:
    """All that a folder's files hold."""
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def payloads(message: Message, path: str = "") -> Iterator[tuple[str, Payload]]:
    """Every payload inside a message, with where it is."""
    if isinstance(message, Payload):
        yield path, message
        return
    for field, value in message.ListFields():
        for key, inner in _messages(value):
            yield from payloads(inner, f"{path}.{field.name}{key}")


def _messages(value: object) -> Iterator[tuple[str, Message]]:
    """The messages in a field: it is one, or has several, by number or by name."""
    if isinstance(value, Message):
        yield "", value
    elif isinstance(value, Mapping):
        yield from ((f".{key}", inner) for key, inner in value.items() if _is_message(inner))
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        yield from (("", inner) for inner in value if _is_message(inner))


def _is_message(value: object) -> bool:
    return isinstance(value, Message)
