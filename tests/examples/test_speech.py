"""The call with real speech: whom it can be held with, and that it would notice a form gone wrong.

The call itself is long, and needs espeak-ng and pocketsphinx:

    uv run --with pocketsphinx pytest -m long tests/examples/test_speech.py
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from examples.speech.call import FORM, FORMS, Outcome, verdict
from examples.speech.caller import Answer, Caller, digit_by_digit, roadside_claim
from examples.speech.grammars import grammar
from examples.speech.tape import Tape
from examples.speech.voices import RATE, SpeechError, Voice, seconds_of, silence
from turnkeeper.contract import Expects, Leg, Reply, SessionState
from turnkeeper.forms import load_form
from turnkeeper.testing import Clock, MemorySessions
from worker.demo_screen import Screen

ROOT = Path(__file__).parents[2]
SPEECH = ROOT / "examples" / "speech"
KEPT = SPEECH / "kept"
CLAIM = load_form(FORMS / f"{FORM}.yaml")
MONDAY = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
MOST_KEPT_BYTES = 1_500_000

MISHEARD = {
    "four four one two nine nine zero seven": "four four one two nine eight nine zero",
    "it was a collision": "it was a break down",
    "no nobody was": "yes",
    "no it can not": "yes it can",
    "around two thirty in the afternoon": "around two thirteen",
    "nine four one one zero": "nine four one zero three",
    "four one five five five five zero one two three": None,
    "someone ran into the back of my car at a red light": "i hit a wall in the snow",
}
"""What the first try at it sounds like."""

needs_speech = pytest.mark.skipif(
    shutil.which("espeak-ng") is None or importlib.util.find_spec("pocketsphinx") is None,
    reason="needs espeak-ng and pocketsphinx",
)


# --- the caller -----------------------------------------------------------------------------------


@pytest.mark.parametrize("days", range(7))
async def test_on_any_day_a_caller_who_is_misheard_gets_the_form_right(days: int) -> None:
    now = MONDAY + timedelta(days=days)
    caller, misheard = Caller(CLAIM, roadside_claim(now.date())), dict(MISHEARD)
    async with MemorySessions([CLAIM], clock=Clock(now)) as sessions:
        session = await sessions.open(FORM, "+14155550100")
        for _ in range(60):
            if session.reply.next != "listen":
                break
            said = caller.reply_to(session.reply).words
            heard = misheard.pop(said, said)
            await session.turn(heard, event=None if heard else "nomatch")
        state = await session.state()
    assert not misheard, "every mishearing took place"
    assert state.status == "completed"
    assert caller.misses(state.form_answers) == []


@pytest.mark.parametrize(
    ("say", "answer"),
    [("I heard no. Is that right?", "yes"), ("I heard yes. Is that right?", "no")],
)
def test_a_read_back_is_answered_by_what_is_heard_in_it(say: str, answer: str) -> None:
    reply = Reply(say=say, field="injured", confirming={"field": "injured", "value": False})
    assert Caller(CLAIM, roadside_claim(MONDAY.date())).reply_to(reply).words == answer


@pytest.mark.parametrize(
    ("summary", "answer"),
    [
        ("State of the car: yes.", "yes"),
        ("State of the car: no.", "no"),
        ("State of the car: yes. Email address: ada at example dot com.", "no"),
        ("Email address: ada at example dot com.", "no"),
    ],
    ids=["right", "wrong", "one too many", "one missing"],
)
def test_a_summary_is_right_with_each_answer_that_was_meant_and_no_other(
    summary: str, answer: str
) -> None:
    asked = tuple(field for field in CLAIM.fields if field.name in ("drivable", "email"))
    meant = {"drivable": Answer((True,), ("yes",)), "email": Answer((), ("skip",))}
    caller = Caller(CLAIM.model_copy(update={"fields": asked}), meant)
    say = f"Let me read that back. {summary} Is that right?"
    reply = Reply(say=say, confirming={"field": None, "value": None})
    assert caller.reply_to(reply).words == answer


def test_a_form_misses_what_was_meant_and_is_not_there_and_what_is_there_and_was_not_meant() -> (
    None
):
    caller = Caller(CLAIM, {"email": Answer((), ("skip",)), "drivable": Answer((True,), ("yes",))})
    assert caller.misses({"drivable": True}) == []
    assert caller.misses({}) == ["drivable"]
    assert caller.misses({"drivable": False}) == ["drivable"]
    assert caller.misses({"drivable": True, "email": "a@example.com"}) == ["email"]


def test_what_is_said_again_is_said_in_another_way() -> None:
    caller = Caller(CLAIM, roadside_claim(date(2026, 3, 2)))
    asked = Reply(say="What day did it happen?", field="incident_date")
    first, second = caller.reply_to(asked), caller.reply_to(asked)
    assert (first.words, second.words) == ("last wednesday", "february the twenty fifth")
    assert first.pace != second.pace


# --- what may be said -----------------------------------------------------------------------------


def test_a_number_of_eight_digits_can_be_heard_with_no_other_count() -> None:
    exact = grammar(Expects(type="digits", min_digits=8, max_digits=8), [])
    assert "public <answer> = " + " ".join(["<digit>"] * 8) + " | skip" in exact


def test_a_number_of_three_to_five_digits_can_be_heard_with_any_of_these_counts() -> None:
    some = grammar(Expects(type="digits", min_digits=3, max_digits=5), [])
    assert "<digit> <digit> <digit> [<digit> [<digit>]] | skip" in some


def test_choices_and_labels_can_be_heard_as_the_form_has_them() -> None:
    assert "(collision | break down)" in grammar(
        Expects(type="choice", choices=("collision", "break_down")), []
    )
    assert "[the] (date | zip code)" in grammar(None, ["date", "zip code"])


# --- the verdict ----------------------------------------------------------------------------------


def state(**fields: object) -> SessionState:
    legs = [Leg(number=1, opened_at=MONDAY, reason="drop"), Leg(number=2, opened_at=MONDAY)]
    common = {"session_id": "s", "form": FORM, "created_at": MONDAY, "updated_at": MONDAY}
    return SessionState.model_validate({**common, "legs": legs, "leg": 1, **fields})


GOOD = Outcome(
    cut_off=Reply(say="", field="postal_code"),
    greeted=Reply(say="", field="postal_code", restored=True),
    before=state(),
    after=state(status="completed", turns=18),
    turns=18,
    missed=(),
)


def test_kept_promises_pass() -> None:
    assert verdict(Screen(), GOOD)


@pytest.mark.parametrize(
    "outcome",
    [
        replace(GOOD, missed=("policy_number",)),
        replace(GOOD, after=state(status="confirming", turns=18)),
        replace(GOOD, greeted=Reply(say="", field="postal_code")),
        replace(GOOD, greeted=Reply(say="", field="policy_number", restored=True)),
        replace(GOOD, after=state(status="completed", turns=19)),
        replace(GOOD, after=state(status="completed", turns=17)),
        replace(GOOD, after=state(status="completed", turns=18, legs=[])),
    ],
    ids=["other", "not done", "new caller", "other question", "twice", "lost", "no drop"],
)
def test_any_other_outcome_fails(outcome: Outcome) -> None:
    assert not verdict(Screen(), outcome)


# --- the tape -------------------------------------------------------------------------------------


def test_captions_stand_where_the_words_are_on_the_tape() -> None:
    tape = Tape()
    tape.say("Agent", "Hello.", silence(1))
    tape.wait(0.5)
    tape.say("Caller", "yes", silence(62))
    assert tape.seconds == seconds_of(bytes(tape.sound)) == 63.5
    assert tape.captions() == (
        "WEBVTT\n\n00:00.000 --> 00:01.000\n<v Agent>Hello.\n"
        "\n00:01.500 --> 01:03.500\n<v Caller>yes\n"
    )


def test_what_is_kept_is_a_call_that_went_well_after_mishearings() -> None:
    kept = json.loads((KEPT / "result.json").read_text("utf-8"))
    captions = (KEPT / "call.vtt").read_text("utf-8")
    assert (kept["as_meant"], kept["status"]) == (True, "completed")
    assert kept["answers"]["policy_number"] == "44129907"
    assert "Welcome back." in captions
    assert kept["misheard"]
    for one in kept["misheard"]:
        assert f"<v Caller>{one['said']}\n<i>heard: {one['heard'] or 'nothing'}</i>" in captions


def test_the_kept_recording_is_small_and_as_long_as_its_captions() -> None:
    recording = (KEPT / "call.ogg").read_bytes()
    kept = json.loads((KEPT / "result.json").read_text("utf-8"))
    last = re.findall(r"--> (\d+):([\d.]+)", (KEPT / "call.vtt").read_text("utf-8"))[-1]
    assert recording.startswith(b"OggS")
    assert len(recording) <= MOST_KEPT_BYTES
    assert kept["recording_seconds"] == pytest.approx(int(last[0]) * 60 + float(last[1]), abs=0.1)


# --- the call -------------------------------------------------------------------------------------


def test_without_espeak_ng_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(SpeechError, match=r"^There is no espeak-ng here: install it"):
        Voice("en-us")


def called(*options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(SPEECH / "call.py"), *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )


@pytest.mark.long
@needs_speech
def test_a_call_with_real_speech_fills_the_form_as_meant_over_a_line_that_is_cut() -> None:
    told = called()
    assert told.returncode == 0, told.stdout + told.stderr
    assert told.stdout.count("✓") == 5
    assert "✗" not in told.stdout
    for part in ("the line is cut; heard so far:", "Welcome back.", "MISHEARD"):
        assert part in told.stdout
    assert told.stderr == ""


@pytest.mark.long
@needs_speech
def test_the_kept_recording_can_be_heard_again() -> None:
    soundfile = pytest.importorskip("soundfile", reason="needs soundfile")
    from examples.speech.ears import Recogniser

    said = digit_by_digit("44129907")
    captions = (KEPT / "call.vtt").read_text("utf-8")
    cues = re.findall(rf"(\d+):([\d.]+) --> (\d+):([\d.]+)\n<v Caller>{said}\n", captions)
    *_, cue = cues  # Once more, in one go.
    begin, end = (2 * round((int(cue[at]) * 60 + float(cue[at + 1])) * RATE) for at in (0, 2))
    with soundfile.SoundFile(KEPT / "call.ogg") as recording:
        sound = bytes(recording.buffer_read(dtype="int16"))[begin:end]
    rules = grammar(Expects(type="digits", min_digits=8, max_digits=8), [])
    assert Recogniser().hear(sound, rules) == said


@pytest.mark.long
@needs_speech
def test_without_a_gateway_one_sentence_says_so() -> None:
    told = called("--url", "http://127.0.0.1:1")
    assert told.returncode == 1
    assert re.fullmatch(r"Error: The gateway does not answer http://127.0.0.1:1/.*\n", told.stderr)


@pytest.mark.long
@needs_speech
@pytest.mark.parametrize("digits", ["44129907", "31415926", "80085000"])
def test_digits_that_are_said_in_one_go_are_heard(digits: str) -> None:
    from examples.speech.caller import PACES
    from examples.speech.conversation import CALLER_VOICE
    from examples.speech.ears import Recogniser

    said = digit_by_digit(digits)
    rules = grammar(Expects(type="digits", min_digits=8, max_digits=8), [])
    assert Recogniser().hear(Voice(CALLER_VOICE).say(said, PACES[1]), rules) == said
