"""What an answer says beside its value, and whether it changes another answer."""

import pytest

from tests.unit.dialogue.talk import Agent, Caller, field, form, talk
from turnkeeper.forms.model import Field


def choice(name: str, *values: str, **more: object) -> Field:
    return field(name, "choice", choices=tuple({"value": value} for value in values), **more)


PIZZA = form(
    choice("kind", "margherita", "pepperoni", "veggie"),
    choice("size", "small", "medium", "large"),
    field("count", "number", whole=True, min=1, max=20, label="number of pizzas"),
    field("extra_cheese", "boolean"),
    field("address"),
)


def ordering(*said: str) -> tuple[Caller, Agent]:
    """A caller who has said this to the pizza form."""
    caller, agent = talk(PIZZA)
    for words in said:
        caller.says(words)
    return caller, agent


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("make that two", 2),
        ("make it three", 3),
        ("actually two", 2),
        ("scratch that, two", 2),
        ("no wait make that three", 3),
        ("two", 2),
    ],
)
def test_a_bare_number_answers_what_is_asked_and_changes_no_choice(words: str, count: int) -> None:
    caller, agent = ordering("pepperoni", "large")
    caller.says(words)
    agent.recorded(count=count)
    agent.knows(kind="pepperoni", size="large", count=count)


@pytest.mark.parametrize("words", ["wait no make that three", "actually two", "three"])
def test_a_bare_number_is_no_choice_that_no_prompt_numbered(words: str) -> None:
    caller, agent = ordering("pepperoni")
    caller.says(words)
    agent.asks("size", again=True)
    agent.knows(kind="pepperoni")


@pytest.mark.parametrize(
    "words", ["option three", "the third one", "I'll take option three", "the last one"]
)
def test_a_place_that_is_said_to_be_one_is_a_choice(words: str) -> None:
    caller, agent = ordering("pepperoni")
    caller.says(words)
    agent.recorded(size="large")


@pytest.mark.parametrize("words", ["two", "option two", "it's two"])
def test_a_bare_number_is_a_choice_where_a_prompt_numbers_them(words: str) -> None:
    listed = choice("size", "small", "medium", prompt=("1 for small, 2 for big?",))
    caller, agent = talk(form(listed))
    caller.says(words)
    agent.recorded(size="medium")


def test_a_bare_number_changes_no_choice_before_though_its_prompt_numbers_them() -> None:
    listed = choice("size", "small", "medium", prompt=("1 for small, 2 for big?",))
    caller, agent = talk(form(listed, field("count", "number")))
    caller.says("one")
    caller.says("actually two")
    agent.knows(size="small", count=2)


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        ("actually medium", {"size": "medium"}),
        ("wait, I want the medium one", {"size": "medium"}),
        ("no wait it was veggie", {"kind": "veggie"}),
        ("no it was medium", {"size": "medium"}),
        ("no make it medium please", {"size": "medium"}),
    ],
)
def test_a_choice_is_corrected_by_its_words(words: str, changed: dict[str, str]) -> None:
    caller, agent = ordering("pepperoni", "large")
    caller.says(words)
    agent.recorded(**changed)
    agent.asks("count")


@pytest.mark.parametrize(
    "words",
    [
        "no I meant 14 Oak Street",
        "actually it's 14 Oak Street",
        "no wait, I live at 14 Oak Street",
        "actually the small dog bites",
    ],
)
def test_words_that_say_more_than_a_value_correct_none(words: str) -> None:
    caller, agent = ordering("pepperoni", "large", "six")
    caller.says(words)
    agent.asks("extra_cheese", again=True)
    agent.knows(kind="pepperoni", size="large", count=6)


@pytest.mark.parametrize(
    ("words", "count"),
    [("actually just five of them please", 5), ("no wait, I want seven", 7), ("no I meant 8", 8)],
)
def test_words_that_only_carry_a_value_are_no_more_than_it(words: str, count: int) -> None:
    caller, agent = ordering("pepperoni", "large", "six")
    caller.says(words)
    agent.recorded(count=count)


SURVEY = form(
    field("spent", "number"), field("breakfast", "time"), field("allergies", "boolean"),
    field("first_name", "name", label="full name"),
)  # fmt: skip


@pytest.mark.parametrize("words", ["no, half past nine", "no, 9", "actually nine", "no, nine"])
def test_a_field_that_is_asked_back_about_comes_before_the_one_before_it(words: str) -> None:
    caller, agent = talk(SURVEY)
    caller.says("100")
    caller.says("eight")
    agent.refused("breakfast", "ambiguous")
    caller.says(words)
    agent.refused("breakfast", "ambiguous")
    caller.says("in the morning")
    assert caller.state.values()["spent"] == 100
    assert str(caller.state.values()["breakfast"]).startswith("09:")


@pytest.mark.parametrize(
    "words", ["no it was Saturday", "no, it was Saturday", "no I said Saturday"]
)
def test_a_no_without_a_comma_corrects_as_one_with_it(words: str) -> None:
    caller, agent = talk(form(field("day", "date"), field("first_name", "name"), field("phone")))
    caller.says("friday")
    caller.says(words)
    agent.recorded(day="2026-11-28")
    agent.asks("first_name")


@pytest.mark.parametrize(
    "words",
    [
        "no my name is spelled J O N E S",
        "no I already told you that",
        "no, I've just said that",
        "I don't think so, well maybe to cats",
        "no, but perhaps to cats",
    ],
)
def test_a_no_that_begins_something_else_is_no_answer(words: str) -> None:
    caller, agent = talk(SURVEY)
    caller.says("100")
    caller.says("eight in the morning")
    caller.says(words)
    agent.asks("allergies", again=True)


@pytest.mark.parametrize(
    "words",
    [
        "no",
        "no I don't",
        "no I'm not allergic to anything",
        "no, nothing at all",
        "nope, never had",
    ],
)
def test_a_no_that_says_why_is_one(words: str) -> None:
    caller, agent = talk(SURVEY)
    caller.says("100")
    caller.says("eight in the morning")
    caller.says(words)
    agent.recorded(allergies=False)


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("no, I want just five of them please", 5),
        ("no, five", 5),
        ("no, it's 14 Oak Street", 6),
        ("no, number 14 Oak Street", 6),
    ],
)
def test_at_the_end_a_number_changes_a_count_where_it_is_all_that_is_said(
    words: str, count: int
) -> None:
    caller, agent = talk(form(field("seats", "number"), field("address")))
    caller.says("six")
    caller.says("12 Oak Street")
    agent.reads_everything_back()
    caller.says(words)
    assert caller.state.values()["seats"] == count
