"""Tenant keys in AWS KMS: the key never leaves it, each wrap and unwrap is one call.

`aws-kms:KEY_ID_OR_ALIAS?region=..&endpoint=..`; credentials are boto3's own (environment, profile,
role). The tenant is in the EncryptionContext, so a key policy can let a role unwrap for one tenant
only (`kms:EncryptionContext:tenant`), and the audit log says for which tenant a call was; nothing
that names a person is in it.

KMS rotates the material of a key by itself and unwraps what older material wrapped. To move to
another key, point the alias at it and run `turnkeeper keys rewrap`. The version of a wrapped key is
the ARN of the key that wrapped it.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar, cast
from urllib.parse import parse_qsl

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from turnkeeper.errors import KeyUnknown, SettingsError, StoreUnavailable
from turnkeeper.security.keys import KeyVersions, WrappedKey

T = TypeVar("T")

_TIMEOUTS = Config(
    connect_timeout=2, read_timeout=4, retries={"mode": "standard", "total_max_attempts": 3}
)
"""A caller waits for the first wrap of a session."""

_NOT_HERE = frozenset({
    "NotFoundException", "DisabledException", "KMSInvalidStateException", "AccessDeniedException",
    "InvalidCiphertextException", "IncorrectKeyException", "InvalidKeyUsageException",
})  # fmt: skip
"""KMS's errors that say something of the key; others are faults on the way, and pass."""

_OPTIONS = frozenset({"region", "endpoint"})


class KmsApi(Protocol):
    """The calls of boto3's KMS client that are used; each has the request's members by name."""

    def encrypt(self, **request: object) -> dict[str, object]: ...

    def decrypt(self, **request: object) -> dict[str, object]: ...

    def describe_key(self, **request: object) -> dict[str, dict[str, object]]: ...


class AwsKms:
    """One KMS key, for all tenants or for one.

    Args:
        key: its id, ARN or alias (`alias/voice`).
        api: boto3's client for KMS.
    """

    def __init__(self, key: str, api: KmsApi) -> None:
        self._key = key
        self._api = api

    @classmethod
    def at(cls, place: str) -> "AwsKms":
        """From the part of the URL after `aws-kms:`. Raises SettingsError."""
        key, _, query = place.partition("?")
        options = dict(parse_qsl(query))
        if not key or options.keys() - _OPTIONS:
            raise SettingsError(
                "TURNKEEPER_KEYS must be aws-kms:KEY_ID_OR_ALIAS?region=..&endpoint=..; region and"
                " endpoint are optional"
            )
        try:
            api = boto3.client(
                "kms",
                region_name=options.get("region"),
                endpoint_url=options.get("endpoint"),
                config=_TIMEOUTS,
            )
        except (BotoCoreError, ValueError) as error:
            raise SettingsError(f"TURNKEEPER_KEYS can't be used: {error}") from None
        return cls(key, cast(KmsApi, api))

    async def wrap(self, tenant: str, data_key: bytes) -> WrappedKey:
        reply = await _called(
            lambda: self._api.encrypt(
                KeyId=self._key, Plaintext=data_key, EncryptionContext={"tenant": tenant}
            )
        )
        return WrappedKey(str(reply["KeyId"]), cast(bytes, reply["CiphertextBlob"]))

    async def unwrap(self, tenant: str, wrapped: WrappedKey) -> bytes:
        reply = await _called(
            lambda: self._api.decrypt(
                KeyId=wrapped.version,
                CiphertextBlob=wrapped.data,
                EncryptionContext={"tenant": tenant},
            )
        )
        return cast(bytes, reply["Plaintext"])

    async def versions(self) -> KeyVersions:
        """The key that wraps now; KMS doesn't tell which others an alias pointed at before."""
        reply = await _called(lambda: self._api.describe_key(KeyId=self._key))
        current = str(reply["KeyMetadata"]["Arn"])
        return KeyVersions(current, (current,))


async def _called(call: Callable[[], T]) -> T:
    """One call in a thread; its errors say no more than KMS's own name for them."""
    try:
        return await asyncio.to_thread(call)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in _NOT_HERE:
            raise KeyUnknown(f"AWS KMS has no usable tenant key for this ({code})") from None
        raise StoreUnavailable(f"AWS KMS did not do it ({code}); try again") from None
    except BotoCoreError as error:
        raise StoreUnavailable(
            f"AWS KMS could not be reached ({type(error).__name__}); try again"
        ) from None
