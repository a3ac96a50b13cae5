"""Corrections of what was said before; what they bring down and bring back."""

import pytest

from tests.unit.dialogue.talk import Agent, Caller, field, form, talk

FORM = form(
    field("policy_number", "digits", length=4),
    field("first_name", "name", label="name"),
    field("day", "date", label="date of the incident", max="today"),
    field("theft", "boolean"),
    field("report", "digits", length=3, when="theft"),
    field("phone", "phone"),
)


@pytest.fixture
def midway() -> tuple[Caller, Agent]:
    """Policy number, name and date are answered; theft is asked."""
    caller, agent = talk(FORM)
    caller.says("1234")
    caller.says("Ada Lovelace")
    caller.says("last tuesday")
    agent.asks("theft")
    return caller, agent


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        ("no wait, it was last monday", "day", "2026-11-16"),
        ("actually it was last monday", "day", "2026-11-16"),
        ("i mean last monday", "day", "2026-11-16"),
        ("sorry, i meant monday", "day", "2026-11-16"),
        ("change the date to monday", "day", "2026-11-16"),
        ("can you please change the date of the incident to monday", "day", "2026-11-16"),
        ("change the date from tuesday to monday", "day", "2026-11-16"),
        ("the policy number is 4321 not 1234", "policy_number", "4321"),
        ("my policy number is actually 4321", "policy_number", "4321"),
        ("no wait the policy number is 4321", "policy_number", "4321"),
        ("my name is actually Grace Hopper", "first_name", "Grace Hopper"),
        ("change my name to Grace Hopper", "first_name", "Grace Hopper"),
    ],
)
def test_an_earlier_answer_is_corrected(
    midway: tuple[Caller, Agent], words: str, name: str, value: str
) -> None:
    caller, agent = midway
    caller.says(words)
    agent.recorded(**{name: value})
    agent.says("I've changed the")
    agent.asks("theft")


def test_a_wrong_correction_leaves_the_good_value_and_asks_for_another(
    midway: tuple[Caller, Agent],
) -> None:
    caller, agent = midway
    caller.says("no wait, the policy number is 12")
    agent.refused("policy_number", "incomplete")
    agent.asks("policy_number", again=True)
    assert caller.state.values()["policy_number"] == "1234"
    caller.says("skip")
    agent.asks("theft")
    assert caller.state.values()["policy_number"] == "1234"


@pytest.mark.parametrize(
    "words", ["change the date", "the date is wrong", "i want to change my date"]
)
def test_a_field_that_is_only_named_is_asked_again(
    midway: tuple[Caller, Agent], words: str
) -> None:
    caller, agent = midway
    caller.says(words)
    agent.asks("day")
    assert caller.state.values()["day"] == "2026-11-17"
    caller.says("monday")
    agent.recorded(day="2026-11-16")
    agent.asks("theft")


def test_a_no_to_a_boolean_is_an_answer_and_no_correction(midway: tuple[Caller, Agent]) -> None:
    caller, agent = midway
    caller.says("no, it wasn't")
    agent.recorded(theft=False)


def test_answers_whose_condition_fell_are_put_away_and_come_back(
    midway: tuple[Caller, Agent],
) -> None:
    caller, agent = midway
    caller.says("yes")
    agent.asks("report")
    caller.says("123")
    caller.says("change theft to no")
    assert agent.reply.removed == ("report",)
    assert "report" not in caller.state.values()
    agent.asks("phone")
    caller.says("change theft to yes")
    agent.recorded(theft=True, report="123")
    agent.asks("phone")


def test_a_marker_before_a_plain_answer_does_no_harm() -> None:
    caller, agent = talk(FORM)
    caller.says("1234")
    caller.says("actually it's Ada Lovelace")
    agent.recorded(first_name="Ada Lovelace")
    caller.says("um actually last tuesday")
    agent.recorded(day="2026-11-17")


def test_any_field_of_the_last_turn_is_corrected_without_its_name() -> None:
    caller, agent = talk(
        form(field("day", "date"), field("hour", "time"), field("seats", "number"))
    )
    caller.says("tomorrow at five pm")
    caller.says("no wait, on friday")
    agent.recorded(day="2026-11-27")
    agent.asks("seats")


def test_a_story_that_begins_like_a_correction_corrects_nothing() -> None:
    caller, agent = talk(form(field("day", "date"), field("story"), field("policy_number")))
    caller.says("last tuesday")
    caller.says("actually on friday a tree fell on the car")
    agent.asks("policy_number")
    assert caller.state.values()["day"] == "2026-11-17"
