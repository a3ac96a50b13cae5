"""Words that were once read as a value that nobody meant; where they leave doubt, none is right."""

from collections.abc import Callable

import pytest

from turnkeeper.forms.model import Choice
from turnkeeper.values import Reading

Hear = Callable[..., Reading]

NO_DATE = (
    "what did you say the day was", "what day was it", "the day", "not friday", "it's not friday",
    "any day but friday", "any day except friday", "except friday", "anything but friday",
    "no day other than friday", "it wasn't friday", "it isn't friday", "never on friday",
    "not on the fifth of june", "not tomorrow", "except june fifth",
    "the monday before last", "the week before last", "friday or saturday",
    "june the fifth or sixth", "the fifth or sixth of june", "june fifth or the sixth",
    "tomorrow or friday",
    "I sat there", "I sat down", "the sun was shining", "we wed there",
)  # fmt: skip


@pytest.mark.parametrize("text", NO_DATE)
def test_denied_doubtful_and_accidental_dates_are_none(hear: Hear, text: str) -> None:
    assert hear("date", text).kind == "none"


@pytest.mark.parametrize("text", ["june nineteen eighty four", "june 1984", "in june of 1984"])
def test_a_month_with_a_year_is_no_day(hear: Hear, text: str) -> None:
    assert hear("date", text, max="today").kind == "partial"


DATES = {
    "a week from friday": "2026-12-04", "friday week": "2026-12-04",
    "a week on friday": "2026-12-04", "two weeks from friday": "2026-12-11",
    "a week from tomorrow": "2026-11-30", "tomorrow week": "2026-11-30",
    "not this friday but next": None, "not friday but saturday": "2026-11-28",
    "not friday, saturday": "2026-11-28", "no, not tomorrow, thursday": "2026-11-26",
    "sat": "2026-11-28", "wed at 5": "2026-11-25", "on wed": "2026-11-25",
    "why not friday": "2026-11-27", "I can't do friday, monday please": "2026-11-23",
    "sat the 28th": "2026-11-28", "june fifth": "2027-06-05",
    "june fifth 1984": "1984-06-05",
    "I'm not sure but I think friday": "2026-11-27", "friday or so": "2026-11-27",
}  # fmt: skip


@pytest.mark.parametrize(("text", "day"), DATES.items())
def test_the_day_that_was_meant_is_taken(hear: Hear, text: str, day: str | None) -> None:
    assert hear("date", text).value == day


HAPPENED = (
    Choice(value="collision", synonyms=("crash",)),
    Choice(value="theft", synonyms=("stolen",)),
    Choice(value="glass", synonyms=("window",)),
)
CHOSEN = {
    "it wasn't stolen": None, "nothing was stolen": None, "it doesn't move, a crash": "collision",
    "not a stolen window": None, "it was never stolen": None, "it hasn't been stolen": None,
    "it didn't crash": None,
    "nothing was stolen but my window is broken": "glass", "it was stolen": "theft",
    "it wasn't stolen it was a crash": "collision",
    "nobody saw it, it was a crash": "collision",
}  # fmt: skip


@pytest.mark.parametrize(("text", "value"), CHOSEN.items())
def test_a_denied_choice_is_not_taken(hear: Hear, text: str, value: str | None) -> None:
    assert hear("choice", text, choices=HAPPENED).value == value


NAMED = {
    "Smith, S M I T H": "Smith", "Ann, A N N E": "Anne", "it's under Bob": "Bob",
    "under Bob Smith": "Bob Smith", "Bob Smith, S M Y T H E": "Bob Smythe",
    "Smith S-M-I-T-H": "Smith",     "Ann Smith, A N N S M I T H": "Ann Smith",
    "Oscar O S C A R": "Oscar", "John S M I T H": "John Smith", "J R R Tolkien": "J R R Tolkien",
}  # fmt: skip


@pytest.mark.parametrize(("text", "name"), NAMED.items())
def test_a_name_that_is_spelled_too_is_said_once(hear: Hear, text: str, name: str) -> None:
    assert hear("name", text).value == name


OTHERS: list[tuple[str, str, object]] = [
    ("email", "ann at example dot com no bob at example dot com", "bob@example.com"),
    ("email", "ann at example dot com no wait bob at example dot com", "bob@example.com"),
    ("email", "ann@example.com no bob@example.com", "bob@example.com"),
    ("email", "ann no at example dot com", "annno@example.com"),
    ("digits", "11/22/2026", None),
    ("digits", "on 11/22/26", None),
    ("digits", "2026/11/22", None),
    ("digits", "11 22 2026", "11222026"),
    ("digits", "441-22-2026", "441222026"),
    ("number", "at eight pm", None),
    ("number", "eight p.m.", None),
    ("number", "eight o'clock", None),
    ("number", "at 8:30 pm", None),
    ("number", "eight people", 8),
    ("number", "none", 0),
    ("number", "no", None),
    ("number", "no idea", None),
    ("number", "no two", 2),
]


@pytest.mark.parametrize(("type", "text", "value"), OTHERS)
def test_other_kinds_of_values_are_not_misread(
    hear: Hear, type: str, text: str, value: object
) -> None:
    assert hear(type, text).value == value


NONE_OF_THEM = {
    "no children": 0, "no kids": None, "none": 0, "no": None, "there are no children": 0,
    "without children": None, "no child": 0, "no children please": 0, "no, two children": 2,
    "no nights": None, "not any children": 0,
}  # fmt: skip


@pytest.mark.parametrize(("text", "count"), NONE_OF_THEM.items())
def test_no_before_the_fields_own_word_is_zero(hear: Hear, text: str, count: int | None) -> None:
    assert hear("number", text, name="children").value == count
    assert hear("number", text, name="count", label="Number of children").value == count
