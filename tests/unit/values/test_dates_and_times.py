"""Dates and times as callers say them; today is Sunday, 22 November 2026."""

from collections.abc import Callable
from datetime import date

import pytest

from turnkeeper.forms.model import Field
from turnkeeper.values import Context, Reading, accept, duckling_client, read_dtmf, speak
from turnkeeper.values.date_library import _dateparser

Hear = Callable[..., Reading]

SAID = {
    "tomorrow": "2026-11-23",
    "the day after tomorrow": "2026-11-24",
    "um, it was yesterday": "2026-11-21",
    "last tuesday": "2026-11-17",
    "tuesday": "2026-11-24",
    "next friday": "2026-11-27",
    "friday next week": "2026-11-27",
    "november seventeenth two thousand and six": "2006-11-17",
    "the twenty seventh of the ninth nineteen eighty six": "1986-09-27",
    "2nd of January 1980 3": "1983-01-02",
    "19th of February 2000 and 6": "2006-02-19",
    "december 1st": "2026-12-01",
    "march 3rd": "2027-03-03",
    "the 25th": "2026-11-25",
    "three weeks ago": "2026-11-01",
    "in a fortnight": "2026-12-06",
    "2026-12-01": "2026-12-01",
    "12/25/2026": "2026-12-25",
    "monday, no wait, tuesday": "2026-11-24",
    "Sunday, Feb 14": "2027-02-14",
}


@pytest.mark.parametrize(("text", "day"), SAID.items())
def test_a_spoken_date_is_the_day_that_it_means(hear: Hear, text: str, day: str) -> None:
    assert hear("date", text).value == day


@pytest.mark.parametrize(
    ("text", "region", "day"),
    [
        ("3/4/2020", "US", "2020-03-04"),
        ("3/4/2020", "GB", "2020-04-03"),
        ("08-09 1986", "GB", "1986-09-08"),
        ("2604 1982", "GB", "1982-04-26"),
        ("O2 11 10", "GB", "2010-11-02"),
        ("13/4/2020", "US", "2020-04-13"),
    ],
)
def test_the_region_says_whether_the_day_or_the_month_is_first(
    hear: Hear, text: str, region: str, day: str
) -> None:
    assert hear("date", text, region, max="today").value == day


@pytest.mark.parametrize(
    ("text", "future", "past"),
    [
        ("the fifth", "2026-12-05", "2026-11-05"),
        ("friday", "2026-11-27", "2026-11-20"),
        ("november 30th", "2026-11-30", "2025-11-30"),
        ("february 29th", "2028-02-29", "2024-02-29"),
    ],
)
def test_a_date_without_a_year_is_the_nearest_in_the_direction_of_the_bounds(
    hear: Hear, text: str, future: str, past: str
) -> None:
    assert hear("date", text).value == future
    assert hear("date", text, max="today").value == past


def test_a_date_of_birth_needs_its_year(hear: Hear) -> None:
    for settings in ({"name": "date_of_birth"}, {"prompt": ("When were you born?",)}):
        partial = hear("date", "may the fourth", max="today", **settings)
        assert (partial.kind, partial.refusal and partial.refusal.code) == ("partial", "incomplete")
        assert hear("date", "may the fourth 1977", max="today", **settings).value == "1977-05-04"


@pytest.mark.parametrize("text", ["march", "may 2020", "november", "the 5th 2014"])
def test_a_part_of_a_date_is_partial_and_nothing_is_filled_in(hear: Hear, text: str) -> None:
    assert hear("date", text).kind == "partial"


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "hold on a second",
        "may I ask why",
        "from may 8th to august 9th",
        "may 8th or june 9th",
        "27",
        "no",
    ],
)
def test_what_is_not_one_date_is_none(hear: Hear, text: str) -> None:
    assert hear("date", text).kind == "none"


def test_words_beside_a_date_are_left_for_other_fields_as_they_were_said(hear: Hear) -> None:
    assert hear("date", "tomorrow at five pm").rest == "at five pm"
    assert hear("time", "tomorrow at five pm").rest == "tomorrow"
    assert hear("date", "It broke down last Tuesday on Main Street").rest == (
        "It broke down on Main Street"
    )


@pytest.mark.parametrize(
    ("text", "bounds", "code", "say"),
    [
        ("tomorrow", {"max": "today"}, "too_late", "in the future; it must be today or earlier"),
        ("yesterday", {"min": "today"}, "too_early", "in the past; it must be today or later"),
        ("may 1st 1999", {"min": "2000-01-01"}, "too_early", "Saturday, January 1, 2000 or later"),
        ("may 1st 2030", {"max": "2030-04-30"}, "too_late", "Tuesday, April 30, 2030 or earlier"),
        ("february 30th 2020", {}, "no_such_date", "no such date"),
    ],
)
def test_a_date_outside_the_bounds_is_refused_with_the_reason(
    hear: Hear, text: str, bounds: dict[str, str], code: str, say: str
) -> None:
    refusal = hear("date", text, **bounds).refusal
    assert refusal is not None
    assert refusal.code == code
    assert say in refusal.say


@pytest.mark.skipif(not duckling_client.installed(), reason="duckling has no wheel here")
@pytest.mark.parametrize(
    ("text", "future", "past"),
    [
        ("thanksgiving", "2026-11-26", "2025-11-27"),
        ("the first tuesday in october", "2027-10-05", "2026-10-06"),
        ("two days before christmas 2025", "2025-12-23", "2025-12-23"),
        ("black friday", "2026-11-27", "2025-11-28"),
    ],
)
def test_days_that_our_grammar_does_not_know_come_from_duckling(
    hear: Hear, text: str, future: str, past: str
) -> None:
    assert hear("date", text).value == future
    assert hear("date", text, max="today").value == past


def test_dateparser_stands_in_where_duckling_has_no_wheel_and_fills_nothing_in(
    context: Context,
) -> None:
    assert _dateparser("2 weeks and 3 days ago", context) == [date(2026, 11, 5)]
    assert _dateparser("next month", context) == []
    assert _dateparser("the quick brown fox", context) == []


TIMES = {
    "half past five in the evening": ("17:30",),
    "five thirty pm": ("17:30",),
    "at five": ("05:00", "17:00"),
    "quarter to 12 in the morning": ("11:45",),
    "ten past nine at night": ("21:10",),
    "noon": ("12:00",),
    "twelve midnight": ("00:00",),
    "fourteen thirty": ("14:30",),
    "nine hundred hours": ("09:00",),
    "05:30": ("05:30",),
    "eight o six": ("08:06", "20:06"),
    "7p": ("19:00",),
    "5 p.m.": ("17:00",),
    "in half an hour": ("15:30",),
    "six, sorry, seven am": ("07:00",),
}


@pytest.mark.parametrize(("text", "times"), TIMES.items())
def test_a_spoken_time_is_every_time_that_it_may_mean(
    hear: Hear, text: str, times: tuple[str, ...]
) -> None:
    reading = hear("time", text)
    assert reading.candidates or (reading.value,) == times
    assert not reading.candidates or reading.candidates == times


def test_bounds_settle_an_ambiguous_time_and_refuse_one_outside(hear: Hear) -> None:
    assert hear("time", "at five", min="09:00", max="18:00").value == "17:00"
    assert hear("time", "eleven at night", min="22:00", max="04:00").value == "23:00"
    refusal = hear("time", "8 pm", min="09:00", max="18:00").refusal
    assert refusal is not None
    assert refusal.say == "The time must be between 9:00 AM and 6:00 PM."


@pytest.mark.parametrize("text", ["between five and six", "i have 2 dogs", "hello", "13 am"])
def test_what_is_not_one_time_is_none(hear: Hear, text: str) -> None:
    assert hear("time", text).kind == "none"


def test_keys_are_month_day_year_in_the_us_and_day_month_year_elsewhere(
    field: Callable[..., Field], context: Context
) -> None:
    there = Context(context.now, "GB")
    assert read_dtmf(field("date"), "03042020#", context).value == "2020-03-04"
    assert read_dtmf(field("date"), "03042020", there).value == "2020-04-03"
    assert read_dtmf(field("date"), "13452020", context).kind == "refused"
    assert read_dtmf(field("time"), "1730", context).value == "17:30"
    assert read_dtmf(field("time"), "2561", context).kind == "none"


def test_a_program_gives_iso_or_words(field: Callable[..., Field], context: Context) -> None:
    assert accept(field("date"), "2026-11-17", context).value == "2026-11-17"
    assert accept(field("date"), "last tuesday", context).value == "2026-11-17"
    assert accept(field("date"), "2026-02-30", context).kind == "refused"
    assert accept(field("time"), "17:30:00", context).value == "17:30"


def test_dates_and_times_are_spoken_in_long_and_short_form(field: Callable[..., Field]) -> None:
    assert speak(field("date"), "2026-11-17") == "Tuesday, November 17, 2026"
    assert speak(field("date"), "2026-11-17", "de") == "Dienstag, 17. November 2026"
    assert speak(field("time"), "17:30") == "5:30 PM"
