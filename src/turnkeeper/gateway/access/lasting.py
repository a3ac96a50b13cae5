"""For how long an open socket is let in: its token may end, or be revoked, while it is open."""

from turnkeeper.errors import StoreUnavailable, Unauthenticated
from turnkeeper.gateway.access.principal import Principal
from turnkeeper.gateway.access.tickets import PREFIX
from turnkeeper.gateway.access.ways import Access

CHECKED_SECONDS = 60.0
"""How often the token of an open socket is looked at again: it may have been revoked."""


def pause(principal: Principal) -> float:
    """Seconds until `still_good` is to be asked again."""
    return min(CHECKED_SECONDS, principal.seconds_left)


async def still_good(access: Access, principal: Principal, token: str | None) -> bool:
    """Whether the token that a socket was opened with, as `principal`, is good. A ticket is, as
    long as what it was made with has not expired."""
    if principal.seconds_left <= 0:
        return False
    if token is None or token.startswith(PREFIX):
        return True
    try:
        await access.principal(token)
    except Unauthenticated:
        return False
    except StoreUnavailable:  # Nothing is known; it was good a minute ago.
        return True
    return True
