"""What callers say about the dialogue itself, and what programs send as events."""

from collections import Counter

import pytest

from tests.unit.dialogue.talk import field, form, talk
from turnkeeper.dialogue.commands import COMMANDS, EVENTS, command_in

POLICY = field("policy_number", "digits", length=4, help="It is on your card.")
DAY = field("day", "date")
EMAIL = field("email", "email", required=False)
SEATS = field("seats", "number", required=False, default=2)
STORY = field("story")


def test_every_phrase_belongs_to_one_command() -> None:
    count = Counter(phrase for command in COMMANDS.values() for phrase in command.phrases)
    assert [phrase for phrase, times in count.items() if times > 1] == []


def test_every_event_that_a_turn_can_carry_does_something() -> None:
    assert set(EVENTS) == {"noinput", "nomatch", *COMMANDS}


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("Help!", "help"),
        ("um could you repeat that please", "repeat"),
        ("sorry, what was that?", "repeat"),
        ("Let's start over, please.", "start_over"),
        ("okay go back", "back"),
        ("I'd like to cancel", "cancel"),
        ("please skip this one", "skip"),
        ("i was trying to help a friend", None),
        ("cancel culture", None),
        ("", None),
    ],
)
def test_a_command_is_the_whole_utterance_without_politeness(
    words: str, command: str | None
) -> None:
    assert command_in(words, None) == command


def test_a_choice_whose_words_are_a_command_is_an_answer() -> None:
    topic = field("topic", "choice", choices=({"value": "support", "synonyms": ("help",)},))
    caller, agent = talk(form(topic, DAY))
    caller.says("help")
    agent.recorded(topic="support")


def test_help_is_the_fields_own_and_the_question_stays() -> None:
    caller, agent = talk(form(POLICY, DAY))
    caller.says("help")
    assert agent.reply.say == "It is on your card. policy number?"
    caller.says("1234")
    caller.says("help")
    agent.says("You can answer the question")
    agent.asks("day")


def test_repeat_says_the_last_reply_again_word_for_word() -> None:
    caller, agent = talk(form(POLICY))
    caller.says("one two")
    said = agent.reply.say
    caller.says("pardon?")
    assert agent.reply.say == said
    assert caller.state.misses == {"policy_number": 1}


def test_an_optional_field_is_skipped() -> None:
    caller, agent = talk(form(EMAIL, DAY))
    caller.says("skip")
    agent.asks("day")
    agent.knows()


def test_the_default_of_a_skipped_field_is_its_answer() -> None:
    caller, agent = talk(form(SEATS, DAY))
    caller.says("skip it")
    agent.recorded(seats=2)
    assert caller.state.answers["seats"].source == "default"


def test_a_required_field_cannot_be_skipped() -> None:
    caller, agent = talk(form(POLICY, DAY))
    caller.says("skip")
    agent.says("I do need an answer to that.")
    agent.asks("policy_number")


def test_going_back_asks_the_field_before_and_keeps_its_answer() -> None:
    caller, agent = talk(form(POLICY, STORY, DAY))
    caller.says("1234")
    caller.says("a tree fell")
    caller.says("go back")
    agent.asks("story")
    caller.says("go back")
    agent.asks("policy_number")
    agent.knows(policy_number="1234", story="a tree fell")
    caller.says("4321")
    agent.asks("day")
    agent.knows(policy_number="4321", story="a tree fell")


def test_going_back_reaches_a_skipped_field() -> None:
    caller, agent = talk(form(EMAIL, DAY))
    caller.says("skip")
    caller.says("go back")
    agent.asks("email")
    caller.says("ada at example dot com")
    agent.recorded(email="ada@example.com")


def test_there_is_nothing_before_the_first_question() -> None:
    caller, agent = talk(form(POLICY))
    caller.says("go back")
    agent.says("This is the first question.")
    agent.asks("policy_number")


def test_going_back_from_the_final_read_back_asks_the_last_field() -> None:
    caller, agent = talk(form(POLICY, DAY))
    caller.says("1234")
    caller.says("last tuesday")
    caller.says("go back")
    agent.asks("day")
    assert agent.reply.status == "collecting"


def test_starting_over_is_confirmed_first() -> None:
    caller, agent = talk(form(POLICY, DAY))
    caller.says("1234")
    caller.says("start over")
    agent.says("Do you want to start over")
    agent.knows(policy_number="1234")
    caller.says("no")
    agent.asks("day")
    caller.says("start over")
    caller.says("yes")
    agent.knows()
    agent.asks("policy_number")
    assert agent.reply.removed == ("policy_number",)
    assert caller.state.discarded == ({"policy_number": "1234"},)


def test_a_question_at_the_end_leaves_the_status_alone() -> None:
    caller, agent = talk(form(POLICY))
    caller.says("1234")
    for words in ("start over", "no", "cancel", "no"):
        caller.says(words)
        assert agent.reply.status == "confirming"


def test_cancelling_is_confirmed_first() -> None:
    caller, agent = talk(form(POLICY))
    caller.says("cancel")
    agent.says("Do you want to cancel")
    assert agent.reply.confirming is None
    caller.says("never mind")
    agent.asks("policy_number")
    caller.says("cancel")
    caller.says("cancel")
    assert (agent.reply.status, agent.reply.next) == ("cancelled", "hang_up")


def test_a_program_cancels_and_starts_over_at_once() -> None:
    caller, agent = talk(form(POLICY, DAY))
    caller.program(policy_number="1234")
    caller.event("start_over")
    agent.knows()
    caller.cancels()
    assert (agent.reply.status, agent.reply.next) == ("cancelled", "hang_up")


@pytest.mark.parametrize("event", ["cancel", "help", "skip"])
def test_a_closed_session_takes_nothing_and_says_so(event: str) -> None:
    caller, agent = talk(form(POLICY))
    caller.cancels()
    before = caller.state
    caller.event(event)  # type: ignore[arg-type] # parametrized over the literal's values
    caller.cancels()
    caller.puts(policy_number="1234")
    assert caller.state == before
    agent.says("cancelled")
    assert agent.reply.next == "hang_up"


def test_a_question_about_the_form_keeps_the_read_back_that_it_interrupted() -> None:
    caller, agent = talk(form(field("phone", "phone", confirm="always"), DAY))
    caller.says("415 555 0100")
    caller.says("cancel")
    caller.says("no")
    agent.reads_back("phone", "+14155550100")
