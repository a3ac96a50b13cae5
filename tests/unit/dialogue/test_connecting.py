"""Greeting, coming back, coming back late, and sessions that have ended."""

from datetime import timedelta

import pytest

from tests.unit.dialogue.talk import Agent, Caller, field, form, talk
from turnkeeper.contract import Status
from turnkeeper.dialogue.events import Moved
from turnkeeper.dialogue.evolve import fold
from turnkeeper.dialogue.status import MOVES

POLICY = field("policy_number", "digits", length=4)
PHONE = field("phone", "phone", personal=True)
DAY = field("day", "date", label="date")


def test_a_new_caller_is_greeted_and_asked_the_first_question() -> None:
    _, agent = talk(form(POLICY))
    assert agent.reply.say == "Hello. A claim. policy number?"
    assert agent.reply.restored is False


def test_the_forms_own_greeting_comes_first() -> None:
    _, agent = talk(form(POLICY, greeting="Good day, this is {title}."))
    assert agent.reply.say == "Good day, this is A claim. policy number?"


def test_a_caller_without_answers_is_greeted_again() -> None:
    caller, agent = talk(form(POLICY))
    caller.connects()
    assert agent.reply.say == "Hello. A claim. policy number?"
    assert agent.reply.restored is False


def test_a_returning_caller_hears_what_is_known_and_the_pending_question() -> None:
    caller, agent = talk(form(POLICY, PHONE, DAY))
    caller.says("1234")
    caller.says("415 555 0100")
    caller.connects(after=timedelta(days=2))
    assert agent.reply.restored is True
    agent.says("Welcome back.", "policy number: 1 2 3 4")
    assert "4 1 5" not in agent.reply.say
    agent.asks("day")


def test_the_forms_own_welcome_back_comes_first() -> None:
    own = "Welcome back. Last time you told me your {known}."
    caller, agent = talk(form(POLICY, PHONE, DAY, welcome_back=own))
    caller.program(policy_number="1234", phone="+14155550100")
    caller.connects()
    agent.says("Last time you told me your policy number and phone.")


def test_a_pending_read_back_is_asked_again_after_a_drop() -> None:
    always = field("code", "digits", length=4, confirm="always")
    caller, agent = talk(form(POLICY, always))
    caller.says("1234")
    caller.says("4321")
    caller.connects()
    agent.reads_back("code", "4321")
    caller.says("yes")
    caller.connects()
    agent.reads_everything_back()
    assert agent.reply.say.startswith("Welcome back. Let me read that back.")


STALE = {"after": timedelta(hours=24), "policy": "ask"}


def test_before_it_is_stale_a_form_just_goes_on() -> None:
    caller, agent = talk(form(POLICY, DAY, stale=STALE))
    caller.says("1234")
    caller.connects(after=timedelta(hours=23))
    agent.asks("day")


@pytest.fixture
def late() -> tuple[Caller, Agent]:
    """A caller who comes back to a form that asks whether to go on."""
    caller, agent = talk(form(POLICY, DAY, stale=STALE))
    caller.says("1234")
    caller.connects(after=timedelta(days=3))
    agent.says("You began this 3 days ago. Shall we go on with it?")
    return caller, agent


def test_a_late_caller_may_go_on(late: tuple[Caller, Agent]) -> None:
    caller, agent = late
    caller.says("yes please")
    agent.asks("day")
    agent.knows(policy_number="1234")


def test_a_late_caller_may_begin_again(late: tuple[Caller, Agent]) -> None:
    caller, agent = late
    caller.says("no")
    agent.asks("policy_number")
    agent.knows()
    assert caller.state.discarded == ({"policy_number": "1234"},)


def test_values_that_wait_for_a_read_back_outlast_the_question_whether_to_go_on() -> None:
    phone = field("phone", "phone", confirm="always")
    fax = field("fax", "phone", confirm="always")
    caller, agent = talk(form(POLICY, phone, fax, stale=STALE))
    caller.says("1234")
    caller.program(phone="+14155550100", fax="+14155550101")
    for _ in range(2):
        caller.connects(after=timedelta(days=3))
    caller.says("yes")
    agent.reads_back("phone", "+14155550100")
    caller.says("yes")
    caller.says("yes")
    agent.knows(policy_number="1234", phone="+14155550100", fax="+14155550101")


def test_a_stale_form_may_restart_or_resume_by_itself() -> None:
    restart = {"after": timedelta(hours=24), "policy": "restart"}
    caller, agent = talk(form(POLICY, DAY, stale=restart))
    caller.says("1234")
    caller.connects(after=timedelta(days=3))
    assert agent.reply.say == "Hello. A claim. policy number?"
    assert agent.reply.removed == ("policy_number",)
    assert caller.state.discarded == ({"policy_number": "1234"},)

    caller, agent = talk(form(POLICY, DAY, stale={**restart, "policy": "resume"}))
    caller.says("1234")
    caller.connects(after=timedelta(days=3))
    agent.asks("day")


@pytest.mark.parametrize(
    ("status", "words", "next_step"),
    [
        ("completed", "already done", "hang_up"),
        ("submitting", "being sent on", "hang_up"),
        ("cancelled", "cancelled", "hang_up"),
        ("expired", "expired", "hang_up"),
        ("abandoned", "nobody came back", "hang_up"),
        ("failed", "could not be sent", "hang_up"),
    ],
)
def test_a_session_that_takes_no_turns_says_how_it_stands(
    status: Status, words: str, next_step: str
) -> None:
    caller, agent = talk(form(POLICY, DAY))
    caller.says("1234")
    for step in _way_to(status):
        caller.state = fold(caller.state, [Moved(status=step)])
    caller.connects()
    agent.says(words)
    assert agent.reply.next == next_step
    assert agent.reply.restored is True
    assert (agent.reply.field, agent.reply.expects) == (None, None)


def _way_to(status: Status) -> tuple[Status, ...]:
    if status in MOVES["collecting"]:
        return (status,)
    return ("submitting", status)
