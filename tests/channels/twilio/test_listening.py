"""What is one turn of a caller's: keys, words, silence, and what they had heard by then."""

import pytest
from fastapi import FastAPI

from tests.channels.claim import state_of
from turnkeeper.contract import Expects
from turnkeeper.gateway.twilio import sentences
from turnkeeper.gateway.twilio.frames import Dtmf, Info, Interrupt, Prompt
from turnkeeper.gateway.twilio.listening import Heard, Listening, Playback, seconds_to_say
from turnkeeper.relay_caller import calling
from turnkeeper.testing import MemorySessions


@pytest.mark.usefixtures("quick")
async def test_silence_is_a_noinput_and_after_three_of_them_the_call_ends_and_the_form_stays(
    app: FastAPI, sessions: MemorySessions
) -> None:
    async with calling(app, "claim", timeout="0.1") as call:
        await call.ring()
        heard = [await call.listen() for _ in range(4)]
        assert heard[3] == sentences.STILL_SILENT
        assert [verb.tag for verb in await call.finish()] == ["Hangup"]
    assert heard[0] == "Four digits please."
    assert heard[1:3] == ["Sorry, I didn't hear anything. Four digits please."] * 2
    assert call.handoff == {"reason": "noinput"}
    assert (await state_of(sessions)).status == "collecting"


POLICY = Expects(type="digits", min_digits=4, max_digits=4)
YES_NO = Expects(type="boolean")


def prompt(words: str, *, last: bool = True) -> Prompt:
    return Prompt(type="prompt", voice_prompt=words, last=last)


def key(digit: str) -> Dtmf:
    return Dtmf(type="dtmf", digit=digit)


def reports(who: str, value: str) -> Info:
    return Info(type="info", name=who, value=value)


# --- keys and words -------------------------------------------------------------------------------


def test_keys_are_one_input_when_no_more_can_follow() -> None:
    line = Listening()
    line.ask(POLICY)
    assert [line.hear(key(digit), 1.0) for digit in "432"] == [None] * 3
    assert line.hear(key("1"), 1.0) == Heard(dtmf="4321")


def test_keys_end_with_the_terminator_or_a_pause() -> None:
    line = Listening(interdigit_timeout=3.0)
    assert [line.hear(each, 5.0) for each in (key("4"), key("#"))] == [None, Heard(dtmf="4#")]
    assert line.hear(key("4"), 7.0) is None
    assert line.hear(key("3"), 8.0) is None
    assert (line.deadline(), line.overdue()) == (11.0, Heard(dtmf="43"))


def test_a_star_alone_is_not_waited_for() -> None:
    assert Listening().hear(key("*"), 1.0) == Heard(dtmf="*")


def test_keys_pressed_ahead_answer_the_question_that_comes() -> None:
    line = Listening()
    line.ask(POLICY)
    assert line.hear(key("1"), 1.0) is None
    assert line.ask(YES_NO) == Heard(dtmf="1")


def test_keys_and_words_beside_each_other_are_one_turn() -> None:
    line = Listening()
    line.hear(key("4"), 1.0)
    assert line.hear(prompt("that is four"), 1.5) == Heard(text="that is four", dtmf="4")
    assert line.hear(prompt("again"), 2.0) == Heard(text="again")


# --- silence --------------------------------------------------------------------------------------


def test_silence_counts_from_the_end_of_what_was_said_as_the_platform_reports_it() -> None:
    line = Listening(timeout=8.0)
    line.spoke("Policy number?", 100.0)
    estimated = 100.0 + seconds_to_say("Policy number?") + 8.0
    assert line.deadline() == estimated
    line.hear(reports("agentSpeaking", "on"), 100.4)
    assert (line.deadline() or 0) > estimated
    line.hear(reports("agentSpeaking", "off"), 101.4)
    assert line.deadline() == 109.4


def test_silence_does_not_count_while_the_caller_speaks() -> None:
    line = Listening(timeout=8.0)
    line.hear(reports("clientSpeaking", "on"), 10.0)
    assert line.deadline() == 48.0
    line.hear(reports("clientSpeaking", "off"), 12.0)
    assert line.deadline() == 20.0
    line.hear(prompt("four", last=False), 13.0)
    assert line.deadline() == 21.0


def test_no_timeout_is_no_deadline() -> None:
    assert Listening(timeout=0).deadline() is None


# --- what was heard -------------------------------------------------------------------------------


def test_a_report_about_an_older_text_does_not_end_the_newer_one() -> None:
    playback = Playback()
    playback.began("One.", 0.0)
    playback.reported("on", 0.5)
    playback.began("A newer text that takes its place.", 1.0)
    playback.reported("off", 1.1)
    assert playback.ends == 1.0 + seconds_to_say("A newer text that takes its place.")


def test_what_was_heard_of_an_older_text_is_not_taken_for_the_newer_one() -> None:
    """It came while the turn was under way, and is handled after its reply."""
    line = Listening(timeout=8.0)
    line.spoke("Was anything stolen?", 10.0)
    deadline = line.deadline()
    line.hear(Interrupt(type="interrupt", utterance_until_interrupt="One mom"), 9.0)
    line.hear(reports("agentSpeaking", "on"), 9.1)
    line.hear(reports("agentSpeaking", "off"), 9.2)
    assert line.deadline() == deadline
    assert line.hear(prompt("no"), 12.0) == Heard(text="no")


def test_a_barge_in_ends_what_was_being_said_and_is_told_once() -> None:
    line = Listening(timeout=8.0)
    line.spoke("A long question?" * 20, 0.0)
    line.hear(Interrupt(type="interrupt", utterance_until_interrupt="A long"), 3.0)
    assert line.deadline() == 11.0
    assert line.hear(prompt("four"), 4.0) == Heard(text="four", said="A long")
    assert line.hear(prompt("five"), 5.0) == Heard(text="five")


def test_a_barge_in_that_silence_follows_is_not_told_of_the_next_reply() -> None:
    line = Listening(timeout=8.0)
    line.spoke("A long question?" * 20, 0.0)
    line.hear(Interrupt(type="interrupt", utterance_until_interrupt="A long"), 3.0)
    assert line.overdue() == Heard(event="noinput", said="A long")
    assert line.hear(prompt("four"), 20.0) == Heard(text="four")
