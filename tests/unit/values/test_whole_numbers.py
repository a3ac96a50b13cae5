"""A field of whole numbers takes no other, from a caller or from a program."""

from datetime import UTC, datetime

import pytest

from turnkeeper.forms.model import Field
from turnkeeper.values import Context, accept, read


@pytest.mark.parametrize("words", ["two and a half", "1.5", "one point five"])
def test_a_field_of_whole_numbers_takes_no_other(words: str) -> None:
    guests = Field(name="guests", type="number", prompt=("How many?",), whole=True)
    reading = read(guests, words, Context(now=datetime(2026, 3, 2, 15, tzinfo=UTC)))
    assert reading.kind == "refused"
    assert reading.refusal is not None
    assert reading.refusal.code == "not_whole"


@pytest.mark.parametrize("value", [1.5, "2.5"])
def test_a_program_may_not_give_half_a_guest_either(value: object) -> None:
    guests = Field(name="guests", type="number", prompt=("How many?",), whole=True)
    context = Context(now=datetime(2026, 3, 2, 15, tzinfo=UTC))
    assert accept(guests, value, context).kind == "refused"
    assert accept(guests, 2.0, context).value == 2
