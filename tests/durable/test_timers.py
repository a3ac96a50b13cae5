"""Idle sessions are abandoned, long ones expire, stale ones are offered again: on a real server
whose clock is moved ahead."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio
from temporalio.common import SearchAttributeKey
from temporalio.testing import WorkflowEnvironment

from tests.durable.conftest import World
from turnkeeper.client import VoiceSession, VoiceSessions
from turnkeeper.contract import ATTRIBUTE_FIELD, STORE_FORM
from turnkeeper.forms.model import Stale
from turnkeeper.store import SessionStore
from turnkeeper.temporal import TemporalBackend
from worker.attributes import register_search_attributes
from worker.server import find_temporal
from workflows.display import SETTLING

MINUTE = timedelta(minutes=1)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def environment() -> AsyncIterator[WorkflowEnvironment]:
    async with await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=str(find_temporal()),
        dev_server_extra_args=[
            "--dynamic-config-value",
            "frontend.WorkflowTimeSkippingEnabled=true",
        ],
    ) as environment:
        yield environment


class Ahead:
    """A world whose sessions' time can be moved ahead."""

    def __init__(self, world: World, environment: WorkflowEnvironment, sessions: VoiceSessions):
        self.world = world
        self.environment = environment
        self.sessions = sessions

    def change_form(self, **changes: object) -> None:
        self.world.forms["claim"] = self.world.forms["claim"].model_copy(update=changes)

    async def open(self, caller: str = "+14155550101") -> VoiceSession:
        with self.environment.with_time_skipping_disabled():
            return await self.sessions.open("claim", caller=caller)

    @asynccontextmanager
    async def listed(self) -> AsyncIterator[VoiceSession]:
        """A session on a worker that keeps the search attributes."""
        world = replace(
            self.world, settings=self.world.settings.model_copy(update={"task_queue": "listed"})
        )
        backend = TemporalBackend(world.client, "listed")
        async with world.worker(), VoiceSessions(backend, world.settings) as sessions:
            with self.environment.with_time_skipping_disabled():
                session = await sessions.open("claim", caller="+14155550102")
            yield session

    async def forward(self, session_id: str, by: timedelta) -> None:
        await self.environment.fast_forward(self.world.handle(session_id), by)


@pytest_asyncio.fixture(loop_scope="session")
async def ahead(world: World, environment: WorkflowEnvironment) -> AsyncIterator[Ahead]:
    from temporalio.contrib.pydantic import pydantic_data_converter

    client = await environment.connect_client(data_converter=pydantic_data_converter)
    world.client = client
    async with world.worker(searchable=False):
        backend = TemporalBackend(client, world.settings.task_queue)
        async with VoiceSessions(backend, world.settings) as sessions:
            yield Ahead(world, environment, sessions)


async def test_a_session_without_a_turn_for_long_is_abandoned_with_its_answers(
    ahead: Ahead,
) -> None:
    session = await ahead.open()
    await session.turn("4321")
    await ahead.forward(session.id, timedelta(days=7) + MINUTE)
    state = await session.state()
    assert (state.status, state.form_answers) == ("abandoned", {"policy": "4321"})


async def test_a_session_that_was_handed_off_is_abandoned_in_time_with_its_answers(
    ahead: Ahead,
) -> None:
    session = await ahead.open()
    await session.turn("4321")
    await session.turn("operator")
    await ahead.forward(session.id, timedelta(days=6))
    assert (await session.state()).status == "handed_off"
    await ahead.forward(session.id, timedelta(days=1, minutes=5))
    state = await session.state()
    assert (state.status, state.form_answers) == ("abandoned", {"policy": "4321"})


async def test_a_session_that_was_handed_off_expires(ahead: Ahead) -> None:
    ahead.change_form(expire_after=timedelta(days=5))
    session = await ahead.open()
    await session.hand_off()
    await ahead.forward(session.id, timedelta(days=5, minutes=5))
    assert (await session.state()).status == "expired"


async def test_a_turn_in_between_keeps_a_session_from_being_abandoned(ahead: Ahead) -> None:
    session = await ahead.open()
    await ahead.forward(session.id, timedelta(days=6))
    await session.turn("4321")
    await ahead.forward(session.id, timedelta(days=6))
    assert (await session.state()).status == "collecting"
    await ahead.forward(session.id, timedelta(days=1, minutes=5))
    assert (await session.state()).status == "abandoned"


async def test_a_session_expires_however_many_turns_it_has(ahead: Ahead) -> None:
    ahead.change_form(expire_after=timedelta(days=10))
    session = await ahead.open()
    await ahead.forward(session.id, timedelta(days=6))
    await session.turn("4321")
    await ahead.forward(session.id, timedelta(days=4, minutes=5))
    assert (await session.state()).status == "expired"


async def test_a_caller_after_an_abandoned_session_begins_anew(ahead: Ahead) -> None:
    session = await ahead.open()
    await session.turn("4321")
    await ahead.forward(session.id, timedelta(days=8))
    again = await ahead.open()
    assert not again.restored
    assert (await again.state()).form_answers == {}


@pytest.mark.parametrize("yes", [True, False])
async def test_a_stale_session_asks_whether_to_go_on(ahead: Ahead, yes: bool) -> None:
    ahead.change_form(stale=Stale(after=timedelta(hours=24), policy="ask"))
    session = await ahead.open()
    await session.turn("4321")
    await ahead.forward(session.id, timedelta(days=3))
    again = await ahead.open()
    assert again.restored
    assert "3 days ago" in again.reply.say
    await again.turn("yes" if yes else "no")
    state = await again.state()
    assert state.form_answers == ({"policy": "4321"} if yes else {})
    assert state.discarded == (() if yes else ({"policy": "4321"},))


async def test_a_stale_session_that_restarts_keeps_what_it_threw_away(ahead: Ahead) -> None:
    ahead.change_form(stale=Stale(after=timedelta(hours=24), policy="restart"))
    session = await ahead.open()
    await session.turn("4321")
    await ahead.forward(session.id, timedelta(days=2))
    again = await ahead.open()
    assert again.reply.say == "Hello. Policy number?"
    state = await again.state()
    assert (state.form_answers, state.discarded) == ({}, ({"policy": "4321"},))


async def test_a_session_that_is_not_stale_yet_just_goes_on(ahead: Ahead) -> None:
    ahead.change_form(stale=Stale(after=timedelta(hours=24), policy="restart"))
    session = await ahead.open()
    await session.turn("4321")
    await ahead.forward(session.id, timedelta(hours=23))
    assert (await ahead.open()).restored


async def test_a_shown_session_is_begun_anew_once_it_is_no_longer_kept(ahead: Ahead) -> None:
    ahead.change_form(again="show", keep_for=timedelta(days=2))
    session = await ahead.open()
    await session.turn(answers={"policy": "4321", "theft": False, "day": "2026-03-01"})
    await session.turn("yes")
    await ahead.forward(session.id, timedelta(days=1))
    assert (await ahead.open()).reply.status == "completed"
    await ahead.forward(session.id, timedelta(days=2, minutes=5))
    assert (await ahead.open()).reply.status == "collecting"


async def test_a_stored_record_is_gone_after_its_time_to_live(ahead: Ahead) -> None:
    store = SessionStore(ahead.sessions, ttl=timedelta(hours=1))
    with ahead.environment.with_time_skipping_disabled():
        await store.set("user-42", {"city": "Oslo"})
    await ahead.forward(await ahead.sessions.session_id(STORE_FORM, "user-42"), timedelta(hours=2))
    assert await store.get("user-42") is None


async def test_a_list_of_sessions_is_two_minutes_behind_a_caller_who_talks(ahead: Ahead) -> None:
    await register_search_attributes(ahead.world.client)
    async with ahead.listed() as session:
        await session.turn("4321")
        await session.turn("no")
        assert await asked(ahead, session) == "policy"
        await ahead.forward(session.id, SETTLING + MINUTE)
        assert await asked(ahead, session) == "day"
        await session.hang_up()


async def test_when_the_caller_goes_the_list_says_at_once_where_they_stood(ahead: Ahead) -> None:
    await register_search_attributes(ahead.world.client)
    async with ahead.listed() as session:
        await session.turn("4321")
        await session.hang_up("drop")
        async with asyncio.timeout(10):
            while await asked(ahead, session) != "theft":
                await asyncio.sleep(0.05)


async def asked(ahead: Ahead, session: VoiceSession) -> str | None:
    """The asked field as the server's search has it."""
    description = await ahead.world.handle(session.id).describe()
    return description.typed_search_attributes.get(SearchAttributeKey.for_keyword(ATTRIBUTE_FIELD))
