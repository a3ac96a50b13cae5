"""What becomes of payloads that can't be read: one sentence, where their value would have been.

The payload converter is where the SDK fails one message and no more: an update is refused, a signal
is dropped with a log line, a client's call raises. Here is nothing of cryptography: this module is
loaded in every process, and so in the sandbox of workflows.
"""

from typing import NoReturn

from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import CompositePayloadConverter, EncodingPayloadConverter

from turnkeeper.errors import KeyUnknown, PayloadRefused

ENCRYPTED = b"binary/encrypted"
REFUSED = b"binary/refused"
"""Made by the codec when it decodes, never stored; its data is a sentence."""


class _Unreadable(EncodingPayloadConverter):
    """Reads nothing and writes nothing."""

    def __init__(self, encoding: bytes) -> None:
        self._encoding = encoding.decode()

    @property
    def encoding(self) -> str:
        return self._encoding

    def to_payload(self, value: object) -> Payload | None:
        return None

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> NoReturn:
        if payload.metadata.get("encoding") == REFUSED:
            raise PayloadRefused(f"refused: {payload.data.decode(errors='replace')}")
        raise KeyUnknown("this session is encrypted, and TURNKEEPER_KEYS is not set here")


_CONVERTERS = (
    *PydanticPayloadConverter().converters.values(),
    _Unreadable(ENCRYPTED),
    _Unreadable(REFUSED),
)
"""Made once: the SDK makes a payload converter for every message that has a codec, and pydantic's
takes milliseconds to learn each type anew."""


class SessionPayloadConverter(CompositePayloadConverter):
    """Temporal's pydantic converter, and a clear error for what can't be read."""

    def __init__(self) -> None:
        super().__init__(*_CONVERTERS)
