"""One data converter for clients, workers and the replayer, made from the settings."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Self, cast

from temporalio.api.failure.v1 import Failure
from temporalio.converter import (
    DataConverter,
    DefaultFailureConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadConverter,
    SerializationContext,
)
from temporalio.exceptions import ApplicationError

from turnkeeper.contract import NOT_OPENED
from turnkeeper.errors import KeyShredded, KeyUnknown, SettingsError
from turnkeeper.security.identity import PUBLIC_KEY
from turnkeeper.security.refused import SessionPayloadConverter
from turnkeeper.settings import Settings

if TYPE_CHECKING:
    from turnkeeper.security.codec import SessionCodec
    from turnkeeper.security.keyring import Keyring

_SAID_IN_CLEAR = frozenset({NOT_OPENED})
"""A failed query reaches a client as the message in clear and nothing else. These are fixed
sentences."""


class EncryptedFailures(DefaultFailureConverterWithEncodedAttributes):
    """Messages and stack traces of failures become payloads, and so pass the codec. The type stays
    in clear: it is a class's name.

    A failure that is about a key stays in clear altogether. It names the key and holds nothing of
    the session; there may be no key to encrypt it with, and none must be made for a session whose
    key was shredded.
    """

    def to_failure(
        self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure
    ) -> None:
        if any(isinstance(error, KeyUnknown | KeyShredded) for error in _causes(exception)):
            _IN_CLEAR.to_failure(exception, payload_converter, failure)
            return
        super().to_failure(exception, payload_converter, failure)
        if isinstance(exception, ApplicationError) and exception.message in _SAID_IN_CLEAR:
            failure.message = exception.message


_IN_CLEAR = DefaultFailureConverter()


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


class SessionDataConverter(DataConverter):
    """A data converter that is bound to a workflow in 2 us and not in 22: the SDK does so fourteen
    times a turn, and makes new payload and failure converters each time, of which ours go by no
    context. Only the codec does."""

    def with_context(self, context: SerializationContext) -> Self:
        bound = object.__new__(type(self))
        bound.__dict__.update(self.__dict__)
        object.__setattr__(bound, "payload_codec", self._codec.with_context(context))
        return bound

    @property
    def _codec(self) -> "SessionCodec":
        return cast("SessionCodec", self.payload_codec)

    async def identity_key(self, tenant: str) -> bytes:
        """Raises KeyUnknown, StoreUnavailable, SettingsError."""
        return await self._codec.keyring.identity_key(tenant)

    async def make_key(self, namespace: str, workflow_id: str) -> None:
        """The session's key, unless it has one. Raises as `identity_key` does."""
        from turnkeeper.security.key_store import SessionId

        await self._codec.keyring.of_session(SessionId(namespace, workflow_id))

    async def has_key(self, namespace: str, workflow_id: str) -> bool:
        """Whether the session has a key. Raises as `identity_key` does."""
        from turnkeeper.security.key_store import SessionId

        return await self._codec.keyring.find(SessionId(namespace, workflow_id)) is not None

    @property
    def accepts_plaintext(self) -> bool:
        """Whether a session without a key may be one that began in clear."""
        return self._codec.accepts_plaintext


async def identity_key(converter: DataConverter, tenant: str) -> bytes:
    """The key that makes subjects: the tenant's own, or the one that everybody knows where the
    converter has no keys. Raises KeyUnknown, StoreUnavailable, SettingsError."""
    if isinstance(converter, SessionDataConverter):
        return await converter.identity_key(tenant)
    return PUBLIC_KEY


def data_converter(settings: Settings) -> DataConverter:
    """How values become what Temporal stores: encrypted where `TURNKEEPER_KEYS` is set.

    Keys are fetched when they are first needed. Each call gives a converter with a cache of keys of
    its own. Raises SettingsError for a URL that can't be used.
    """
    if settings.keys is None:
        return DataConverter(payload_converter_class=SessionPayloadConverter)
    # Here and not at the top: a process without keys need not load the cryptography.
    from turnkeeper.security.codec import SessionCodec

    return SessionDataConverter(
        payload_converter_class=SessionPayloadConverter,
        payload_codec=SessionCodec(keyring(settings), accept_plaintext=settings.accept_plaintext),
        failure_converter_class=EncryptedFailures,
    )


def keyring(settings: Settings) -> "Keyring":
    """The data keys of all tenants. Raises SettingsError where no keys are set."""
    if settings.keys is None or settings.key_store is None:
        raise SettingsError(
            "no keys are set: set TURNKEEPER_KEYS (file:PATH, env:NAME or aws-kms:KEY) and"
            " TURNKEEPER_KEY_STORE (sqlite:PATH or postgresql://...)"
        )
    from turnkeeper.security.key_store import key_store
    from turnkeeper.security.keyring import Keyring
    from turnkeeper.security.keys import key_provider

    return Keyring(key_provider(settings.keys), key_store(settings.key_store))
