"""`demo`: the main job in under a minute, with real processes.

A caller answers three questions and is cut off. The worker is killed with SIGKILL, and so is the
server. Both start again, the caller rings back on another line, and carries on. What was said is
then compared with what was kept and delivered: anything lost, applied twice, or delivered under
another idempotency key ends the demo with status 1. All that is kept is encrypted, as in `dev`.
"""

import asyncio
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from turnkeeper import SessionState, VoiceSessions
from turnkeeper.errors import TurnkeeperError
from turnkeeper.settings import read_settings
from turnkeeper.telemetry import setup_telemetry
from worker.data_folder import DataFolder
from worker.demo_call import Call
from worker.demo_receiver import Attempt, Receiver
from worker.demo_screen import Screen, Stopwatch
from worker.demo_worker import DemoWorker
from worker.dev import hand_down, point_temporal_at
from worker.local_keys import keys_of, with_keys
from worker.server import EmbeddedServer

FORM = "breakdown_claim"
CALLER, SAME_CALLER = "+14155550123", "(415) 555-0123"
"""One person: the second line gives the number in another spelling."""

_FORM_FILE = Path(__file__).with_name("demo.yaml")
_CORRECTION = "one two three four five six seven nine"
_ZONE = ZoneInfo("America/New_York")
_DELIVERED_WITHIN = 30.0
_LOOK_EVERY = 0.1


class DemoFailed(TurnkeeperError):
    """A promise was broken in front of everyone."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the story came to: what was known before the crash, what is now, what was said."""

    before: SessionState
    after: SessionState
    restored: bool
    answers: dict[str, str | bool]
    turns: int
    same_reply: bool
    """Whether the turn that was sent twice had the same reply twice."""


async def demo() -> None:
    """Tells the story on free ports and in a temporary folder. Raises DemoFailed."""
    _forget_environment()
    setup_telemetry("turnkeeper-demo", read_settings(log_level="error"))
    screen, whole = Screen(), Stopwatch()
    screen.title("A caller is cut off, every process is killed, and the caller carries on.")
    with tempfile.TemporaryDirectory(prefix="turnkeeper-demo-") as folder, Receiver() as receiver:
        told = await _with_processes(Path(folder), screen, receiver)
        kept = verdict(screen, told, receiver.attempts)
    screen.title(f"  {screen.times()}; everything took {whole.seconds:.0f} s.")
    if not kept:
        raise DemoFailed("a promise was broken: see the line with a cross.")


def _forget_environment() -> None:
    """The demo is the same everywhere: the settings of a real worker are not for it."""
    for name in [name for name in os.environ if name.startswith(("TURNKEEPER_", "OTEL_"))]:
        del os.environ[name]


async def _with_processes(folder: Path, screen: Screen, receiver: Receiver) -> Told:
    forms = folder / "forms"
    _write_form(forms, receiver.url)
    worker = DemoWorker(forms, folder / "worker.log")
    started = Stopwatch()
    data = DataFolder(folder / "data")
    data.make()
    hand_down(keys_of(with_keys(read_settings(), data)))
    async with EmbeddedServer(data.path, ui_port=0) as server:
        point_temporal_at(server)
        try:
            await worker.start()
            screen.event(f"a Temporal server and a worker are up ({started.seconds:.1f} s)")
            return await _story(screen, server, worker)
        finally:
            await worker.stop()


def _write_form(forms: Path, receiver: str) -> None:
    forms.mkdir()
    (forms / _FORM_FILE.name).write_text(_FORM_FILE.read_text().replace("RECEIVER", receiver))


async def _story(screen: Screen, server: EmbeddedServer, worker: DemoWorker) -> Told:
    async with VoiceSessions.connect() as sessions:
        first = await Call.ring(screen, sessions, FORM, caller=CALLER, line="line-1")
        await first.say("one two three four five six seven eight")
        await first.say("it broke down on the highway")
        await first.say("four one five, five five five, oh one two three")
        await first.breaks_off("It was last Tu—")
        before = await first.session.state()
    outage = await _kill_and_restart(screen, server, worker)
    async with VoiceSessions.connect() as sessions:
        return await _second_call(screen, sessions, first, before, outage)


async def _kill_and_restart(
    screen: Screen, server: EmbeddedServer, worker: DemoWorker
) -> Stopwatch:
    """Leaves nothing running for a moment; the watch goes from the first kill."""
    outage = Stopwatch()
    await worker.kill()
    screen.event("the worker is killed (SIGKILL)")
    await server.kill()
    screen.event("the server is killed (SIGKILL): nothing runs any more")
    await server.start()
    screen.event(f"a server is up on the same database file ({outage.seconds:.1f} s)")
    await worker.start()
    screen.event(f"a worker is up ({outage.seconds:.1f} s)")
    return outage


async def _second_call(
    screen: Screen, sessions: VoiceSessions, first: Call, before: SessionState, outage: Stopwatch
) -> Told:
    screen.event("the same person rings back on another line")
    call = await Call.ring(screen, sessions, FORM, caller=SAME_CALLER, line="line-2")
    screen.event(f"recovered {outage.seconds:.1f} s after the first kill")
    restored = call.session.restored
    yesterday = (datetime.now(_ZONE) - timedelta(days=1)).date().isoformat()
    await call.say("yesterday")
    corrected = await call.say(
        "no wait, the policy number is one two three four five six seven nine"
    )
    screen.event("the network hiccups: the agent sends that turn again")
    again = await call.say_again()
    await call.say("no")
    await call.say("yes")
    return Told(
        before=before,
        after=await _until_delivered(sessions, call.session.id),
        restored=restored,
        answers={
            "policy_number": "12345679",
            "what_happened": "breakdown",
            "callback_number": CALLER,
            "incident_date": yesterday,
            "drivable": False,
        },
        turns=first.turns + call.turns,
        same_reply=corrected == again,
    )


async def _until_delivered(sessions: VoiceSessions, session_id: str) -> SessionState:
    """The state once the form is delivered, or as it is when that takes too long."""
    watch = Stopwatch()
    while True:
        state = await sessions.state(session_id)
        if state.status == "completed" or watch.seconds > _DELIVERED_WITHIN:
            return state
        await asyncio.sleep(_LOOK_EVERY)


def verdict(screen: Screen, told: Told, attempts: Sequence[Attempt]) -> bool:
    """Prints each promise and whether it was kept; whether all were."""
    for number, attempt in enumerate(attempts, start=1):
        screen.event(f"delivery, attempt {number}: the receiver answers {attempt.status}")
    screen.title("  What was promised, and what happened:")
    checks = (
        screen.check(*_nothing_lost(told)),
        screen.check(*_nothing_twice(told)),
        screen.check(*_last_word(told)),
        screen.check(*_delivered_once(told, attempts)),
    )
    return all(checks)


def _nothing_lost(told: Told) -> tuple[bool, str]:
    kept = told.restored and len(told.before.form_answers) == 3
    return kept, f"{len(told.before.form_answers)} of 3 answers outlived the crash"


def _nothing_twice(told: Told) -> tuple[bool, str]:
    once = told.after.turns == told.turns and told.same_reply
    return (
        once,
        f"{told.turns} turns were said, {told.after.turns} applied; the one sent twice once",
    )


def _last_word(told: Told) -> tuple[bool, str]:
    same = told.after.form_answers == told.answers
    right = sum(told.after.form_answers.get(name) == value for name, value in told.answers.items())
    return same, f"{right} of {len(told.answers)} answers are what the caller said last"


def _delivered_once(told: Told, attempts: Sequence[Attempt]) -> tuple[bool, str]:
    keys = {attempt.key for attempt in attempts}
    taken = [attempt.answers for attempt in attempts if attempt.status == 201]
    once = taken == [told.answers] and len(keys) == 1 and "" not in keys
    said = f"delivered {len(taken)} time, at attempt {len(attempts)}, {len(keys)} idempotency key"
    return once, said
