"""`/livez` and `/readyz`: what Kubernetes, Compose and load balancers ask of a process.

`/livez` is 200 while the process answers at all: a server that is away is no reason to restart it.
`/readyz` is 200 where every check passes and 503 elsewhere, with each check in the body:

    {"status": "not ready", "checks": {"temporal": "failing", "pollers": "ok"}}

Both are open to everyone, so they say no more than that. Why a check fails is in the log, once.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from turnkeeper.errors import TurnkeeperError
from turnkeeper.telemetry import logger

LIVEZ, READYZ = "/livez", "/readyz"
PATHS = frozenset({LIVEZ, READYZ})
GOOD_FOR = 1.0
"""Seconds: whoever asks more often costs Temporal nothing."""
WITHIN = 3.0
"""Seconds that a check may take; the probes of deploy/ wait four and five."""

Check = Callable[[], Awaitable[None]]
"""Raises a `TurnkeeperError` where something is not as it must be."""

_log = logger(__name__)


class Readiness:
    """Whether a process can do its work. However many ask at once, a check runs once.

    Args:
        checks: by the name that the answer has for each.
        good_for: seconds for which an answer is given again.
    """

    def __init__(self, checks: Mapping[str, Check], good_for: float = GOOD_FOR) -> None:
        self._checks = checks
        self._good_for = good_for
        self._failing: dict[str, bool] = {}
        self._good_until = 0.0
        self._asking = asyncio.Lock()

    async def failing(self) -> Mapping[str, bool]:
        """Each check, and whether it fails."""
        async with self._asking:
            if time.monotonic() >= self._good_until:
                names = list(self._checks)
                found = await asyncio.gather(*map(self._fails, names))
                self._failing = dict(zip(names, found, strict=True))
                self._good_until = time.monotonic() + self._good_for
            return self._failing

    async def _fails(self, name: str) -> bool:
        try:
            async with asyncio.timeout(WITHIN):
                await self._checks[name]()
        except (TurnkeeperError, TimeoutError) as error:
            if not self._failing.get(name):
                # A TurnkeeperError's text never holds an answer or a caller.
                _log.warning("not ready", reason=f"{name}: {str(error) or 'it took too long'}")
            return True
        if self._failing.get(name):
            _log.info("ready again", reason=name)
        return False


def routes(checks: Mapping[str, Check]) -> list[Route]:
    """The two addresses, to be put before all others of an application."""
    readiness = Readiness(checks)

    async def livez(request: Request) -> Response:
        return _answer(200, {"status": "live"})

    async def readyz(request: Request) -> Response:
        failing = await readiness.failing()
        ready = not any(failing.values())
        told = {name: "failing" if fails else "ok" for name, fails in failing.items()}
        status = "ready" if ready else "not ready"
        return _answer(200 if ready else 503, {"status": status, "checks": told})

    return [Route(LIVEZ, livez), Route(READYZ, readyz)]


def _answer(status: int, body: Mapping[str, object]) -> Response:
    return JSONResponse(body, status, headers={"Cache-Control": "no-store"})
