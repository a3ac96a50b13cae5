"""Fixtures of the durable tests, for adapters too: a real server, and a world a test."""

from tests.durable.conftest import client, server, sessions, world

__all__ = ["client", "server", "sessions", "world"]
