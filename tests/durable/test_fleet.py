"""Many sessions of a real server: found by where they stand, counted, and done to at once."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.durable.test_cli import Commands, Ran, run
from turnkeeper.backend import Sought
from turnkeeper.client import VoiceSessions

__all__ = ["run"]

WITHIN = 20.0


async def until(sessions: VoiceSessions, sought: Sought, count: int) -> None:
    """Returns when Temporal's list has as many: it is a moment behind."""
    async with asyncio.timeout(WITHIN):
        while await sessions.count(sought) != count:
            await asyncio.sleep(0.05)


async def test_those_at_a_field_are_found_counted_and_handed_off_and_no_others(
    sessions: VoiceSessions, run: Commands
) -> None:
    at_policy = [await sessions.open("claim", f"new-{n}") for n in range(3)]
    further = await sessions.open("claim", "further")
    await further.turn("1234")
    for session in (*at_policy, further):
        await session.hang_up()  # It settles the field that is asked.
    await until(sessions, Sought(field="policy"), 3)
    await until(sessions, Sought(field="theft"), 1)
    now = datetime.now(UTC)
    assert await sessions.count(Sought(begun_before=now)) == 4
    assert await sessions.count(Sought(begun_before=now - timedelta(hours=1))) == 0

    counted, handed = await asyncio.gather(
        run("sessions", "count", "--form", "claim", "--json"),
        run("sessions", "hand-off", "--field", "policy", "--yes", "--json"),
    )
    assert document(counted)["all"] == 4
    assert set(document(handed)["done"]) == {session.id for session in at_policy}
    states = [await sessions.state(session.id) for session in (*at_policy, further)]
    assert [state.status for state in states] == [*["handed_off"] * 3, "collecting"]

    await until(sessions, Sought(status="handed_off"), 3)
    query = "TurnkeeperStatus = 'handed_off' OR TurnkeeperStatus = 'collecting'"
    assert len([row async for row in sessions.find(Sought(query=query, running=True))]) == 4
    wrong = await run("sessions", "list", "--query", "TurnkeeperStatus =")
    assert "'TurnkeeperStatus =' is no list filter of Temporal's: " in wrong.sentence()


def document(ran: Ran) -> dict[str, Any]:
    assert ran.status == 0, ran
    found: dict[str, Any] = json.loads(ran.out)
    return found
