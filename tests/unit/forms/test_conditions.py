"""A condition means what its grammar says, and neither a text nor an answer makes it raise."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnkeeper.errors import FormError
from turnkeeper.forms.condition import (
    MAX_DEPTH,
    MAX_LENGTH,
    Comparison,
    Condition,
    Named,
    parse_condition,
)

ANSWERS: dict[str, str | int | float | bool] = {
    "kind": "theft",
    "count": 3,
    "price": 2.5,
    "hurt": True,
    "insured": False,
    "day": "2026-11-17",
    "zero": 0,
    "empty": "",
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('kind == "theft"', True),
        ("kind == 'glass'", False),
        ('kind != "glass"', True),
        ('"theft" == kind', True),
        ('kind in ["glass", "theft"]', True),
        ('kind not in ["glass"]', True),
        ('kind not in ["theft"]', False),
        ("count == 3.0", True),
        ("count < 4", True),
        ("1 < count <= 3", True),
        ("1 < count < 3", False),
        ("price > -2", True),
        ("price < count", True),
        ("hurt", True),
        ("insured", False),
        ("not insured", True),
        ("zero", True),
        ("empty", True),
        ("hurt == true", True),
        ("hurt == True", True),
        ("insured == false", True),
        ("true", True),
        ("false", False),
        ('day >= "2026-11-01"', True),
        ('hurt and kind == "glass"', False),
        ('hurt or kind == "glass"', True),
        ("not (hurt and insured)", True),
        ("insured and hurt or hurt", True),
    ],
)
def test_a_condition_means_what_it_says(text: str, holds: bool) -> None:
    assert parse_condition(text).holds(ANSWERS) is holds


@pytest.mark.parametrize(
    "text",
    ["x", 'x == "a"', 'x != "a"', "x < 1", "x >= 1", 'x in ["a"]', 'x not in ["a"]', "x == count",
     "x == x"],
)  # fmt: skip
def test_a_field_without_an_answer_satisfies_no_comparison(text: str) -> None:
    assert not parse_condition(text).holds(ANSWERS)
    assert parse_condition(f"not ({text})").holds(ANSWERS)


@pytest.mark.parametrize(
    "text",
    ['count == "3"', 'count != "3"', 'count < "4"', "hurt == 1", "hurt != 1", "kind == true",
     "count in [true]", 'count in ["3"]', "kind < count"],
)  # fmt: skip
def test_values_of_different_kinds_satisfy_no_comparison(text: str) -> None:
    assert not parse_condition(text).holds(ANSWERS)


def test_a_condition_knows_its_fields_and_comparisons() -> None:
    condition = parse_condition('not b and (a == "x" or c) and b in [1, 2]')
    assert condition.names == ("b", "a", "c")
    assert condition.comparisons == (
        Comparison(Named("a"), "==", "x"),
        Comparison(Named("b"), "in", (1, 2)),
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not complete"),
        ("   ", "not complete"),
        ("a ==", "not complete"),
        ("a b", "not complete"),
        ("(a", "not complete"),
        ("a == 007", "not complete"),
        ("a = 1", 'use "==" to compare'),
        ("a && b", 'use "and"'),
        ("a || b", 'use "or"'),
        ("!a", 'use "not"'),
        ("a == “x”", "use straight quotes"),
        ('a == "\\x41"', "has no place"),
        ("a.b", "a field is named by its name alone"),
        ("a == f'x'", "has no place"),
        ("a + b == 1", "fields, constants and comparisons only"),
        ("a == 1e5", "has no place"),
        ("a == 1or b", "has no place"),
        ("é == 1", "has no place"),
        ("f(a)", "'f(a)' is neither a field nor a comparison"),
        ("a[0]", "neither a field nor a comparison"),
        ("[a]", "neither a field nor a comparison"),
        ("5", "'5' is neither a field nor a comparison"),
        ("a if b else c", "neither a field nor a comparison"),
        ("lambda", "not complete"),
        ("a == f(b)", "'f(b)' is neither a field nor a constant"),
        ("a == None", "'None' is neither a field nor a constant"),
        ("a == -b", "'-b' is neither a field nor a constant"),
        ("1 == 1", "compared with a constant, not with a field"),
        ("a is b", 'use "=="'),
        ("a in b", 'after "in" comes a list'),
        ("a in []", 'after "in" comes a list'),
        ("a in [b]", "text stands in quotes"),
    ],
)
def test_what_is_no_condition_says_why(text: str, why: str) -> None:
    with pytest.raises(FormError) as told:
        parse_condition(text)
    assert len(told.value.mistakes) == 1
    assert why in told.value.mistakes[0]


def test_length_and_depth_are_bounded() -> None:
    parse_condition("a" * MAX_LENGTH)
    with pytest.raises(FormError, match="longer than 500 characters"):
        parse_condition("a" * (MAX_LENGTH + 1))
    parse_condition("not " * (MAX_DEPTH - 3) + "a")
    with pytest.raises(FormError, match="more than 20 levels deep"):
        parse_condition("not " * MAX_DEPTH + "a")
    with pytest.raises(FormError, match="more than 20 levels deep"):
        parse_condition("a == " + "-" * 490 + "1")


def condition_or_none(text: str) -> Condition | None:
    try:
        return parse_condition(text)
    except FormError:
        return None


ALPHABET = """a b kind count and or not in is true false None ( ) [ ] , == != < <= > >= = - 1 2.5
    'x' "theft" lambda : f( * ** if else for \\ . é"""
WORDS = st.sampled_from(ALPHABET.split())
SCALARS = st.one_of(st.text(max_size=5), st.integers(), st.floats(), st.booleans())


@settings(max_examples=600, deadline=None)
@given(
    st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=14).map(" ".join)),
    st.dictionaries(st.sampled_from(["a", "b", "kind", "count"]), SCALARS),
)
def test_any_text_is_a_condition_that_holds_or_not_or_a_form_error(
    text: str, values: dict[str, str | int | float | bool]
) -> None:
    condition = condition_or_none(text)
    if condition is not None:
        assert condition.holds(values) in (True, False)
        assert set(condition.names) <= set(re.findall(r"\w+", text))


NAMES = st.sampled_from(["a", "b", "c"])
LEAVES = st.one_of(
    NAMES,
    st.tuples(
        NAMES, st.sampled_from(["==", "!=", "<", ">="]), st.sampled_from(["1", "'x'", "b"])
    ).map(" ".join),
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(lambda text: f"not ({text})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda p: f"({' '.join(p)})"),
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(CONDITIONS, st.dictionaries(NAMES, SCALARS))
def test_not_turns_every_condition_round(
    text: str, values: dict[str, str | int | float | bool]
) -> None:
    assert parse_condition(f"not ({text})").holds(values) is not parse_condition(text).holds(values)
