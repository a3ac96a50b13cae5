"""One way to Temporal, for clients, workers and commands alike.

Where it is comes from `temporalio.envconfig`: a TOML profile shared with the `temporal` command,
`TEMPORAL_*` variables on top; what is passed here goes before both. Whether what is sent is
encrypted, and with which keys, is in Turnkeeper's own settings.
"""

import asyncio
import re
from collections.abc import Sequence

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client, Plugin
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.service import GrpcCompression, RPCError

from turnkeeper.errors import SettingsError, StoreUnavailable
from turnkeeper.security.converter import data_converter
from turnkeeper.settings import Settings, read_settings
from turnkeeper.telemetry.traces import tracing

DEFAULT_ADDRESS, DEFAULT_NAMESPACE = "localhost:7233", "default"
ANSWER_SECONDS = 2.0
"""How long a question about the server itself may take."""
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]+):(?P<port>\d{1,5})")


def target(address: str | None = None) -> str:
    """The address that `connect` would use."""
    return address or _profile().get("target_host") or DEFAULT_ADDRESS


def target_namespace(namespace: str | None = None, settings: Settings | None = None) -> str:
    """The namespace that `connect` would use."""
    of_tenant = settings.namespace if settings is not None else None
    return namespace or of_tenant or _profile().get("namespace") or DEFAULT_NAMESPACE


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
        namespace: Temporal namespace; by default the tenant's own, where the setting
            `TURNKEEPER_TENANT_NAMESPACE` gives it one, and else what envconfig says.
        settings: name the keys and the tenant; those of the environment when not given.
        lazy: connect at the first call; a worker's client can't be lazy.

    Raises:
        SettingsError: the profile or a `TEMPORAL_*` variable can't be read, the address is none,
            or the keys can't be used.
        RuntimeError: not lazy, and nothing answers at the address.
    """
    settings = settings or read_settings()
    config = _profile()
    config["target_host"] = _checked(address or config.get("target_host") or DEFAULT_ADDRESS)
    config["namespace"] = target_namespace(namespace, settings)
    return await Client.connect(
        **config,
        data_converter=data_converter(settings),
        # A turn is a packet or two: gzip took 0.6 ms of it and saved nothing.
        grpc_compression=GrpcCompression.NONE,
        lazy=lazy,
        plugins=[*plugins, *tracing()],
    )


async def require_namespace(client: Client) -> None:
    """Asks Temporal once for the client's namespace.

    Raises StoreUnavailable where it does not answer, or has no such namespace for this client.
    """
    asked = DescribeNamespaceRequest(namespace=client.namespace)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await client.workflow_service.describe_namespace(asked)
    except RPCError as error:
        raise StoreUnavailable(f"Temporal answers {error.status.name}") from error
    except (RuntimeError, TimeoutError) as error:  # RuntimeError: a lazy client finds no server
        raise StoreUnavailable("Temporal does not answer") from error


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
