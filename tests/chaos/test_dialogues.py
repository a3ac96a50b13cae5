"""Real dialogues on a real server, with the worker killed at a random turn, end as they should."""

import asyncio
import random

from tests.chaos.conftest import Processes
from tests.corpora.dialogs import Caller, Session, sgd
from turnkeeper.client import VoiceSessions
from worker.child import kill_child

COUNT = 100


async def test_a_hundred_dialogues_end_the_same_though_the_worker_is_killed_in_each(
    processes: Processes, sessions: VoiceSessions
) -> None:
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    chance = random.Random(seed)
    drawn = sgd(COUNT, seed)
    processes.forms = list({session.form.form: session.form for session in drawn}.values())
    worker, spare = await processes.start_worker(), await processes.start_worker()
    for start in range(0, COUNT, 10):
        batch = drawn[start : start + 10]
        kill = asyncio.Event()
        talks = [
            asyncio.ensure_future(talk(sessions, start + n, session, chance.randrange(1, 4), kill))
            for n, session in enumerate(batch)
        ]
        await kill.wait()
        await kill_child(worker)
        worker, spare = spare, await processes.start_worker()
        for session, answers in zip(batch, await asyncio.gather(*talks), strict=True):
            wanted = {name: value for name, value in session.final.items() if value is not None}
            assert answers == wanted, session.id


async def talk(
    sessions: VoiceSessions, number: int, recorded: Session, turn: int, kill: asyncio.Event
) -> dict[str, object]:
    """One dialogue; asks for the kill at its `turn`-th turn. The answers that it ends with."""
    session = await sessions.open(recorded.form.form, caller=f"user-{number}")
    caller, said = Caller(recorded), 0
    while (content := caller.next(session.reply)) is not None:
        said += 1
        if said >= turn:
            kill.set()
        await session.turn(**content)
    kill.set()
    return dict((await session.state()).form_answers)
