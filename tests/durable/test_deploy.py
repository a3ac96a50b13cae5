"""A session in mid-form keeps its answers and its form over any deploy."""

import asyncio
import threading
from dataclasses import dataclass, replace

import pytest
from temporalio.common import VersioningBehavior
from temporalio.worker import Worker

import activities.interpret
from tests.deploy.deployment import Deployment
from tests.durable.conftest import World
from turnkeeper.client import VoiceSession
from turnkeeper.connection import connect
from turnkeeper.dialogue.decide import decide
from turnkeeper.dialogue.events import Decision, Filled
from turnkeeper.dialogue.state import Answer, DialogueState
from turnkeeper.errors import TurnFailed
from turnkeeper.forms.load import parse_form
from turnkeeper.forms.model import Form
from turnkeeper.settings import Versioning
from turnkeeper.values.reading import Context
from worker.server import EmbeddedServer

CHANGED = """
form: claim
version: "8"
title: Another form of the same id
fields:
  - name: colour
    type: text
    prompt: What colour?
"""


def decides_otherwise(
    form: Form, state: DialogueState, heard: object, context: Context
) -> Decision:
    """A release with another rule of interpretation: every policy number is 0000."""
    decision = decide(form, state, heard, context)  # type: ignore[arg-type]  # any message
    events = [
        Filled(field=event.field, answer=Answer(value="0000"))
        if isinstance(event, Filled) and event.field == "policy"
        else event
        for event in decision.events
    ]
    return decision.model_copy(update={"events": tuple(events)})


async def test_a_changed_form_file_is_for_new_sessions_only(world: World) -> None:
    async with world.sessions() as sessions:
        async with world.worker():
            session = await sessions.open("claim", caller="+14155550101")
            await session.turn("4321")
        world.forms["claim"] = parse_form(CHANGED)
        async with world.worker():
            reply = await session.turn("no")
            state = await session.state()
            newcomer = await sessions.open("claim", caller="+14155550102")
    assert reply.field == "day"
    assert (state.form_version, state.form_answers) == ("7", {"policy": "4321", "theft": False})
    assert newcomer.reply.field == "colour"


async def test_a_changed_interpreter_changes_no_answer_that_was_given(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the local activity the second worker would replay the first turn into 0000."""
    async with world.sessions() as sessions:
        async with world.worker():
            session = await sessions.open("claim", caller="+14155550101")
            await session.turn("4321")
        monkeypatch.setattr(activities.interpret, "decide", decides_otherwise)
        async with world.worker(max_cached_sessions=0):
            assert (await session.turn("no")).field == "day"
            assert (await session.state()).form_answers == {"policy": "4321", "theft": False}
            assert (await session.turn(answers={"policy": "1111"})).status == "collecting"
            assert (await session.state()).form_answers["policy"] == "0000"


async def test_a_defect_in_the_interpreter_costs_that_turn_and_not_the_session(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Decision:
        raise RuntimeError("the caller said 4321")

    async with world.worker(), world.sessions() as sessions:
        session = await sessions.open("claim", caller="+14155550101")
        with monkeypatch.context() as patch:
            patch.setattr(activities.interpret, "decide", broken)
            with pytest.raises(TurnFailed, match="RuntimeError") as failed:
                await session.turn("4321", utterance_id="u1")
        assert "4321" not in str(failed.value)
        assert "4321 " not in (await world.handle(session.id).fetch_history()).to_json()
        reply = await session.turn("4321", utterance_id="u1")
        assert reply.recorded == {"policy": "4321"}


async def test_a_worker_without_a_cache_gives_the_same_replies(world: World) -> None:
    """Every turn replays the whole session."""
    replies: list[list[dict[str, object]]] = []
    for cached in (0, None):
        world.settings = world.settings.model_copy(
            update={"task_queue": f"{world.settings.task_queue}-{cached}"}
        )
        async with world.worker(max_cached_sessions=cached), world.sessions() as sessions:
            session = await sessions.open("claim", caller=f"user-{cached}")
            words = ("4321", "yes", "12", "no wait 13", "yesterday", "yes")
            heard = [await session.turn(said, utterance_id=said) for said in words]
            replies.append([reply.model_dump(exclude={"epoch"}) for reply in heard])
    assert replies[0] == replies[1]


async def test_two_workers_share_sessions_and_either_may_leave(
    world: World, server: EmbeddedServer
) -> None:
    """Each on a connection of its own, as two processes have."""
    other = replace(world, client=await connect(server.address))
    async with world.worker(), world.sessions() as sessions:
        async with other.worker():
            opened = [await sessions.open("claim", caller=f"user-{n}") for n in range(6)]
            for session in opened:
                await session.turn("4321")
        for session in opened:
            assert (await session.turn("no")).field == "day"


async def test_a_worker_that_is_asked_to_stop_finishes_the_turn_in_hand(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no other worker that could: the reply is of the one that leaves."""
    deciding, go_on = threading.Event(), threading.Event()

    def held(*given: object) -> Decision:
        deciding.set()
        assert go_on.wait(10)
        return decide(*given)  # type: ignore[arg-type]  # passed on as they come

    async def serve() -> None:
        async with world.worker():
            await asyncio.get_running_loop().create_future()

    serving = asyncio.create_task(serve())
    async with world.sessions() as sessions:
        session = await sessions.open("claim", caller="+14155550101")
        monkeypatch.setattr(activities.interpret, "decide", held)
        turn = asyncio.create_task(session.turn("4321"))
        assert await asyncio.to_thread(deciding.wait, 10)
        serving.cancel()  # What SIGTERM does to the command; see `worker.process`.
        go_on.set()
        assert (await turn).recorded == {"policy": "4321"}
        with pytest.raises(asyncio.CancelledError):
            await serving


# --- worker versioning ----------------------------------------------------------------------------


@dataclass
class Builds:
    """A world whose workers belong to a deployment: one a build, each on its own connection."""

    world: World
    server: EmbeddedServer
    versioning: Versioning

    @property
    def deployment(self) -> Deployment:
        return Deployment(self.world.settings.tenant, self.server.address)

    async def worker(self, build_id: str) -> Worker:
        settings = self.world.settings.model_copy(
            update={
                "deployment": self.deployment.name,
                "build_id": build_id,
                "versioning": self.versioning,
            }
        )
        client = await connect(self.server.address)
        return replace(self.world, client=client, settings=settings).worker()

    async def of(self, session: VoiceSession) -> tuple[str, int]:
        """The build that a session is on, and its behaviour."""
        described = await self.world.handle(session.id).describe()
        info = described.raw_description.workflow_execution_info.versioning_info
        return info.deployment_version.build_id, info.behavior

    async def until_on(self, session: VoiceSession, build_id: str, behaviour: int) -> None:
        async with asyncio.timeout(10):
            while await self.of(session) != (build_id, behaviour):
                await asyncio.sleep(0.05)


async def test_a_session_goes_to_the_current_build_at_its_next_turn(
    world: World, server: EmbeddedServer
) -> None:
    """What a team has that chooses nothing: auto-upgrade."""
    builds = Builds(world, server, world.settings.versioning)
    async with await builds.worker("b1"), await builds.worker("b2"), world.sessions() as sessions:
        await builds.deployment.make_current("b1")
        session = await sessions.open("claim", caller="+14155550101")
        assert await builds.of(session) == ("b1", VersioningBehavior.AUTO_UPGRADE)
        await builds.deployment.make_current("b2")
        async with asyncio.timeout(10):
            while (await builds.of(session))[0] == "b1":
                await session.turn(answers={"policy": "4321"})
        assert await world.runs(session.id) == 1
        assert (await session.turn("no")).field == "day"


async def test_a_build_is_made_current_as_soon_as_its_first_worker_has_polled(
    world: World, server: EmbeddedServer
) -> None:
    """The command may be faster than the worker: on a slow machine it always is."""
    builds = Builds(world, server, world.settings.versioning)
    assert not await builds.deployment.try_make_current("b1")
    async with await builds.worker("b1"), world.sessions() as sessions:
        await builds.deployment.make_current("b1")
        session = await sessions.open("claim", caller="+14155550101")
        assert (await builds.of(session))[0] == "b1"


async def test_a_pinned_session_moves_between_two_turns_and_a_silent_one_when_it_is_woken(
    world: World, server: EmbeddedServer
) -> None:
    builds, pinned = Builds(world, server, "pinned"), int(VersioningBehavior.PINNED)
    async with await builds.worker("b1"), await builds.worker("b2"), world.sessions() as sessions:
        await builds.deployment.make_current("b1")
        talking = await sessions.open("claim", caller="+14155550101")
        silent = await sessions.open("claim", caller="+14155550102")
        for session in (talking, silent):
            await session.turn("4321")
        await builds.deployment.make_current("b2")
        async with asyncio.timeout(10):
            while await world.runs(talking.id) == 1:
                await talking.turn(answers={"policy": "4321"}, utterance_id="u1")
        assert (await talking.turn("no")).field == "day"
        await builds.until_on(talking, "b2", pinned)
        assert await builds.of(silent) == ("b1", pinned)

        await builds.deployment.wake_pinned("b1")
        await builds.until_on(silent, "b2", pinned)
        assert (await silent.state()).form_answers == {"policy": "4321"}
        assert (await silent.turn("no")).field == "day"
