"""Events over HTTP: whoever watches a session sees its newest state, whatever happens meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from httpx_sse import ServerSentEvent, aconnect_sse

from tests.channels.http_calls import CALLER, FORM, Call, problem, ring
from tests.ids import id_of
from turnkeeper.contract import SessionState
from turnkeeper.errors import SessionNotFound
from turnkeeper.gateway.access.principal import Principal
from turnkeeper.gateway.access.ways import Open
from turnkeeper.gateway.app import create_app
from turnkeeper.gateway.events import Feeds
from turnkeeper.gateway.http.models import path_of
from turnkeeper.gateway.serve import DRAIN_SECONDS, listen, serve, url_of
from turnkeeper.testing import MemorySessions

PATIENCE_SECONDS = 20
NEVER = 3600.0
"""Between readings: what is seen all the same was seen at once."""


class Counted(MemorySessions):
    """Counts how often a state was read."""

    def __init__(self) -> None:
        super().__init__([FORM])
        self.reads = 0

    async def state(self, session_id: str) -> SessionState:
        self.reads += 1
        return await super().state(session_id)


@pytest.fixture
def sessions() -> Counted:
    return Counted()


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """The app on a real socket, and a client of it."""
    bound, up = listen("127.0.0.1", 0), asyncio.Event()
    url = url_of(bound)
    serving = asyncio.ensure_future(serve(app, bound, ready=up.set))
    await up.wait()
    try:
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS) as http:
            yield http
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving


@pytest_asyncio.fixture(loop_scope="session")
async def http(sessions: Counted) -> AsyncIterator[httpx.AsyncClient]:
    async with served(create_app(sessions, access=Open())) as http:
        yield http


class Watching:
    """A stream of events, read one by one."""

    def __init__(self, events: AsyncIterator[ServerSentEvent]) -> None:
        self._events = events

    async def next(self) -> ServerSentEvent:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await anext(self._events)

    async def state(self) -> SessionState:
        return (await self.known())[0]

    async def known(self) -> tuple[SessionState, str]:
        """The next state, and the id that it is told under."""
        event = await self.next()
        assert event.event == "state"
        return SessionState.model_validate_json(event.data), event.id


@asynccontextmanager
async def watching(
    http: httpx.AsyncClient, call: Call, *, seen: str = "", **query: str
) -> AsyncIterator[Watching]:
    headers = {"last-event-id": seen} if seen else {}
    url = f"{call.path}/events"
    async with aconnect_sse(http, "GET", url, params=query, headers=headers) as source:
        assert source.response.status_code == 200
        yield Watching(source.aiter_sse())


# --- over the wire --------------------------------------------------------------------------------


async def test_it_begins_with_the_state_as_it_is(http: httpx.AsyncClient) -> None:
    call = await ring(http)
    await call.turn("u1", "4321")
    async with watching(http, call) as events:
        state = await events.state()
        assert (state.form_answers, state.definition) == ({"policy": "4321"}, None)


async def test_a_turn_of_this_gateway_is_seen_before_the_next_reading(sessions: Counted) -> None:
    app = create_app(sessions, access=Open())
    app.state.gate.door(Principal("default", frozenset())).feeds.every = NEVER
    async with served(app) as http:
        call = await ring(http)
        async with watching(http, call) as events:
            await events.state()
            await call.turn("u1", "4321")
            assert (await events.state()).form_answers == {"policy": "4321"}
            await http.post(f"{call.path}/hangup", json={**call.leg, "reason": "dropped"})
            assert (await events.state()).legs[0].reason == "dropped"
            await ring(http)
            assert (await events.state()).leg == 2


async def test_a_turn_from_elsewhere_is_seen_too(
    http: httpx.AsyncClient, sessions: Counted
) -> None:
    call = await ring(http)
    async with watching(http, call) as events:
        await events.state()
        await sessions.attach(call.opened["session_id"], 1).turn("4321")
        assert (await events.state()).form_answers == {"policy": "4321"}


async def test_one_who_comes_back_misses_nothing(http: httpx.AsyncClient) -> None:
    call = await ring(http)
    async with watching(http, call) as events:
        _, seen = await events.known()
    await call.turn("u1", "4321")
    async with watching(http, call, seen=seen) as events:
        assert (await events.state()).form_answers == {"policy": "4321"}


@pytest.mark.parametrize("by", ["id", "version"])
async def test_after_a_state_only_newer_ones_are_told(http: httpx.AsyncClient, by: str) -> None:
    call = await ring(http)
    async with watching(http, call) as events:
        state, seen = await events.known()
    async with watching(http, call, after=seen if by == "id" else str(state.version)) as events:
        await call.turn("u1", "4321")
        assert (await events.state()).version > state.version


async def test_after_a_state_of_an_ended_session_the_next_one_is_told_from_its_beginning(
    http: httpx.AsyncClient,
) -> None:
    """Its versions begin anew: told by version alone, its first changes would pass for old ones."""
    call = await ring(http)
    await call.turn("u1", "4321")
    await http.post(f"{call.path}/cancel")
    async with watching(http, call) as events:
        last, seen = await events.known()
    begun = await ring(http)
    async with watching(http, begun, after=seen) as events:
        state = await events.state()
    assert state.epoch == begun.opened["epoch"] != last.epoch
    assert state.version < last.version


async def test_what_is_no_event_s_id_is_refused(http: httpx.AsyncClient) -> None:
    call = await ring(http)
    for after in ("x", "-1", "1.", ".1", "a b.1", "1" * 11, ""):
        refused = await http.get(f"{call.path}/events", params={"after": after})
        detail = problem(refused, 422, "invalid-input")["detail"]
        assert detail == "query.after: this is not such an id", after


async def test_it_ends_with_the_session_and_tells_a_browser_so(http: httpx.AsyncClient) -> None:
    call = await ring(http)
    async with watching(http, call) as events:
        await events.state()
        await http.post(f"{call.path}/cancel")
        last, seen = await events.known()
        end = await events.next()
        assert (last.status, end.event, end.json()) == ("cancelled", "end", {"status": "cancelled"})
        with pytest.raises(StopAsyncIteration):
            await events.next()
    for known in (seen, str(last.version)):
        again = await http.get(f"{call.path}/events", headers={"last-event-id": known})
        assert again.status_code == 204


async def test_a_store_that_cannot_be_reached_is_told_and_is_no_end(
    http: httpx.AsyncClient, sessions: Counted
) -> None:
    call = await ring(http)
    async with watching(http, call) as events:
        await events.state()
        with sessions.unreachable():
            told = await events.next()
            assert (told.event, told.json()["status"]) == ("unavailable", 503)
        assert (await events.state()).status == "collecting"
        await call.turn("u1", "4321")
        assert (await events.state()).form_answers == {"policy": "4321"}


async def test_what_cannot_be_read_is_no_stream(http: httpx.AsyncClient, sessions: Counted) -> None:
    call = await ring(http)
    problem(await http.get(f"{path_of(id_of('claim', 'nobody'))}/events"), 404, "session-not-found")
    with sessions.unreachable():
        problem(await http.get(f"{call.path}/events"), 503, "store-unavailable")


async def test_a_gateway_that_stops_does_not_wait_for_who_watches(sessions: Counted) -> None:
    """It lets them go, without `end`, long before it would cut them off (DRAIN_SECONDS)."""
    bound, up, clock = listen("127.0.0.1", 0), asyncio.Event(), asyncio.get_running_loop().time
    url = url_of(bound)
    serving = asyncio.ensure_future(serve(create_app(sessions, access=Open()), bound, ready=up.set))
    await up.wait()
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS) as http:
        call = await ring(http)
        async with watching(http, call) as events:
            await events.state()
            began = clock()
            serving.cancel()
            with pytest.raises(StopAsyncIteration):
                await events.next()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert clock() - began < DRAIN_SECONDS / 2


# --- one reader for all ---------------------------------------------------------------------------


async def test_however_many_watch_a_session_it_is_read_once(sessions: Counted) -> None:
    session = await sessions.open("claim", CALLER)
    feeds, first = Feeds(sessions, every=NEVER), await session.state()
    watchers = [feeds.follow(first) for _ in range(50)]
    assert {(await anext(one)).kind for one in watchers} == {"state"}
    sessions.reads = 0
    await session.turn("4321")
    feeds.changed(session.id)
    seen = [await anext(one) for one in watchers]
    assert {one.state.turns for one in seen if one.state} == {1}
    assert sessions.reads == 1
    for one in watchers:
        await one.aclose()


async def test_a_slow_watcher_gets_the_newest_state_and_not_every_one(sessions: Counted) -> None:
    session = await sessions.open("claim", CALLER)
    feeds, first = Feeds(sessions, every=0.01), await session.state()
    quick, slow = feeds.follow(first), feeds.follow(first)
    await anext(slow)
    for words in ("4321", "no", "4"):
        await session.turn(words)
        while (await anext(quick)).state != await session.state():
            pass
    newest = (await anext(slow)).state
    assert newest is not None
    assert newest.turns == 3
    await quick.aclose()
    await slow.aclose()


async def test_nobody_reads_when_the_last_watcher_has_gone(sessions: Counted) -> None:
    session = await sessions.open("claim", CALLER)
    feeds = Feeds(sessions, every=0.01)
    first = await session.state()
    one, other = feeds.follow(first), feeds.follow(first)
    await anext(one)
    await anext(other)
    await one.aclose()
    await session.turn("4321")
    assert (await anext(other)).kind == "state"  # The other goes on.
    await other.aclose()
    sessions.reads = 0
    await asyncio.sleep(0.1)  # Ten readings, if anybody read.
    assert sessions.reads == 0


async def test_a_reader_that_fails_lets_its_watchers_go(sessions: Counted) -> None:
    """They begin anew and are told what is wrong, rather than to wait for ever."""

    class Broken(Counted):
        async def state(self, session_id: str) -> SessionState:
            raise RuntimeError

    first = await (await sessions.open("claim", CALLER)).state()
    told = [change.kind async for change in Feeds(Broken(), every=0.01).follow(first)]
    assert told == ["state"]


async def test_a_session_that_is_deleted_ends_for_who_watches_it(sessions: Counted) -> None:
    class Deleted(Counted):
        async def state(self, session_id: str) -> SessionState:
            raise SessionNotFound("it was deleted")

    first = await (await sessions.open("claim", CALLER)).state()
    async with asyncio.timeout(PATIENCE_SECONDS):
        told = [change.kind async for change in Feeds(Deleted(), every=0.01).follow(first)]
    assert told == ["state", "end"]


async def test_who_joins_with_a_newer_state_is_not_told_the_older_one(sessions: Counted) -> None:
    session = await sessions.open("claim", CALLER)
    feeds, older = Feeds(sessions, every=NEVER), await session.state()
    watcher = feeds.follow(older)
    await anext(watcher)
    await sessions.open("claim", CALLER)
    joined = feeds.follow(await session.state())
    for one in (joined, watcher):
        told = (await anext(one)).state
        assert told is not None
        assert told.leg == 2
        await one.aclose()


async def test_a_reading_that_a_newer_state_overtook_is_told_to_nobody() -> None:
    """It was on its way when the caller opened a newer leg and whoever did so began to watch."""

    class Slow(Counted):
        def __init__(self) -> None:
            super().__init__()
            self.held: asyncio.Future[None] | None = None
            self.holding = asyncio.Event()

        async def state(self, session_id: str) -> SessionState:
            state = await super().state(session_id)
            if self.held is not None:
                held, self.held = self.held, None
                self.holding.set()
                await held
            return state

    sessions = Slow()
    session = await sessions.open("claim", CALLER)
    feeds, older = Feeds(sessions, every=NEVER), await session.state()
    watcher = feeds.follow(older)
    await anext(watcher)
    held = sessions.held = asyncio.get_running_loop().create_future()
    feeds.changed(session.id)
    await sessions.holding.wait()
    newer = await sessions.open("claim", CALLER)
    joined = feeds.follow(await newer.state())
    assert [(await anext(one)).state for one in (joined, watcher)] == [await newer.state()] * 2
    held.set_result(None)
    await newer.turn("4321")
    feeds.changed(session.id)
    told = (await anext(joined)).state
    assert told is not None
    assert (told.leg, told.turns) == (2, 1)
    for one in (joined, watcher):
        await one.aclose()
