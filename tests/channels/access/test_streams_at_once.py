"""How many sockets and event streams a tenant, and one caller of it, may have at once."""

from contextlib import ExitStack

import pytest

from turnkeeper.errors import TooManyRequests
from turnkeeper.gateway.access.limits import Limits
from turnkeeper.gateway.access.principal import Principal


async def test_a_tenant_has_no_more_streams_than_it_may() -> None:
    limits, principal = Limits(max_streams=1), Principal("acme", frozenset())
    limits.require_stream(principal)
    with limits.streaming(principal), pytest.raises(Exception, match="too many"):
        limits.require_stream(principal)
    limits.require_stream(principal)


async def test_one_end_user_cannot_use_up_what_their_tenant_may() -> None:
    limits = Limits(opening_rate="20/minute", max_streams=12)
    eve, ann = (Principal("acme", frozenset(), caller=one) for one in ("eve", "ann"))
    agent = Principal("acme", frozenset())
    for _ in range(2):
        await limits.opening(eve)
    for _ in range(20):
        with pytest.raises(TooManyRequests):
            await limits.opening(eve)
    for other in (ann, agent):
        await limits.opening(other)
    with ExitStack() as held:
        for _ in range(10):
            limits.require_stream(eve)
            held.enter_context(limits.streaming(eve))
        with pytest.raises(TooManyRequests, match="too many"):
            limits.require_stream(eve)
        for other in (ann, agent):
            limits.require_stream(other)
            held.enter_context(limits.streaming(other))
        for one in (ann, agent):  # Twelve are the tenant's.
            with pytest.raises(TooManyRequests, match="too many"):
                limits.require_stream(one)
    limits.require_stream(eve)
    assert not limits._streams, "who has gone is not remembered"
