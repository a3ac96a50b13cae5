"""A count before its noun: "three nights, two adults and no children"."""

import pytest

from tests.unit.dialogue.talk import field, form, talk

HOTEL = form(
    field("nights", "number"),
    field("adults", "number"),
    field("children", "number"),
    field("day", "date"),
    field("story"),
)


@pytest.mark.parametrize(
    ("words", "recorded"),
    [
        ("three nights, two adults and no children", {"nights": 3, "adults": 2, "children": 0}),
        ("two nights, 1 adult", {"nights": 2, "adults": 1}),
        ("two adults and one child", {"adults": 2, "children": 1}),
        ("three nights two adults no children", {"nights": 3, "adults": 2, "children": 0}),
        ("three, and two adults", {"nights": 3, "adults": 2}),
        ("twenty one nights and two adults", {"nights": 21, "adults": 2}),
        ("three nights", {"nights": 3}),
        ("nights three adults two", {"nights": 3, "adults": 2}),
        ("nights three, two adults", {"nights": 3, "adults": 2}),
        ("nights is three and adults is two", {"nights": 3, "adults": 2}),
        ("three nights for two people", {"nights": 3}),
        ("two nights, sorry, three nights", {"nights": 3}),
    ],
)
def test_a_number_belongs_to_the_name_beside_it(words: str, recorded: dict[str, int]) -> None:
    caller, agent = talk(HOTEL)
    caller.says(words)
    agent.recorded(**recorded)
    assert "changed" not in agent.reply.say


@pytest.mark.parametrize(
    ("words", "known"),
    [
        ("no, two children", {"nights": 3, "adults": 1, "children": 2}),
        ("two", {"nights": 3, "adults": 1, "children": 2}),
        ("no children", {"nights": 3, "adults": 1, "children": 0}),
        ("no, two adults", {"nights": 3, "adults": 2}),
        ("no wait, four nights", {"nights": 4, "adults": 1}),
        ("two children, and it's four nights", {"nights": 4, "adults": 1, "children": 2}),
    ],
)
def test_a_count_for_the_asked_or_an_earlier_field(words: str, known: dict[str, int]) -> None:
    caller, agent = talk(HOTEL)
    caller.says("three nights, one adult")
    agent.asks("children")
    caller.says(words)
    agent.knows(**known)


def test_a_count_leaves_the_words_before_it_to_the_asked_field() -> None:
    caller, agent = talk(form(field("day", "date"), field("nights", "number"), field("note")))
    caller.says("friday for two nights")
    agent.recorded(day="2026-11-27", nights=2)


def test_a_story_is_not_searched_for_counts() -> None:
    caller, agent = talk(HOTEL)
    caller.says("three nights, one adult, no children")
    caller.says("tomorrow")
    caller.says("there were two adults in the car")
    agent.recorded(story="there were two adults in the car")


@pytest.mark.parametrize("words", ["make it four nights", "that's right but four nights"])
def test_a_count_is_a_change_at_the_final_read_back(words: str) -> None:
    caller, agent = talk(form(field("nights", "number"), field("adults", "number")))
    caller.says("three nights, one adult")
    agent.reads_everything_back()
    caller.says(words)
    agent.recorded(nights=4)
    agent.reads_everything_back()


def test_a_count_leaves_what_the_asked_field_leaves_to_the_fields_after_it() -> None:
    caller, agent = talk(
        form(field("day", "date"), field("hour", "time"), field("seats", "number"), field("note"))
    )
    caller.says("tomorrow at seven pm for four seats")
    agent.recorded(day="2026-11-23", hour="19:00", seats=4)
