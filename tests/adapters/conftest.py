"""Fixtures of the durable tests and of the channels, for adapters too: a real server, a world a
test, and a stand of real processes."""

from tests.channels.conftest import channels
from tests.durable.conftest import client, server, sessions, world

__all__ = ["channels", "client", "server", "sessions", "world"]
