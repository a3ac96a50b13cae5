"""How much a tenant, one caller of a tenant and a stranger may ask of one gateway process.

Counts are of this process: with several gateways behind a balancer each allows as much. Who wants
one limit for all has it in the balancer.
"""

import ipaddress
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from turnkeeper.errors import TooManyRequests
from turnkeeper.gateway.access.principal import Principal
from turnkeeper.settings import MAX_STREAMS, OPENING_RATE, RATE, Settings

PER_CALLER = parse("20/second")
"""Requests of one end user: a person speaks once in a second or two."""
OPENINGS_PER_CALLER = parse("2/second")
STREAMS_PER_CALLER = 10
"""Of one end user, who has a few tabs and devices: nobody uses up what their tenant may."""
FAILURES = "30/minute"
"""Refused tokens from one address (IPv6: one network of 64 bits), until it is told to wait."""
WAITING_PER_ADDRESS = 100
"""Sockets from one address (IPv6: one network) whose first message is still to come: a platform's
come with it at once, and it makes its calls from a few addresses."""
WAITING = 1_000
"""Such sockets in all. Each may have sent 256 KiB that nobody has read."""
KEPT = 4_000
"""Counters that are kept; over that, all begin anew. The library looks at all of them each time."""

Whose = tuple[str, str | None]
"""A tenant, and one caller of it or all of them."""


class Limits:
    """The counters of one gateway. The first arguments are the settings of these names."""

    def __init__(
        self,
        rate: str = RATE,
        opening_rate: str = OPENING_RATE,
        max_streams: int = MAX_STREAMS,
        failures: str = FAILURES,
    ) -> None:
        self._requests = parse(rate)
        self._openings = parse(opening_rate)
        self._failures = parse(failures)
        self._most_streams = max_streams
        self._streams: Counter[Whose] = Counter()
        self._waiting: Counter[str] = Counter()
        self._storage = MemoryStorage()
        self._strangers = MemoryStorage()

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        return cls(settings.rate, settings.opening_rate, settings.max_streams)

    async def request(self, principal: Principal) -> None:
        """One request, or one message on a socket. Raises TooManyRequests."""
        tenant = principal.tenant
        if principal.caller is not None:
            await _hit(self._storage, PER_CALLER, "caller", tenant, principal.caller)
        await _hit(self._storage, self._requests, "tenant", tenant)

    async def opening(self, principal: Principal) -> None:
        """One leg more. Raises TooManyRequests."""
        tenant = principal.tenant
        if principal.caller is not None:
            await _hit(self._storage, OPENINGS_PER_CALLER, "opener", tenant, principal.caller)
        await _hit(self._storage, self._openings, "openings", tenant)

    async def failure(self, address: str) -> None:
        """One more token from there that is good for nothing. Raises TooManyRequests."""
        await _hit(self._strangers, self._failures, *_failures_of(address))

    async def require_no_failures(self, address: str) -> None:
        """Raises TooManyRequests where there were too many: nothing is looked up for that one."""
        counted = SlidingWindowCounterRateLimiter(self._strangers)
        if not await counted.test(self._failures, *_failures_of(address)):
            raise _over(self._failures)

    def require_stream(self, principal: Principal) -> None:
        """Raises TooManyRequests where no more sockets and event streams are to be opened."""
        for who, whose, most in self._streams_of(principal):
            if self._streams[whose] >= most:
                raise TooManyRequests(f"this {who} has too many sockets and event streams open", 5)

    @contextmanager
    def streaming(self, principal: Principal) -> Iterator[None]:
        """Counts a socket or an event stream, while it lasts."""
        counted = Counter(whose for _, whose, _ in self._streams_of(principal))
        self._streams += counted
        try:
            yield
        finally:
            self._streams -= counted  # What is zero goes.

    @contextmanager
    def waiting(self, address: str) -> Iterator[None]:
        """Counts a socket from there, until it has said whose it is. Raises TooManyRequests."""
        whose = _network(address)
        if self._waiting[whose] >= WAITING_PER_ADDRESS or self._waiting.total() >= WAITING:
            raise TooManyRequests("too many sockets wait for their first message", 5)
        counted = Counter([whose])
        self._waiting += counted
        try:
            yield
        finally:
            self._waiting -= counted

    def _streams_of(self, principal: Principal) -> Iterator[tuple[str, Whose, int]]:
        """Who it is, under what that one's are counted, and how many they may have."""
        if principal.caller is not None:
            yield "caller", (principal.tenant, principal.caller), STREAMS_PER_CALLER
        yield "tenant", (principal.tenant, None), self._most_streams


async def _hit(storage: MemoryStorage, item: RateLimitItem, *whom: str) -> None:
    if len(storage.storage) > KEPT:
        await storage.reset()
    counted = SlidingWindowCounterRateLimiter(storage)
    if not await counted.hit(item, *whom):
        raise _over(item)


def _over(item: RateLimitItem) -> TooManyRequests:
    return TooManyRequests(f"over the limit of {item}: send less", float(item.get_expiry()))


def _failures_of(address: str) -> tuple[str, str]:
    return "failures", _network(address)


def _network(address: str) -> str:
    """An IPv6 user has a network of their own, and any address in it."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:  # A socket file, a test client.
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address
