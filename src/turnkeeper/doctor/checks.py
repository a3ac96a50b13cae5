"""The table of checks, and how they are run: each to its end, whatever another one finds."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from temporalio.service import RPCError

from turnkeeper.doctor import here, server
from turnkeeper.doctor.finding import Examined, Finding, skipped, wrong
from turnkeeper.errors import TurnkeeperError

Check = Callable[[Examined], Awaitable[Finding]]

WITHIN = 10.0
"""Seconds that a check may take."""

OF_HERE: Mapping[str, Check] = {
    "settings": here.settings,
    "keys": here.keys,
    "key store": here.key_store,
    "codec": here.codec,
    "forms": here.forms,
    "gateway": here.gateway,
}
OF_THE_SERVER: Mapping[str, Check] = {
    "search attributes": server.search_attributes,
    "workers": server.workers,
    "sessions": server.sessions,
    "clock": server.clock,
}
"""What can't be asked where the namespace does not answer."""


async def examine(examined: Examined) -> list[Finding]:
    """What every check says, in the order of the tables, the server's first."""
    reached = await _checked("server", server.reached, examined)
    if reached.state == "ok":
        there = [await _checked(name, check, examined) for name, check in OF_THE_SERVER.items()]
    else:
        because = skipped("the server was not asked")
        there = [because.model_copy(update={"check": name}) for name in OF_THE_SERVER]
    local = [await _checked(name, check, examined) for name, check in OF_HERE.items()]
    return [reached, *there, *local]


async def _checked(name: str, check: Check, examined: Examined) -> Finding:
    """What the check says; where it can't be carried out, that is its finding."""
    try:
        async with asyncio.timeout(WITHIN):
            found = await check(examined)
    except TurnkeeperError as error:
        found = wrong(str(error), "mend what it says, and run this again")
    except RPCError as error:
        found = wrong(
            f"Temporal answers {error.status.name} ({error.message[:200]})",
            "see whether the credentials of TEMPORAL_* may ask this",
        )
    except TimeoutError:
        found = wrong(f"no answer within {WITHIN:.0f} s", "see whether it is overloaded or cut off")
    except Exception as error:  # Whoever runs this has a problem already.
        found = wrong(
            f"the check failed in a way that is a defect ({type(error).__name__})",
            "please report it",
        )
    return found.model_copy(update={"check": name})
