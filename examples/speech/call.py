"""A phone call with real speech, end to end, cut in the middle; nothing but this machine is used.

    uv run --with pocketsphinx python examples/speech/call.py

espeak-ng says the caller's lines, pocketsphinx hears them, and a form is filled over the WebSocket.
The line is cut in the middle of an answer; the caller rings again. In the end the form is compared
with what the caller meant: status 1 when anything is different.
"""

import asyncio
import json
import statistics
import subprocess
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from zoneinfo import ZoneInfo

import click

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from examples.speech.caller import Caller, roadside_claim  # noqa: E402 - as in scripts/record
from examples.speech.conversation import Conversation  # noqa: E402
from examples.speech.line import Gateway, Line, labels_of, state_of  # noqa: E402
from examples.speech.running import turnkeeper  # noqa: E402
from examples.speech.tape import require_encoder  # noqa: E402
from examples.speech.voices import SpeechError  # noqa: E402
from turnkeeper.contract import Reply, SessionState  # noqa: E402
from turnkeeper.errors import TurnkeeperError  # noqa: E402
from turnkeeper.forms import load_form  # noqa: E402
from worker.demo_screen import Screen, Stopwatch  # noqa: E402

FORMS = ROOT / "forms"
FORM = "roadside_claim"
CUT_AT = "postal_code"
"""The field in whose answer the line is cut: a few are answered, a few are not."""
NUMBER, SAME_NUMBER = "+14155550100", "(415) 555-0100"
"""One person: the second line gives the number in another spelling."""

DROPPED_WITHIN_SECONDS = 10.0
LOOK_EVERY_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the call came to."""

    cut_off: Reply
    """The reply that the caller was answering when the line was cut."""
    greeted: Reply
    """How the caller was greeted on the second line."""
    before: SessionState
    """As the first line found it."""
    after: SessionState
    turns: int
    """That were said to their end."""
    missed: tuple[str, ...]
    """Fields that are not as the caller meant them."""


async def call(gateway: Gateway, conversation: Conversation) -> Outcome:
    """Two lines, one form."""
    screen = conversation.screen
    screen.event("a phone rings")
    conversation.tape.ring()
    first = await Line.ring(gateway, FORM, caller=NUMBER, name="line-1")
    if first.reply.restored:
        raise SpeechError("This caller has a form in hand there: cancel that session, call again.")
    before = await state_of(gateway, first.session_id)
    cut_off = await conversation.hold(first, cut_at=CUT_AT)
    await until_dropped(gateway, first.session_id)
    screen.event("the same person rings again, on another line")
    conversation.tape.ring()
    second = await Line.ring(gateway, FORM, caller=SAME_NUMBER, name="line-2")
    await conversation.hold(second)
    await second.hang_up()
    after = await state_of(gateway, second.session_id)
    return Outcome(
        cut_off=cut_off,
        greeted=second.reply,
        before=before,
        after=after,
        turns=len(conversation.turns),
        missed=tuple(conversation.caller.misses(after.form_answers)),
    )


async def until_dropped(gateway: Gateway, session_id: str) -> None:
    """Returns when the lost line is known as such: nobody rings again faster than that."""
    watch = Stopwatch()
    while watch.seconds < DROPPED_WITHIN_SECONDS:
        if (await state_of(gateway, session_id)).legs[-1].closed_at is not None:
            return
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    raise SpeechError(f"The line is cut, and {DROPPED_WITHIN_SECONDS:.0f} s later still open.")


def verdict(screen: Screen, outcome: Outcome) -> bool:
    """Prints what was promised and whether it was kept; whether all was."""
    before, after = outcome.before, outcome.after
    told = after.turns - before.turns
    first = next((leg.reason for leg in after.legs if leg.number == before.leg), "")
    checks = (
        (not outcome.missed, f"the form is what the caller meant{_but(outcome.missed)}"),
        (after.status in ("submitting", "completed"), f"the form is {after.status}"),
        (
            outcome.greeted.restored and outcome.greeted.field == outcome.cut_off.field,
            "the second line welcomed the caller back, with the question that was cut off",
        ),
        (
            told == outcome.turns,
            f"{outcome.turns} turns were said, {told} applied; the half answer was none",
        ),
        (first == "drop", "the first line is known as dropped"),
    )
    screen.title("  What was promised, and what happened:")
    kept = [screen.check(holds, text) for holds, text in checks]
    return all(kept)


def _but(missed: tuple[str, ...]) -> str:
    return f", but for {', '.join(missed)}" if missed else ""


def keep(folder: Path, conversation: Conversation, outcome: Outcome) -> None:
    """Writes recording, captions and result."""
    folder.mkdir(parents=True, exist_ok=True)
    conversation.tape.save(folder / "call.ogg")
    (folder / "call.vtt").write_text(conversation.tape.captions(), "utf-8")
    result = json.dumps(summary(conversation, outcome), indent=2)
    (folder / "result.json").write_text(f"{result}\n", "utf-8")


def summary(conversation: Conversation, outcome: Outcome) -> dict[str, object]:
    """The result, as JSON data."""
    turns = conversation.turns
    return {
        "form": FORM,
        "as_meant": not outcome.missed,
        "status": outcome.after.status,
        "answers": outcome.after.form_answers,
        "legs": [leg.reason for leg in outcome.after.legs],
        "turns": len(turns),
        "misheard": [
            {"asked": one.field, "said": one.said, "heard": one.heard}
            for one in turns
            if one.said != one.heard
        ],
        "recording_seconds": round(conversation.tape.seconds, 1),
        "hearing_ms_median": _median_ms([one.hearing_seconds for one in turns]),
        "turn_ms_median": _median_ms(conversation.turn_seconds),
        "turn_ms_longest": round(max(conversation.turn_seconds) * 1000),
        "with": {
            "turnkeeper": version("turnkeeper"),
            "pocketsphinx": version("pocketsphinx"),
            "espeak-ng": _espeak_version(),
        },
    }


def _median_ms(seconds: list[float]) -> int:
    return round(statistics.median(seconds) * 1000)


def _espeak_version() -> str:
    told = subprocess.run(["espeak-ng", "--version"], capture_output=True, text=True, check=True)
    return told.stdout.partition("text-to-speech: ")[2].split()[0]


async def run(gateway: Gateway | None, folder: Path | None) -> bool:
    """Whether everything that was promised was kept."""
    if folder is not None:
        require_encoder()
    form, screen = load_form(FORMS / f"{FORM}.yaml"), Screen()
    today = datetime.now(ZoneInfo(form.timezone or "UTC")).date()
    caller = Caller(form, roadside_claim(today))
    conversation = Conversation(caller, screen)
    screen.title("A caller is heard by a machine, cut off, and rings again.")
    async with AsyncExitStack() as stack:
        if gateway is None:
            gateway = await stack.enter_async_context(turnkeeper(FORMS))
        conversation.labels = await labels_of(gateway, FORM)
        outcome = await call(gateway, conversation)
    kept = verdict(screen, outcome)
    misheard = sum(one.said != one.heard for one in conversation.turns)
    screen.title(
        f"  {screen.times()}; {misheard} misheard; {conversation.tape.seconds:.0f} s on tape."
    )
    if folder is not None:
        keep(folder, conversation, outcome)
    return kept


@click.command(help=__doc__)
@click.option("--url", help="A running gateway's, such as http://127.0.0.1:8080; else one's own.")
@click.option("--token", envvar="TURNKEEPER_TOKEN", default="", help="What that one lets in with.")
@click.option(
    "--keep",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder for recording, captions and result; needs `--with soundfile` too.",
)
def main(url: str | None, token: str, folder: Path | None) -> None:
    try:
        kept = asyncio.run(run(Gateway(url, token) if url else None, folder))
    except TurnkeeperError as error:
        raise click.ClickException(str(error)) from None
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
