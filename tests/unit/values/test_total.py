"""Whatever is said, keyed or sent: a reading, never an exception, and soon."""

import math
import time
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from turnkeeper.forms.model import Choice, Field
from turnkeeper.values import (
    TYPES,
    Context,
    Reading,
    accept,
    mask,
    read,
    read_dtmf,
    read_yes_no,
    speak,
    split_yes_no,
)

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
CHOICES = (Choice(value="flat_tire", synonyms=("flat",)), Choice(value="tow"))
FIELDS = [
    Field(name="answer", type=name, prompt=("Well?",), choices=CHOICES if name == "choice" else ())
    for name in TYPES
]
BOUNDED = [
    Field(name="born", type="date", prompt=("When?",), min="1900-01-01", max="today"),
    Field(name="slot", type="time", prompt=("When?",), min="09:00", max="17:00"),
    Field(name="count", type="number", prompt=("How many?",), min=1, max=9),
    Field(name="pin", type="digits", prompt=("PIN?",), length=4, secret=True),
    Field(name="code", type="digits", prompt=("Code?",), length=(4, 8), pattern=r"4\d+"),
    Field(name="note", type="text", prompt=("What?",), min=3, max=40, personal=True),
]
REGIONS = ["US", "GB", "CA", "DE", "", "??"]

WORDS = """
    one two three to for oh double triple twenty thirty hundred thousand point minus half quarter
    past at five pm am o'clock noon midnight tomorrow yesterday last next this tuesday week weeks
    ago in the of first 27th 5th november may 1986 1980 12/25 2604 yes no not right wrong sorry
    actually wait flat tow dot com gmail @ plus and a b as bravo last name first spelled please um
    12:30 0 00 99 -1 1,000 9999999999 thanksgiving before after from now christmas next year
"""
SPEECH = st.lists(st.sampled_from(WORDS.split()), max_size=14).map(" ".join)
TEXTS = st.one_of(st.text(max_size=80), SPEECH, st.tuples(SPEECH, st.text(max_size=9)).map("".join))
CONTEXTS = st.builds(
    Context,
    now=st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis wants naive bounds and a zone
    region=st.sampled_from(REGIONS),
)
JSON = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), TEXTS,
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)  # fmt: skip
AWKWARD = [
    "", " ", "\x00", "\x00\x00one\x00", "🙂🙂🙂", "١٢٣", "²", "½", "Ⅷ", "ß" * 200, "a" * 10_000,
    "nine " * 2_000, "next monday at five and tomorrow at six " * 250, "\u202e\u2066\ud800",
    "-" * 5_000,
    "@" * 500, "." * 500, "1/" * 300, "a@" * 200, "no, wait, " * 300, "00/00/0000", "0000-00-00",
    "february 30", "31/02/2020", "25:61", "in 999 years", "999 years ago", "13 am", "1/0",
]  # fmt: skip


def well_formed(reading: Reading) -> bool:
    """Each kind of reading has what the kind promises."""
    return {
        "value": reading.value is not None,
        "candidates": len(reading.candidates) > 1,
        "partial": reading.refusal is not None,
        "refused": reading.refusal is not None and reading.refusal.say.endswith("."),
        "none": reading.value is None,
    }[reading.kind]


@pytest.mark.parametrize("field", FIELDS + BOUNDED, ids=lambda field: f"{field.type}-{field.name}")
@given(text=TEXTS, context=CONTEXTS)
@settings(deadline=None, max_examples=60)
def test_a_reader_never_raises_and_what_it_reads_is_accepted_as_it_is(
    field: Field, text: str, context: Context
) -> None:
    reading = read(field, text, context)
    assert well_formed(reading)
    for value in (reading.value, *reading.candidates) if reading.kind != "partial" else ():
        if value is not None:
            again = accept(field, value, context)
            assert (again.kind, again.value) == ("value", value)
            assert speak(field, value, "en")
            assert mask(field, value, "de")


@pytest.mark.parametrize("text", AWKWARD, ids=lambda text: repr(text[:12]))
def test_awkward_text_of_any_length_gives_a_reading_within_a_second(text: str) -> None:
    context = Context(NOW)
    began = time.perf_counter()
    for field in FIELDS + BOUNDED:
        assert well_formed(read(field, text, context))
        assert well_formed(read_dtmf(field, text, context))
        assert well_formed(accept(field, text, context))
    assert read_yes_no(text) is split_yes_no(text)[0]
    assert time.perf_counter() - began < 1.0 * len(FIELDS)


@pytest.mark.parametrize("field", FIELDS + BOUNDED, ids=lambda field: f"{field.type}-{field.name}")
@given(value=JSON, keys=st.text(alphabet="0123456789*#", max_size=20), context=CONTEXTS)
@example(value=math.nan, keys="", context=Context(NOW))
@example(value=math.inf, keys="#", context=Context(NOW))
@example(value=10**400, keys="*", context=Context(NOW))
@example(value=10**5_000, keys="*", context=Context(NOW))
@settings(deadline=None, max_examples=40)
def test_any_json_value_and_any_keys_give_a_reading(
    field: Field, value: object, keys: str, context: Context
) -> None:
    assert well_formed(accept(field, value, context))
    assert well_formed(read_dtmf(field, keys, context))


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.type)
@given(
    value=st.one_of(st.text(), st.integers(), st.floats(), st.booleans()),
    language=st.text(max_size=9),
)
@settings(deadline=None, max_examples=40)
def test_speaking_never_raises_even_for_a_value_that_no_reader_gives(
    field: Field, value: str | int | float | bool, language: str
) -> None:
    assert isinstance(speak(field, value, language), str)
    assert isinstance(mask(field.model_copy(update={"personal": True}), value, language), str)


@pytest.mark.parametrize("type_", TYPES)
def test_a_value_of_another_json_kind_is_refused_with_a_code(type_: str) -> None:
    wrong: object = "neither" if type_ == "boolean" else True
    field = next(field for field in FIELDS if field.type == type_)
    reading = accept(field, [wrong], Context(NOW))
    assert reading.refusal is not None
    assert (reading.kind, reading.refusal.code) == ("refused", "wrong_kind")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, False, 1e300, 10**400])
def test_a_number_is_a_finite_ordinary_one_and_a_boolean_is_none(value: float) -> None:
    field = next(field for field in FIELDS if field.type == "number")
    assert accept(field, value, Context(NOW)).kind == "refused"
