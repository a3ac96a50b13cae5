"""A template says what is known, leaves out what is not, and never raises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnkeeper.forms.template import fill, names_in, stray_braces


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hello {name}.", "Hello Ada."),
        ("Hello { name }.", "Hello Ada."),
        ("Welcome back. It was {day}. Go on?", "Welcome back. Go on?"),
        ("It was {day}!", ""),
        ("{name}, it was {day}. Yes?", "Yes?"),
        ("Write {{name}}.", "Write {name}."),
        ("A { and a }.", "A { and a }."),
        ("{name.upper} {0} {}", "{name.upper} {0} {}"),
        ("One.  Two.", "One. Two."),
        ("", ""),
    ],
)
def test_a_sentence_without_its_answer_is_left_out(text: str, said: str) -> None:
    assert fill(text, {"name": "Ada", "day": ""}) == said


def test_an_answer_is_said_as_it_is() -> None:
    """Braces and full stops in an answer are no template and end no sentence."""
    assert fill("You said {x}. Right?", {"x": "a. {y} {{"}) == "You said a. {y} {{. Right?"


def test_names_are_told_in_order_each_once() -> None:
    assert names_in("{b} {a} {{c}} {b} {d!r}") == ("b", "a")


@pytest.mark.parametrize(
    ("text", "stray"), [("{a} {{b}}", False), ("{", True), ("a}", True), ("{a.b}", True)]
)
def test_a_brace_that_is_not_around_a_name_is_stray(text: str, stray: bool) -> None:
    assert stray_braces(text) is stray


PIECES = st.lists(st.sampled_from(["{", "}", "{{", "}}", "{a}", "{b}", ". ", "x", "? "])).map(
    "".join
)


@given(st.one_of(st.text(), PIECES), st.dictionaries(st.sampled_from(["a", "b"]), st.text()))
def test_any_text_is_filled(text: str, spoken: dict[str, str]) -> None:
    filled = fill(text, spoken)
    assert isinstance(filled, str)
    if not names_in(text) and "{{" not in text and "}}" not in text:
        assert filled.split() == text.split()
