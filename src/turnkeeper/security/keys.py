"""The keys of tenants, which wrap the data keys of their sessions: what `TURNKEEPER_KEYS` names.

| URL | where the tenant keys are |
|---|---|
| `file:PATH` | a local key file, see `key_file` |
| `env:NAME` | the environment variable NAME: `1:BASE64,2:BASE64`, the last one is current |
| `aws-kms:KEY_ID_OR_ALIAS?region=..&endpoint=..` | AWS KMS; needs `turnkeeper[aws]` |

A tenant key has versions. New data keys are wrapped with the current one; older ones are kept for
as long as anything is wrapped with them (`turnkeeper keys rewrap` ends that).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from turnkeeper.errors import SettingsError


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key under a tenant key."""

    version: str
    """The version of the tenant key: a number, or the ARN of a KMS key."""
    data: bytes


@dataclass(frozen=True, slots=True)
class KeyVersions:
    """The versions of the tenant key that a provider has; `current` is one of `known`."""

    current: str
    known: tuple[str, ...]


class KeyProvider(Protocol):
    """Wraps and unwraps the data keys of sessions. All methods raise StoreUnavailable where the
    keys are out of reach, and SettingsError where they are not as they must be."""

    async def wrap(self, tenant: str, data_key: bytes) -> WrappedKey:
        """`data_key` under the current version of the tenant's key."""
        ...

    async def unwrap(self, tenant: str, wrapped: WrappedKey) -> bytes:
        """The data key. Raises KeyUnknown: this version isn't here, or is not this tenant's."""
        ...

    async def versions(self) -> KeyVersions:
        """What there is now: a version may be added while the process runs."""
        ...


def key_provider(url: str) -> KeyProvider:
    """What `url` names, not asked for anything yet. Raises SettingsError with one sentence."""
    scheme, _, place = url.partition(":")
    make = _PROVIDERS.get(scheme)
    if make is None or not place:
        schemes = ", ".join(f"{name}:" for name in _PROVIDERS)
        raise SettingsError(f"TURNKEEPER_KEYS must begin with one of {schemes}")
    return make(place)


def _file(place: str) -> KeyProvider:
    from turnkeeper.security.key_file import FileKeys

    return FileKeys(place)


def _environment(place: str) -> KeyProvider:
    from turnkeeper.security.environment_keys import EnvironmentKeys

    return EnvironmentKeys(place)


def _aws_kms(place: str) -> KeyProvider:
    try:
        from turnkeeper.security.aws_kms import AwsKms
    except ImportError as error:
        raise SettingsError(
            f"TURNKEEPER_KEYS is aws-kms:..., which needs turnkeeper[aws] ({error.name} is missing)"
        ) from None
    return AwsKms.at(place)


_PROVIDERS: dict[str, Callable[[str], KeyProvider]] = {
    "file": _file,
    "env": _environment,
    "aws-kms": _aws_kms,
}
