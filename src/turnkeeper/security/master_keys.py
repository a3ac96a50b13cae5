"""Master keys that this process holds itself, from a file or its environment.

A tenant's key is derived from the master key of the same version (HKDF with SHA-256, RFC 5869, the
tenant in `info`), so one master key serves any number of tenants and what one tenant's key wraps no
other tenant's unwraps. A wrapped key is bound to its tenant and version by associated data.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from turnkeeper.errors import KeyUnknown
from turnkeeper.security.aead import (
    AESGCM,
    KEY_BYTES,
    InvalidTag,
    associated,
    new_key,
    open_sealed,
    seal,
)
from turnkeeper.security.keys import KeyVersions, WrappedKey

_VERSION = re.compile(r"[1-9]\d{0,8}")
_DERIVED = "turnkeeper/tenant-key/1"
_WRAPPED = "turnkeeper/wrapped-key/1"


@dataclass(frozen=True, slots=True, repr=False)
class MasterKeys:
    """Versions of the master key.

    Args:
        current: the version that wraps; one of `keys`.
        keys: 32 bytes each, by version; a version is a whole number from 1.
    """

    current: str
    keys: Mapping[str, bytes]

    @classmethod
    def read(cls, current: str, keys: Mapping[str, str]) -> "MasterKeys":
        """From base64. Raises ValueError with what is wrong, which quotes no key."""
        for version in keys:
            if not _VERSION.fullmatch(version):
                raise ValueError("a version is a whole number from 1")
        if current not in keys:
            raise ValueError("the current version is not among the keys")
        return cls(current, {version: _key(version, text) for version, text in keys.items()})

    def with_next(self) -> "MasterKeys":
        """The same and a new random one, which is current."""
        version = str(max(map(int, self.keys), default=0) + 1)
        return MasterKeys(version, {**self.keys, version: new_key()})

    def written(self) -> dict[str, str]:
        """The keys in base64, by version."""
        return {version: base64.b64encode(key).decode() for version, key in self.keys.items()}

    def versions(self) -> KeyVersions:
        return KeyVersions(self.current, tuple(sorted(self.keys, key=int)))

    def wrap(self, tenant: str, data_key: bytes) -> WrappedKey:
        belongs_to = associated(_WRAPPED, tenant, self.current)
        return WrappedKey(
            self.current, seal(self._cipher(tenant, self.current), data_key, belongs_to)
        )

    def unwrap(self, tenant: str, wrapped: WrappedKey) -> bytes:
        """Raises KeyUnknown."""
        version = wrapped.version
        if version not in self.keys:
            raise KeyUnknown(f"version {version} of the tenant key is not among those here")
        belongs_to = associated(_WRAPPED, tenant, version)
        try:
            return open_sealed(self._cipher(tenant, version), wrapped.data, belongs_to)
        except InvalidTag:
            raise KeyUnknown(
                f"version {version} of the tenant key here is not the one that wrapped this key"
            ) from None

    def _cipher(self, tenant: str, version: str) -> AESGCM:
        info = associated(_DERIVED, tenant)
        derive = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info)
        return AESGCM(derive.derive(self.keys[version]))


def _key(version: str, text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"the key of version {version} is not base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"the key of version {version} is not {KEY_BYTES} bytes long")
    return key
