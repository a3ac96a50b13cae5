"""What the tests of who is let in share: how a refusal looks, and a key that is taken back."""

from tests.channels.streaming import Caller, Gateway, problem
from turnkeeper.contract import DEFAULT_TENANT
from turnkeeper.errors import StoreUnavailable, Unauthenticated
from turnkeeper.gateway.access.principal import Principal

TALKS = Principal(DEFAULT_TENANT, frozenset({"talk"}), key_id="tests")
NOT_LET_IN = (4401, "not authenticated")


async def is_empty(gateway: Gateway) -> bool:
    """Whether nothing was opened."""
    return [session async for session in gateway.sessions.list()] == []


async def refused(line: Caller) -> None:
    """The client is told that it is not let in, or may not talk, and nothing else."""
    error = await line.hears()
    assert problem(error) in ("unauthenticated", "forbidden")
    if problem(error) == "unauthenticated":
        assert await line.closed() == NOT_LET_IN


class Revocable:
    """A key that is taken back, and a database that is away."""

    def __init__(self) -> None:
        self.is_live, self.is_reachable = True, True

    async def principal(self, token: str | None) -> Principal:
        if not self.is_reachable:
            raise StoreUnavailable("the key store cannot be reached (a test said so)")
        if not self.is_live or token is None:
            raise Unauthenticated("the key was revoked")
        return TALKS
