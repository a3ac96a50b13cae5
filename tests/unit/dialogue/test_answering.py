"""Asking, answering, refusing; words, keys and n-best lists."""

import pytest

from tests.unit.dialogue.talk import field, form, talk
from turnkeeper.contract import Turn
from turnkeeper.forms.model import Field

POLICY = field("policy_number", "digits", length=4)
DAY = field("day", "date", max="today", label="date")
TIME = field("hour", "time", label="time")
PHONE = field("phone", "phone")
THEFT = field("theft", "boolean")
REPORT = field("report", "text", when="theft")
EMAIL = field("email", "email", required=False)


def test_the_first_unfilled_field_is_asked_until_all_are_filled() -> None:
    caller, agent = talk(form(POLICY, DAY))
    agent.asks("policy_number")
    caller.says("one two three four")
    agent.recorded(policy_number="1234")
    agent.asks("day")
    caller.says("last tuesday")
    agent.recorded(day="2026-11-17")
    agent.reads_everything_back()
    agent.says("Policy number: 1 2 3 4.", "Date: Tuesday, November 17, 2026.")
    caller.says("yes that's right")
    agent.is_done()
    agent.says("Thank you.")


def test_a_form_without_a_final_read_back_is_submitted_when_it_is_full() -> None:
    caller, agent = talk(form(POLICY, confirm=False, goodbye="Bye, {policy_number}."))
    caller.says("1234")
    agent.is_done()
    agent.says("Bye, 1 2 3 4.")


def test_a_field_is_asked_only_while_its_condition_holds() -> None:
    caller, agent = talk(form(THEFT, REPORT, POLICY))
    caller.says("no")
    agent.asks("policy_number")
    caller.says("change theft to yes")
    agent.asks("report")


def test_a_refused_value_is_named_with_its_reason_and_asked_again_tapered() -> None:
    caller, agent = talk(form(POLICY, DAY))
    caller.says("1234")
    caller.says("tomorrow")
    agent.refused("day", "too_late")
    agent.asks("day", again=True)
    assert agent.reply.say.startswith(agent.reply.rejected[0].say)
    agent.knows(policy_number="1234")


def test_the_last_prompt_stays_and_carries_the_apology() -> None:
    caller, agent = talk(form(POLICY))
    caller.says("potato")
    assert agent.reply.say == "policy number again?"
    caller.says("potato")
    assert agent.reply.say == "Sorry, I didn't understand that. policy number again?"
    assert caller.state.nomatches == 2


def test_silence_is_counted_apart_from_nonsense() -> None:
    caller, agent = talk(form(POLICY))
    caller.says("")
    caller.event("noinput")
    agent.says("I didn't hear anything.")
    caller.event("nomatch")
    assert (caller.state.noinputs, caller.state.nomatches) == (2, 1)
    assert caller.state.misses == {"policy_number": 3}


def test_an_answer_ends_the_count_of_failures() -> None:
    caller, _ = talk(form(POLICY, DAY))
    caller.says("potato")
    caller.says("1234")
    assert caller.state.misses == {}


def test_other_fields_named_in_the_same_breath_are_filled_too() -> None:
    caller, agent = talk(form(POLICY, DAY, PHONE))
    caller.says("my policy number is 1234 and the date was last tuesday")
    agent.recorded(policy_number="1234", day="2026-11-17")
    agent.asks("phone")


def test_what_a_date_leaves_over_goes_to_the_time_after_it() -> None:
    caller, agent = talk(form(field("day", "date"), TIME))
    caller.says("tomorrow at five pm")
    agent.recorded(day="2026-11-23", hour="17:00")


def test_a_story_is_not_searched_for_other_fields() -> None:
    caller, agent = talk(form(field("story"), field("first_name", "name"), DAY))
    words = "i lost my first name is on the bag and the date is unclear"
    caller.says(words)
    assert set(agent.reply.recorded) == {"story"}


def test_a_time_left_over_by_a_date_may_be_ambiguous_itself() -> None:
    caller, agent = talk(form(field("day", "date"), TIME))
    caller.says("tomorrow at five")
    agent.recorded(day="2026-11-23")
    agent.refused("hour", "ambiguous")
    caller.says("pm")
    agent.recorded(hour="17:00")


def test_an_ambiguous_time_is_asked_and_completed_by_two_letters() -> None:
    caller, agent = talk(form(TIME))
    caller.says("at five")
    agent.refused("hour", "ambiguous")
    assert agent.reply.say == "Is that 5:00 AM or 5:00 PM?"
    caller.says("p m")
    agent.recorded(hour="17:00")


def test_digits_given_in_two_halves_are_put_together() -> None:
    caller, agent = talk(form(POLICY))
    caller.says("one two")
    agent.refused("policy_number", "incomplete")
    caller.says("three four")
    agent.recorded(policy_number="1234")


def test_the_first_hypothesis_that_reads_as_a_value_wins() -> None:
    caller, agent = talk(form(POLICY))
    caller.says("want to", ("want to", 0.9), ("one two three", 0.8), ("1234", 0.7), ("4321", 0.6))
    agent.recorded(policy_number="1234")


def test_what_was_heard_badly_is_not_understood() -> None:
    caller, agent = talk(form(POLICY))
    caller.says("1234", confidence=0.39)
    agent.asks("policy_number", again=True)
    caller.says("1234", ("1234", 0.2), ("4321", 0.6))
    agent.recorded(policy_number="4321")


def test_keys_answer_with_or_without_the_terminator() -> None:
    caller, agent = talk(form(POLICY, THEFT))
    caller.keys("12#")
    agent.refused("policy_number", "incomplete")
    caller.keys("1234#")
    agent.recorded(policy_number="1234")
    caller.keys("2")
    agent.recorded(theft=False)
    agent.reads_everything_back()
    caller.keys("7")
    agent.reads_everything_back()
    caller.keys("1")
    agent.is_done()


def test_a_star_repeats_and_a_hash_alone_is_silence() -> None:
    caller, agent = talk(form(POLICY))
    said = agent.reply.say
    caller.keys("*")
    assert agent.reply.say == said
    caller.keys("#")
    assert caller.state.noinputs == 1


def test_the_reply_says_what_the_recogniser_should_expect() -> None:
    colour = field("colour", "choice", choices=({"value": "red"}, {"value": "blue"}))
    caller, agent = talk(form(colour, POLICY, field("pin", "digits", length=(4, 8))))
    assert agent.reply.expects is not None
    assert agent.reply.expects.choices == ("red", "blue")
    caller.says("red")
    assert (agent.reply.expects.min_digits, agent.reply.expects.max_digits) == (4, 4)
    caller.says("1234")
    assert (agent.reply.expects.min_digits, agent.reply.expects.max_digits) == (4, 8)
    caller.says("12345")
    assert agent.reply.expects.type == "confirmation"


def test_progress_counts_the_fields_that_are_asked_as_things_stand() -> None:
    caller, agent = talk(form(THEFT, REPORT, EMAIL))
    assert (agent.reply.progress.done, agent.reply.progress.total) == (0, 2)
    caller.says("yes")
    assert (agent.reply.progress.done, agent.reply.progress.total) == (1, 3)


def test_what_was_heard_up_to_is_taken_without_harm() -> None:
    caller, agent = talk(form(POLICY))
    caller.sends(Turn(leg=1, utterance_id="u", text="1234", said="policy nu"))
    agent.recorded(policy_number="1234")


@pytest.mark.parametrize("words", ["x" * 50_000, "\x00" * 100, "no wait " * 5_000, "🙂" * 9_000])
def test_any_words_get_a_bounded_answer(words: str) -> None:
    story: Field = field("story", required=True)
    caller, agent = talk(form(POLICY, story))
    caller.says(words)
    caller.program(policy_number="1234")
    caller.says(words)
    assert len(agent.reply.say) < 4_000
    assert caller.state.last_turn is not None
    assert len(caller.state.last_turn.heard) <= 500
