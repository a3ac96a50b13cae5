"""Tenant keys from an environment variable, as container platforms hand secrets over.

`1:BASE64,2:BASE64`: the last one is current. A new version reaches processes one after the other,
so it is first put before the current one, where it only unwraps, and moved to the end once every
process has it.
"""

import os

from turnkeeper.errors import SettingsError
from turnkeeper.security.keys import KeyVersions, WrappedKey
from turnkeeper.security.master_keys import MasterKeys


class EnvironmentKeys:
    """The keys in the variable `name`, read once: a process's environment doesn't change.

    Raises SettingsError where it holds none.
    """

    def __init__(self, name: str) -> None:
        pairs = [pair.strip().partition(":") for pair in os.environ.get(name, "").split(",")]
        keys = {version: key for version, _, key in pairs}
        try:
            if len(keys) < len(pairs):
                raise ValueError("a version stands there twice")
            self._keys = MasterKeys.read(pairs[-1][0], keys)
        except ValueError as error:
            raise SettingsError(
                f"the variable {name} that TURNKEEPER_KEYS names must hold keys as"
                f" 1:BASE64,2:BASE64: {error}"
            ) from None

    async def wrap(self, tenant: str, data_key: bytes) -> WrappedKey:
        return self._keys.wrap(tenant, data_key)

    async def unwrap(self, tenant: str, wrapped: WrappedKey) -> bytes:
        return self._keys.unwrap(tenant, wrapped)

    async def versions(self) -> KeyVersions:
        return self._keys.versions()
