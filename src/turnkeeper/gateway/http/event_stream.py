"""Changes of a session as server-sent events (HTML Living Standard, section 9.2)."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from sse_starlette import EventSourceResponse, ServerSentEvent

from turnkeeper.contract import SessionState
from turnkeeper.errors import StoreUnavailable
from turnkeeper.gateway.doorway import Doorway
from turnkeeper.gateway.events import Change, Cursor
from turnkeeper.gateway.problems import problem_of

HEARTBEAT_SECONDS = 15
"""Between comments, against proxies that drop silent connections (the standard, 9.2.7)."""
LONGEST_SECONDS = 15 * 60
"""A stream ends then, and is opened again by who may still: keys are revoked, tokens run out."""
RECONNECT_MILLISECONDS = 1000
"""After which a browser opens a stream again that was cut."""

_UNAVAILABLE = problem_of(
    StoreUnavailable("the session cannot be read; its state follows as soon as it can")
).model_dump_json(exclude_none=True)


def event_stream(door: Doorway, first: SessionState, after: Cursor | None) -> EventSourceResponse:
    """The response that tells what changes from the state `first` on, with a comment now and then
    in between; `after` is the newest state that the watcher has."""
    return EventSourceResponse(
        _events(door, door.feeds.follow(first, after)),
        sep="\n",
        ping=HEARTBEAT_SECONDS,
        ping_message_factory=lambda: ServerSentEvent(comment="", sep="\n"),
    )


async def _events(
    door: Doorway, changes: AsyncGenerator[Change, None]
) -> AsyncGenerator[ServerSentEvent, None]:
    until = time.monotonic() + min(LONGEST_SECONDS, door.principal.seconds_left)
    with door.limits.streaming(door.principal):
        async with aclosing(changes):
            while (change := await _next(changes, until)) is not None:
                yield _event(change)


async def _next(changes: AsyncGenerator[Change, None], until: float) -> Change | None:
    """None when there is nothing more, or the time is over."""
    try:
        async with asyncio.timeout(until - time.monotonic()):
            return await anext(changes, None)
    except TimeoutError:
        return None


def _event(change: Change) -> ServerSentEvent:
    state = change.state
    if change.kind == "unavailable":
        return ServerSentEvent(_UNAVAILABLE, event="unavailable")
    if change.kind == "state" and state is not None:
        return ServerSentEvent(
            state.model_dump_json(exclude={"definition"}),
            event="state",
            id=str(Cursor.of(state)),
            retry=RECONNECT_MILLISECONDS,
        )
    return ServerSentEvent(json.dumps({"status": state and state.status}), event="end")
