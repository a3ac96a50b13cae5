"""Looking for what callers said where it must not be."""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload


def forms_of(marker: str) -> Iterator[tuple[str, bytes]]:
    """A marker as it may stand somewhere: as said, in lower case, its digits, in base64."""
    yield "as said", marker.encode()
    yield "lower case", marker.lower().encode()
    digits = re.sub(r"\D", "", marker)
    if len(digits) >= 6:
        yield "digits", digits.encode()
    # Inside a longer text base64 has three faces; the first and last characters mix with others.
    for lead in range(3):
        encoded = base64.b64encode(b"\0" * lead + marker.encode())
        yield f"base64+{lead}", encoded[4 if lead else 0 : len(encoded) // 4 * 4 - 4]


def finds(markers: Iterable[str], held: bytes) -> set[str]:
    """In which forms any of the markers is there."""
    return {form for marker in markers for form, text in forms_of(marker) if text in held}


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
