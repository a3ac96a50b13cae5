"""The payload codec: everything that Temporal keeps of a session, under the session's own key.

An encrypted payload has

- metadata `encoding`: `binary/encrypted`;
- metadata `key-id`: the data key's id, 32 hexadecimal digits;
- data: nonce, ciphertext and tag (`aead`) of the whole payload that was there before.

Associated data bind it to namespace, workflow id and key id. The SDK says with every payload which
workflow it belongs to (`WithSerializationContext`), so a payload that was copied into another
session does not open there. Who reads without that context (the codec server) goes by what the key
store knows of the key.

What can't be opened because it is not what the session stored becomes a payload of encoding
`binary/refused`, which the payload converter turns down: so Temporal's SDK fails the one message
that carries it. An exception from `decode` would fail the workflow task, again and again, and any
holder of the store could stop a session with a forged signal. That is right for the other case, a
key that isn't here yet, or no more: nothing of the session is lost or changed by a failed workflow
task, and it goes on once the key arrives.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    ActivitySerializationContext,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)

from turnkeeper.erasure import is_erasure
from turnkeeper.errors import KeyUnknown, PayloadRefused, TurnkeeperError
from turnkeeper.instruments import CODEC_ERRORS
from turnkeeper.security.aead import InvalidTag, open_sealed, seal
from turnkeeper.security.key_store import SessionId
from turnkeeper.security.keyring import DataKey, Keyring
from turnkeeper.security.refused import ENCRYPTED, REFUSED
from turnkeeper.telemetry.metrics import count

KEY_ID = "key-id"

_KEY_ID = re.compile(rb"[0-9a-f]{32}")


class SessionCodec(PayloadCodec, WithSerializationContext):
    """Encrypts and decrypts payloads with the keys of a keyring.

    Args:
        keyring: has the keys of the sessions.
        accept_plaintext: read what is not encrypted, too.
        session: whose payloads these are; the SDK gives it with `with_context`.
    """

    def __init__(
        self, keyring: Keyring, *, accept_plaintext: bool = False, session: SessionId | None = None
    ) -> None:
        self.keyring = keyring
        self._accept_plaintext = accept_plaintext
        self._session = session

    def with_context(self, context: SerializationContext) -> "SessionCodec":
        """For the workflow of `context`; a context without one gives no session."""
        return self.of(session_of(context))

    def of(self, session: SessionId | None) -> "SessionCodec":
        """For one session's payloads; None: whose they are is known by their key alone."""
        return SessionCodec(self.keyring, accept_plaintext=self._accept_plaintext, session=session)

    @property
    def accepts_plaintext(self) -> bool:
        """Whether what is not encrypted is read, too."""
        return self._accept_plaintext

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encrypts. Raises KeyUnknown, StoreUnavailable, SettingsError; PayloadRefused where it is
        not known whose payloads these are."""
        with _counted_errors():
            if self._session is None:
                raise PayloadRefused(
                    "content of no session can't be encrypted: there is no key for it"
                )
            key = await self._key(self._session)
        return [_encrypted(payload, key) for payload in payloads]

    async def _key(self, session: SessionId) -> DataKey:
        """Who begins a session makes its key (`turnkeeper.temporal_keys`). Made here is that of an
        erasure, which a session orders as well, and of a session that may have begun in clear."""
        if self._accept_plaintext or is_erasure(session.workflow_id):
            return await self.keyring.of_session(session)
        key = await self.keyring.find(session)
        if key is None:
            raise KeyUnknown("the key store has no key of this session; it may have been erased")
        return key

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Decrypts. Raises KeyUnknown, KeyShredded, StoreUnavailable, SettingsError; what the
        session did not store comes out as `binary/refused`."""
        return [await self._decoded(payload) for payload in payloads]

    async def _decoded(self, payload: Payload) -> Payload:
        try:
            with _counted_errors():
                return await self._decrypted(payload)
        except PayloadRefused as error:
            return Payload(metadata={"encoding": REFUSED}, data=str(error).encode())

    async def _decrypted(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCRYPTED:
            if self._accept_plaintext:
                return payload
            raise PayloadRefused("content that is not encrypted")
        key_id = payload.metadata.get(KEY_ID, b"")
        if not _KEY_ID.fullmatch(key_id):
            raise PayloadRefused("encrypted content that does not say with which key")
        key = await self.keyring.of_id(key_id.decode(), self._session)
        try:
            return Payload.FromString(open_sealed(key.cipher, payload.data, key.belongs_to))
        except (InvalidTag, DecodeError):
            raise PayloadRefused("encrypted content that was changed, or moved here") from None


@contextmanager
def _counted_errors() -> Iterator[None]:
    """Counts what goes wrong in the block, by its type: an error's name and nothing of it."""
    try:
        yield
    except TurnkeeperError as error:
        count(CODEC_ERRORS, kind=type(error).__name__)
        raise


def session_of(context: SerializationContext) -> SessionId | None:
    """The workflow that the SDK says a payload belongs to."""
    match context:
        case WorkflowSerializationContext(namespace=namespace, workflow_id=workflow_id):
            return SessionId(namespace, workflow_id)
        case ActivitySerializationContext(namespace=namespace, workflow_id=str(workflow_id)):
            return SessionId(namespace, workflow_id)
    return None


def _encrypted(payload: Payload, key: DataKey) -> Payload:
    return Payload(
        metadata={"encoding": ENCRYPTED, KEY_ID: key.key_id.encode()},
        data=seal(key.cipher, payload.SerializeToString(), key.belongs_to),
    )
