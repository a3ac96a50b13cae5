"""A caller asks for a person, an operator takes one, a caller rings back."""

from datetime import timedelta

import pytest

from tests.unit.dialogue.talk import Agent, Caller, field, form, talk
from turnkeeper.dialogue.commands import command_in

POLICY = field("policy_number", "digits", length=4)
STORY = field("story")
DAY = field("day", "date")
PERSON = "One moment, I'll connect you to someone who can help."


def helped() -> tuple[Caller, Agent]:
    """A caller of a form that has a person to hand them off to."""
    return talk(form(POLICY, STORY, DAY, hand_off="+14155550199"))


@pytest.mark.parametrize(
    "words",
    [
        "operator",
        "Agent!",
        "uh, operator please",
        "no, operator",
        "let me talk to a person",
        "Let me talk to a human.",
        "can I speak to someone please",
        "could you put me through to an agent",
        "I want to speak with a representative",
        "I'd like to talk to somebody",
        "I need a human being",
        "I'd like an agent",
        "transfer me",
    ],
)
def test_a_caller_who_asks_for_a_person_is_handed_off(words: str) -> None:
    caller, agent = helped()
    caller.says(words)
    assert (agent.reply.status, agent.reply.next) == ("handed_off", "transfer")
    assert (agent.reply.say, agent.reply.transfer_to) == (PERSON, "+14155550199")
    assert (agent.reply.field, agent.reply.expects) == (None, None)


@pytest.mark.parametrize(
    "words",
    [
        "I am an agent",
        "an agent",
        "the other person ran a red light",
        "a person",
        "someone",
        "I was talking to a person when it happened",
        "the operator of the crane",
        "human error",
    ],
)
def test_an_answer_in_which_a_person_comes_up_is_an_answer(words: str) -> None:
    caller, agent = helped()
    caller.says("1234")
    caller.says(words)
    agent.knows(policy_number="1234", story=words)
    assert agent.reply.status == "collecting"
    assert agent.reply.transfer_to is None


def test_a_choice_whose_words_ask_for_a_person_is_an_answer() -> None:
    who = field("who", "choice", choices=({"value": "operator"}, {"value": "owner"}))
    caller, agent = talk(form(who, DAY, hand_off="desk"))
    caller.says("operator")
    agent.recorded(who="operator")


def test_where_there_is_nobody_the_words_are_no_command() -> None:
    caller, agent = talk(form(STORY, DAY))
    assert command_in("operator", None) == "hand_off"
    caller.says("operator")
    agent.recorded(story="operator")
    caller.says("let me talk to someone")
    agent.asks("day", again=True)


def test_where_there_is_nobody_a_program_is_told_so_and_the_question_stays() -> None:
    caller, agent = talk(form(POLICY))
    caller.event("hand_off")
    agent.says("there is nobody here that I can connect you to")
    agent.asks("policy_number")
    assert (agent.reply.status, agent.reply.transfer_to) == ("collecting", None)
    assert caller.state.misses == {}


def test_a_program_hands_off_by_its_event() -> None:
    caller, agent = helped()
    caller.event("hand_off")
    assert (agent.reply.next, agent.reply.transfer_to) == ("transfer", "+14155550199")


def test_an_operator_hands_off_whatever_the_form_says() -> None:
    caller, agent = talk(form(POLICY, DAY))
    caller.says("1234")
    caller.hands_off()
    assert (agent.reply.status, agent.reply.next) == ("handed_off", "transfer")
    assert (agent.reply.say, agent.reply.transfer_to) == (PERSON, None)
    agent.knows(policy_number="1234")


def test_a_session_that_has_ended_is_not_handed_off() -> None:
    caller, agent = helped()
    caller.cancels()
    before = caller.state
    caller.hands_off()
    assert caller.state == before
    assert agent.reply.next == "hang_up"


def test_a_session_that_is_handed_off_takes_no_turn_and_says_so() -> None:
    caller, agent = helped()
    caller.says("operator")
    before = caller.state
    for _ in range(2):
        caller.says("1234")
        caller.hands_off()
    assert caller.state == before
    assert agent.reply.say == "A colleague is taking this over. Please hold."
    assert (agent.reply.next, agent.reply.transfer_to) == ("transfer", "+14155550199")


def test_a_caller_who_rings_back_goes_on_with_the_pending_question() -> None:
    caller, agent = helped()
    caller.says("1234")
    caller.says("let me talk to a person")
    caller.connects(after=timedelta(hours=1))
    agent.says("Welcome back.", "policy number: 1 2 3 4")
    agent.asks("story")
    assert (agent.reply.status, agent.reply.restored) == ("collecting", True)
    assert agent.reply.transfer_to is None


def test_a_caller_without_answers_who_rings_back_is_greeted_and_asked() -> None:
    caller, agent = helped()
    caller.says("operator")
    caller.connects()
    assert agent.reply.say == "Hello. A claim. policy number?"


def test_a_read_back_that_was_open_is_asked_again_when_the_caller_rings_back() -> None:
    caller, agent = helped()
    caller.program(policy_number="1234", story="a tree fell", day="2026-11-17")
    agent.reads_everything_back()
    caller.says("no, let me talk to a person")
    assert agent.reply.next == "transfer"
    caller.connects()
    agent.reads_everything_back()
    caller.says("yes")
    agent.is_done()


def test_a_session_that_is_handed_off_can_be_cancelled() -> None:
    caller, agent = helped()
    caller.says("operator")
    caller.cancels()
    assert (agent.reply.status, agent.reply.next) == ("cancelled", "hang_up")
