"""Waiting sessions go on under another version of their form: in Temporal and in memory."""

from datetime import timedelta

import pytest

from tests.durable.conftest import CLAIM, World
from tests.durable.test_cli import Commands, run
from tests.durable.test_fleet import document, until
from turnkeeper.backend import Sought
from turnkeeper.client import VoiceSession, VoiceSessions
from turnkeeper.contract import Migrate
from turnkeeper.errors import MigrationRefused, SessionClosed, SupersededLeg
from turnkeeper.forms.load import parse_form
from turnkeeper.forms.model import Form
from turnkeeper.session import GONE_AFTER
from turnkeeper.testing import MemorySessions
from worker.build import build_replayer

__all__ = ["run"]

CALLER = "+14155550101"
ASKS_A_CITY = '  - {name: city, type: text, prompt: "Which city?"}\n'
HEAD, _, FIELDS = CLAIM.partition("fields:\n")
NEW = (
    HEAD.replace('"7"', '"8"\nmigrates_from: ["7"]')
    + "fields:\n"
    + FIELDS.replace("length: 4", "length: 6")
    + ASKS_A_CITY
)


def newer(text: str = NEW) -> Form:
    return parse_form(text)


async def waiting(sessions: VoiceSessions, caller: str = CALLER) -> VoiceSession:
    """A caller who hung up with the day still to be said."""
    session = await sessions.open("claim", caller)
    await session.turn("4321")
    await session.turn("no")
    await session.hang_up()
    return session


async def test_a_session_in_mid_form_goes_on_under_the_new_version_and_back(world: World) -> None:
    async with world.sessions() as sessions:
        async with world.worker():
            session = await waiting(sessions)
        world.forms["claim"] = newer()
        async with world.worker():
            state = await sessions.migrate(session.id, "the city is asked for")
            assert (state.form_version, state.field) == ("8", "day")
            assert state.form_answers == {"theft": False}
            assert [move.reason for move in state.migrations] == ["the city is asked for"]
            assert await sessions.migrate(session.id) == state

            again = await sessions.open("claim", CALLER)
            assert (again.reply.restored, again.reply.field) == (True, "policy")
            assert (await again.turn("654321")).field == "day"
            assert (await again.turn("yesterday")).field == "city"
            with pytest.raises(MigrationRefused, match="a caller is on the line"):
                await sessions.migrate(session.id, back=True)
            await again.hang_up()

            state = await sessions.migrate(session.id, back=True)
            assert (state.form_version, state.form_answers["policy"]) == ("7", "4321")
            assert [move.back for move in state.migrations] == [False, True]
            assert await sessions.migrate(session.id, back=True) == state
        history = await world.handle(session.id).fetch_history()
    await build_replayer(world.settings).replay_workflow(history)


async def test_a_version_that_does_not_name_the_old_one_takes_nothing_over(world: World) -> None:
    async with world.worker(), world.sessions() as sessions:
        session = await waiting(sessions)
        before = await session.state()
        world.forms["claim"] = newer(NEW.replace('migrates_from: ["7"]\n', ""))
        with pytest.raises(MigrationRefused, match="does not have 7 in `migrates_from`"):
            await sessions.migrate(session.id)
        assert await session.state() == before


async def test_a_request_that_is_sent_again_is_carried_out_once(world: World) -> None:
    async with world.worker(), world.sessions() as sessions:
        session = await waiting(sessions)
        world.forms["claim"] = newer()
        request, backend = Migrate(request_id="once"), sessions.backend_of(session.id)
        first = await backend.migrate(session.id, request)
        await sessions.migrate(session.id, back=True)
        assert (await backend.migrate(session.id, request)).form_version == "7"
        assert first.form_version == "8"


async def test_a_session_goes_back_no_further_than_it_came(anywhere: VoiceSessions) -> None:
    session = await waiting(anywhere)
    with pytest.raises(MigrationRefused, match="no version that the session can go back to"):
        await anywhere.migrate(session.id, back=True)


async def test_a_late_turn_answers_no_question_of_a_version_that_its_caller_never_heard() -> None:
    async with MemorySessions([parse_form(CLAIM)]) as sessions:
        session = await waiting(sessions)
        sessions.deploy(newer())
        moved = await sessions.migrate(session.id)
        with pytest.raises(SupersededLeg, match="another version: connect again"):
            await session.turn("yesterday")
        assert await session.state() == moved
        again = await sessions.open("claim", CALLER)
        assert (await again.turn("654321")).field == "day"


async def test_an_ended_session_keeps_its_version(anywhere: VoiceSessions) -> None:
    session = await waiting(anywhere)
    assert (await anywhere.migrate(session.id)).migrations == ()
    await anywhere.cancel(session.id)
    with pytest.raises(SessionClosed):
        await anywhere.migrate(session.id)


async def test_sessions_in_memory_are_moved_as_those_in_temporal() -> None:
    old, forms = parse_form(CLAIM), [newer()]
    async with MemorySessions([old]) as sessions:
        session = await waiting(sessions)
        sessions.deploy(*forms)
        state = await sessions.migrate(session.id)
        assert (state.form_version, state.form_answers) == ("8", {"theft": False})
        state = await sessions.migrate(session.id, back=True)
        assert (state.form_version, state.form_answers["policy"]) == ("7", "4321")


async def test_whoever_is_not_heard_of_for_a_while_holds_nothing_up() -> None:
    """An agent that dies hangs nothing up."""
    async with MemorySessions([parse_form(CLAIM)]) as sessions:
        session = await sessions.open("claim", CALLER)
        await session.turn("4321")
        sessions.deploy(newer())
        sessions.clock.advance(GONE_AFTER - timedelta(seconds=1))
        with pytest.raises(MigrationRefused, match="a caller is on the line"):
            await sessions.migrate(session.id)
        sessions.clock.advance(timedelta(seconds=1))
        assert (await sessions.migrate(session.id)).form_version == "8"


async def test_a_session_that_has_the_version_is_left_alone_also_with_a_caller_on_the_line() -> (
    None
):
    """Else a command for all sessions would never be through on a line that is busy."""
    async with MemorySessions([parse_form(CLAIM)]) as sessions:
        session = await waiting(sessions)
        sessions.deploy(newer())
        moved = await sessions.migrate(session.id)
        await sessions.open("claim", CALLER)
        assert (await sessions.migrate(session.id)).migrations == moved.migrations


async def test_the_command_says_which_sessions_it_would_move_and_moves_them(
    world: World, run: Commands
) -> None:
    async with world.worker(), world.sessions() as sessions:
        session = await waiting(sessions)
        world.forms["claim"] = newer()
        await until(sessions, Sought(form="claim", field="day"), 1)
        many = ("sessions", "migrate", "--form", "claim", "--json")
        assert document(await run(*many, "--dry-run")) == {
            "would": "migrate",
            "sessions": [session.id],
        }
        assert (await session.state()).form_version == "7"
        done = document(await run(*many, "--reason", "longer numbers", "--yes"))
        assert (done["done"], done["version"]) == ([session.id], {"8": 1})
        assert (await session.state()).form_version == "8"
        back = await run("sessions", "migrate", "--form", "claim", "--back", "--yes")
        assert back.out == "migrate back: 1 session done, 0 failed.\nversion 7: 1 session\n"
        shown = (await run("sessions", "show", session.id)).out
        assert "from version 7 to 8: longer numbers\n" in shown
        assert "back from version 8 to 7\n" in shown
