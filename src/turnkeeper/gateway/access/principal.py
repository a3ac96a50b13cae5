"""Who asks, once that is known: a tenant's program, or one caller of a tenant's."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import inf
from typing import Literal, Self, get_args

from turnkeeper.errors import Forbidden

Scope = Literal["talk", "read", "operate", "erase", "decode"]

SCOPES: dict[Scope, str] = {
    "talk": "Open a caller's form, send turns and hang up.",
    "read": "List sessions; read their state, transcript and events.",
    "operate": "Hand a session off, cancel it.",
    "erase": "Export what a session holds, and erase it.",
    "decode": "Ask the codec server for payloads in clear.",
}
"""What a principal may do, by the scope that lets it."""

assert tuple(SCOPES) == get_args(Scope)


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom a token or a key speaks for."""

    tenant: str
    """Whose sessions it reaches; every other tenant's are as if they were not there."""
    scopes: frozenset[Scope]
    caller: str | None = field(default=None, repr=False)
    """Of an end user's token: the one caller whose sessions it reaches."""
    key_id: str = ""
    """The key that vouched for it, for logs and limits; it names no person."""
    expires_at: float | None = None
    """When it ends, in seconds since 1970: a socket that it opened is closed then."""

    @property
    def seconds_left(self) -> float:
        """Until it ends; infinity where it does not by itself."""
        return inf if self.expires_at is None else max(0.0, self.expires_at - time.time())

    def require(self, *scopes: Scope) -> None:
        """Raises Forbidden where one of them is not its own."""
        lacking = sorted(set(scopes) - self.scopes)
        if lacking:
            raise Forbidden(f"this needs the scope {' and '.join(lacking)}")

    def narrowed(self, caller: str | None) -> Self:
        """The same for one caller alone, who may talk and read; for none it is as it was.

        Raises Forbidden: it is for another caller already.
        """
        if caller is None or caller == self.caller:
            return self
        if self.caller is not None:
            raise Forbidden("this token is for another caller")
        return replace(self, caller=caller, scopes=self.scopes & {"talk", "read"})


def known_scopes(named: Iterable[str]) -> frozenset[Scope]:
    """Those that are ours; a token may have others, for others."""
    wanted = set(named)
    return frozenset(scope for scope in SCOPES if scope in wanted)
