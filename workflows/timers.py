"""Timers that wake a session. They are never cancelled, and wait for their turn like a message.

What fires or comes in while a local activity crosses workflow tasks (`workflows.local`) does so
before the activity's result here, and after it in a replay. Were it the result that cancels a
timer, the replay would cancel one that fired; and what a timer did in between, the replay would do
later. So it is queued with the messages; and what is then due is due by the time it was set for,
since the clock is another there.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio import workflow

SHORTEST = timedelta(milliseconds=1)
"""A timer of nothing would never yield."""


class Timers:
    """The timers of a run.

    Args:
        lock: that messages take.
        act: does what was due by the time that it is called with.
    """

    def __init__(self, lock: asyncio.Lock, act: Callable[[datetime], None]) -> None:
        self._lock = lock
        self._act = act
        self._due: list[datetime] = []
        self._tasks: list[asyncio.Task[None]] = []

    def wake_by(self, at: datetime, summary: str) -> None:
        """Have one fire at `at`, unless another does sooner."""
        if not any(due <= at for due in self._due):
            self._due.append(at)
            self._tasks.append(asyncio.create_task(self._fire(at, summary)))

    def check(self) -> None:
        """Raises what `act` raised."""
        for task in [task for task in self._tasks if task.done()]:
            self._tasks.remove(task)
            task.result()

    async def _fire(self, at: datetime, summary: str) -> None:
        await workflow.sleep(max(at - workflow.now(), SHORTEST), summary=summary)
        async with self._lock:
            self._due.remove(at)  # Only now: a message before it counts on it.
            self._act(at)
