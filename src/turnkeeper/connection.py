"""One way to Temporal, for clients, workers and commands alike.

Where it is comes from `temporalio.envconfig`: a TOML profile shared with the `temporal` command,
`TEMPORAL_*` variables on top; what is passed here goes before both. Whether what is sent is
encrypted, and with which keys, is in Turnkeeper's own settings.
"""

import re
from collections.abc import Sequence

from temporalio.client import Client, Plugin
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.service import GrpcCompression

from turnkeeper.errors import SettingsError
from turnkeeper.security.converter import data_converter
from turnkeeper.settings import Settings, read_settings

DEFAULT_ADDRESS, DEFAULT_NAMESPACE = "localhost:7233", "default"
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]+):(?P<port>\d{1,5})")


def target(address: str | None = None) -> str:
    """The address that `connect` would use."""
    return address or _profile().get("target_host") or DEFAULT_ADDRESS


def target_namespace(namespace: str | None = None) -> str:
    """The namespace that `connect` would use."""
    return namespace or _profile().get("namespace") or DEFAULT_NAMESPACE


async def connect(
    address: str | None = None,
    namespace: str | None = None,
    *,
    settings: Settings | None = None,
    lazy: bool = False,
    plugins: Sequence[Plugin] = (),
) -> Client:
    """A client that speaks Turnkeeper's messages.

    Args:
        address: `host:port` of Temporal's frontend.
        namespace: Temporal namespace.
        settings: name the keys and the tenant; those of the environment when not given.
        lazy: connect at the first call; a worker's client can't be lazy.

    Raises:
        SettingsError: the profile or a `TEMPORAL_*` variable can't be read, the address is none,
            or the keys can't be used.
        RuntimeError: not lazy, and nothing answers at the address.
    """
    config = _profile()
    config["target_host"] = _checked(address or config.get("target_host") or DEFAULT_ADDRESS)
    if namespace:
        config["namespace"] = namespace
    return await Client.connect(
        **config,
        data_converter=data_converter(settings or read_settings()),
        # A turn is a packet or two: gzip took 0.6 ms of it and saved nothing.
        grpc_compression=GrpcCompression.NONE,
        lazy=lazy,
        plugins=list(plugins),
    )


def _checked(address: str) -> str:
    """The address if it is one: the SDK finds out at the first call only, with a ValueError."""
    parts = _ADDRESS.fullmatch(address)
    if parts is None or int(parts["port"]) > 65535:
        raise SettingsError(f"the address {address!r} is not host:port, such as {DEFAULT_ADDRESS}")
    return address


def _profile() -> ClientConnectConfig:
    try:
        return ClientConfig.load_client_connect_config()
    except (RuntimeError, ValueError, OSError) as error:
        raise SettingsError(f"Temporal's settings (TEMPORAL_* or its TOML file): {error}") from None
