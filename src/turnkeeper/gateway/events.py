"""What changes in a session, for all who watch it: one reader a session and gateway.

Temporal pushes nothing to a client, so a state is read again and again while somebody watches:
every `POLL_SECONDS`, and at once after a turn that came through this gateway. However many watch,
a session is read once; a slow watcher gets the newest state, not every one that was.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Literal, Self

from turnkeeper.client import VoiceSessions
from turnkeeper.contract import SessionState
from turnkeeper.dialogue.status import CLOSED
from turnkeeper.errors import SessionNotFound, StoreUnavailable
from turnkeeper.gateway.problems import traced
from turnkeeper.telemetry import logger

POLL_SECONDS = 1.0
"""Between two readings of a session whose turns come through another gateway."""
READS_PER_SECOND = 10
"""Of all sessions together: with more than so many watched, each is read less often. A reading
takes 17 ms where a turn takes 26 (benchmarks/README.md)."""

CURSOR = r"^([A-Za-z0-9_-]{1,64}\.)?[0-9]{1,10}$"
"""A `Cursor` on the wire."""

ChangeKind = Literal["state", "unavailable", "end"]

_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The newest state that a watcher has.

    Versions count anew in the caller's next session, so the session's epoch belongs to it. Watchers
    of earlier releases say a version alone: it is compared with that of any session.
    """

    version: int
    epoch: str = ""

    @classmethod
    def of(cls, state: SessionState) -> Self:
        return cls(state.version, state.epoch)

    @classmethod
    def read(cls, text: str) -> Self:
        """What `str` of one gave, or a version; `text` fits `CURSOR`."""
        epoch, _, version = text.rpartition(".")
        return cls(int(version), epoch)

    def __str__(self) -> str:
        return f"{self.epoch}.{self.version}" if self.epoch else str(self.version)

    def has(self, state: SessionState) -> bool:
        """Whether the state is this one, or an earlier one of its session."""
        return self.epoch in ("", state.epoch) and state.version <= self.version


@dataclass(frozen=True, slots=True)
class Change:
    """Something to tell a watcher.

    `state`: the session as it is now. `unavailable`: the store cannot be reached; another `state`
    follows when it can. `end`: the session has ended, as its `state` says, or is no longer kept.
    """

    kind: ChangeKind
    state: SessionState | None = None


class Feeds:
    """The sessions that somebody watches through this gateway."""

    def __init__(self, sessions: VoiceSessions, every: float = POLL_SECONDS) -> None:
        self.every = every  # Seconds between two readings, unless very many are watched.
        self._sessions = sessions
        self._feeds: dict[str, _Feed] = {}

    async def follow(
        self, first: SessionState, after: Cursor | None = None
    ) -> AsyncGenerator[Change, None]:
        """The changes of a session from the state `first`, which was just read.

        Args:
            first: told first, unless the watcher has it.
            after: the newest state that the watcher has.

        Ends after `end`, or without it when the gateway stops: watch again then.
        """
        feed = self._join(first)
        try:
            async for change in feed.changes(after):
                yield change
        finally:
            self._leave(feed)

    def changed(self, session_id: str, *, aware: int = 0) -> None:
        """Somebody changed it through this gateway: its watchers need not wait, unless there are no
        others than the `aware` ones, who know already."""
        feed = self._feeds.get(session_id)
        if feed is not None and feed.watchers > aware:
            feed.read_soon()

    def close(self) -> None:
        """The gateway stops: nobody is told anything more."""
        for feed in self._feeds.values():
            feed.close()

    def _join(self, first: SessionState) -> "_Feed":
        feed = self._feeds.get(first.session_id)
        if feed is None or feed.closed:
            feed = self._feeds[first.session_id] = _Feed(self._sessions, first, self._pause)
        feed.catch_up_with(first)
        feed.watchers += 1
        return feed

    def _pause(self) -> float:
        return max(self.every, len(self._feeds) / READS_PER_SECOND)

    def _leave(self, feed: "_Feed") -> None:
        feed.watchers -= 1
        if feed.watchers:
            return
        feed.stop()
        if self._feeds.get(feed.session_id) is feed:
            del self._feeds[feed.session_id]


class _Feed:
    """One session: its newest change, and the task that reads it while it has watchers."""

    def __init__(
        self, sessions: VoiceSessions, first: SessionState, pause: Callable[[], float]
    ) -> None:
        self.session_id = first.session_id
        self.watchers = 0
        self.closed = False
        self._sessions = sessions
        self._pause = pause
        self._state = first
        self._news = Change("state", first)
        self._told, self._due = asyncio.Event(), asyncio.Event()
        self._reading = asyncio.ensure_future(self._read_while_watched())

    async def changes(self, after: Cursor | None) -> AsyncGenerator[Change, None]:
        seen = self._news if after and self._is_known(after) else None
        while True:
            if self._news is not seen:
                seen = self._news
                yield seen
                if seen.kind == "end":
                    return
            elif _has_ended(seen):
                yield Change("end", seen.state)
                return
            elif self.closed:
                return
            else:
                await self._told.wait()

    def read_soon(self) -> None:
        self._due.set()

    def catch_up_with(self, state: SessionState) -> None:
        """Adopt `state` if it is newer; read again if it is another."""
        if _is_older(self._state, state):
            self._tell("state", state)
        elif state != self._state:
            self.read_soon()

    def close(self) -> None:
        """Let the watchers go."""
        self.closed = True
        self._wake()

    def stop(self) -> None:
        self._reading.cancel()

    def _is_known(self, after: Cursor) -> bool:
        return self._news.kind == "state" and after.has(self._state)

    async def _read_while_watched(self) -> None:
        try:
            while not (self.closed or _has_ended(self._news)):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._pause()):
                        await self._due.wait()
                self._due.clear()
                await self._read()
        except Exception as error:  # A defect: whoever watches begins anew rather than waits on.
            _log.error("a watched session cannot be read", **traced(error))
        finally:
            self.close()

    async def _read(self) -> None:
        before = self._state
        try:
            state = await self._sessions.state(self.session_id)
        except StoreUnavailable:
            self._tell("unavailable", None)
        except SessionNotFound:
            if self._state is before:  # Else it began while this was being read.
                self._tell("end", None)
        else:
            self._tell("state", state)

    def _tell(self, kind: ChangeKind, state: SessionState | None) -> None:
        if kind == self._news.kind and state in (None, self._state):
            return
        if state is not None and _is_older(state, self._state):
            return  # It was on its way while a newer one came in.
        self._state = state or self._state
        self._news = Change(kind, state)
        self._wake()

    def _wake(self) -> None:
        self._told.set()
        self._told = asyncio.Event()


def _has_ended(change: Change) -> bool:
    return change.kind == "end" or (change.state is not None and change.state.status in CLOSED)


def _is_older(state: SessionState, than: SessionState) -> bool:
    """Versions and legs count anew in the caller's next session."""
    if state.epoch != than.epoch:
        return state.created_at < than.created_at
    return (state.leg, state.version) < (than.leg, than.version)
