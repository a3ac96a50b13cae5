"""An erasure killed in the middle is ended by the next and leaves nothing behind."""

import asyncio
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from tests.durable.conftest import World
from tests.security.conftest import Place, encrypted, in_clear
from tests.security.erasing import assert_gone, condition
from tests.security.searching import files, finds
from turnkeeper.client import VoiceSessions
from turnkeeper.forms.load import parse_form
from turnkeeper.forms.model import Form
from turnkeeper.security.key_store import SessionId
from worker.child import kill_child, start_child
from worker.server import EmbeddedServer

PROCESS = Path(__file__).with_name("erasing_process.py")
NOTE = """
form: note
title: Note
fields:
  - name: complaint
    type: text
    prompt: What is it?
  - name: more
    type: text
    prompt: What else?
"""


@dataclass
class Victim:
    """A session whose erasure is killed, what was said in it, and who else talks meanwhile."""

    world: World
    server: EmbeddedServer
    place: Place
    folder: Path
    said: str
    talked: int = 0

    async def worker_that_stays_at(self, point: str) -> asyncio.subprocess.Process:
        """A process that does all until it has done `point`."""
        forms = self.folder / "forms.json"
        forms.write_bytes(TypeAdapter(list[Form]).dump_json(list(self.world.forms.values())))
        log = self.folder / f"{point}.log"
        queue = self.world.settings.task_queue
        command = (sys.executable, str(PROCESS), self.server.address, queue, str(forms))
        with log.open("wb") as output:
            process = await start_child((*command, point, str(self.folder)), output)
        await condition(lambda: b"READY" in log.read_bytes() or process.returncode is not None)
        assert process.returncode is None, log.read_text()
        return process

    async def kill_at(self, point: str, process: asyncio.subprocess.Process) -> None:
        await condition((self.folder / point).exists)
        await kill_child(process)

    async def talk(self, sessions: VoiceSessions, caller: str, until: asyncio.Event) -> None:
        """A caller who loses nothing, whatever happens to others."""
        session = await sessions.open("claim", caller=caller)
        turns = 0
        while not until.is_set():
            reply = await session.turn(answers={"policy": f"{turns:04}"})
            assert reply.recorded == {"policy": f"{turns:04}"}
            turns, self.talked = turns + 1, self.talked + 1
            await asyncio.sleep(0.05)
        assert (await session.state()).turns == turns

    async def finds(self) -> set[str]:
        """Where what was said is still found: in Temporal's files, key store, logs."""
        await self.server.wipe()
        held = files(self.server.data) + files(self.folder) + files(self.place.folder)
        return finds([self.said], held)


async def nothing_left(victim: Victim) -> bool:
    """Temporal deletes the history itself a moment after the run."""
    for _ in range(50):
        if not await victim.finds():
            return True
        await asyncio.sleep(0.1)
    return False


async def erased_though_killed_at(
    points: Sequence[str], world: World, quick: EmbeddedServer, place: Place, folder: Path
) -> None:
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    said = "Q" + "".join(random.Random(seed).choices("abcdefghijkmnpqrstuvwxyz", k=14))
    victim = Victim(world, quick, place, folder, said)
    process = await victim.worker_that_stays_at(points[0])
    over = asyncio.Event()
    async with world.sessions(deadline=30) as sessions:
        session = await sessions.open("note", caller="+14155550101")
        await session.turn(said)
        for number in range(8):  # Enough for others' rows not to happen to cover all of it.
            await session.turn(answers={"complaint": f"{number} {said} " * 20})
        key = await place.store.live(SessionId("default", session.id))
        assert (key is None) == (await victim.finds() != set())
        others = [asyncio.ensure_future(victim.talk(sessions, f"c{n}", over)) for n in range(4)]
        erasing = asyncio.ensure_future(sessions.erase(session.id))
        await victim.kill_at(points[0], process)
        for point in points[1:]:
            await victim.kill_at(point, await victim.worker_that_stays_at(point))
        talked = victim.talked
        async with world.worker():
            certificate = await erasing
            assert (certificate.runs_deleted, certificate.keys_shredded) == (
                1,
                int(key is not None),
            )
            await assert_gone(world, sessions, session)
            assert await sessions.erase(session.id) == certificate
            await condition(lambda: victim.talked > talked)
            over.set()
            await asyncio.gather(*others)
        assert await nothing_left(victim)
        if key is not None:
            assert key.wrapped is not None
            assert key.wrapped.data not in files(place.folder)


@pytest.fixture
def handed_down(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of the world as the environment of the processes."""
    world.forms["note"] = parse_form(NOTE)
    for name in ("keys", "key_store", "tenant"):
        if (value := getattr(world.settings, name)) is not None:
            monkeypatch.setenv(f"TURNKEEPER_{name.upper()}", str(value))


@in_clear
@pytest.mark.usefixtures("handed_down")
async def test_a_worker_killed_in_mid_deletion_leaves_it_to_the_next_and_nothing_behind(
    world: World, quick: EmbeddedServer, place: Place, tmp_path: Path
) -> None:
    await erased_though_killed_at(["delete"], world, quick, place, tmp_path)


@encrypted
@pytest.mark.long
@pytest.mark.usefixtures("handed_down")
async def test_killed_after_each_of_its_steps_it_is_finished_all_the_same(
    world: World, quick: EmbeddedServer, place: Place, tmp_path: Path
) -> None:
    points = ["shred", "delete", "certify"]
    await erased_though_killed_at(points, world, quick, place, tmp_path)
