"""Changes of a session as server-sent events (HTML Living Standard, section 9.2)."""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing

from sse_starlette import EventSourceResponse, ServerSentEvent

from turnkeeper.errors import StoreUnavailable
from turnkeeper.gateway.events import Change
from turnkeeper.gateway.problems import problem_of

HEARTBEAT_SECONDS = 15
"""Between comments, against proxies that drop silent connections (the standard, 9.2.7)."""
RECONNECT_MILLISECONDS = 1000
"""After which a browser opens a stream again that was cut."""

_UNAVAILABLE = problem_of(
    StoreUnavailable("the session cannot be read; its state follows as soon as it can")
).model_dump_json(exclude_none=True)


def event_stream(changes: AsyncGenerator[Change, None]) -> EventSourceResponse:
    """The response that tells them, with a comment now and then in between."""
    return EventSourceResponse(
        _events(changes),
        sep="\n",
        ping=HEARTBEAT_SECONDS,
        ping_message_factory=lambda: ServerSentEvent(comment="", sep="\n"),
    )


async def _events(changes: AsyncGenerator[Change, None]) -> AsyncGenerator[ServerSentEvent, None]:
    async with aclosing(changes):
        async for change in changes:
            yield _event(change)


def _event(change: Change) -> ServerSentEvent:
    state = change.state
    if change.kind == "unavailable":
        return ServerSentEvent(_UNAVAILABLE, event="unavailable")
    if change.kind == "state" and state is not None:
        return ServerSentEvent(
            state.model_dump_json(exclude={"definition"}),
            event="state",
            id=str(state.version),
            retry=RECONNECT_MILLISECONDS,
        )
    return ServerSentEvent(json.dumps({"status": state and state.status}), event="end")
