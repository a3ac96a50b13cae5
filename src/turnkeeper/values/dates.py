"""`date`: a day, `YYYY-MM-DD`.

min, max  the first and the last day that is taken: ISO 8601, or `today`

A date without a year is the nearest one inside the bounds: the newest in the past where `max` is
today or earlier, else the next to come. A field that speaks of birth takes none without a year.
Bounds that the loader of forms would refuse raise ValueError here.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta

from babel.dates import format_date

from turnkeeper.forms.model import Field, Scalar
from turnkeeper.values.bounds import refused
from turnkeeper.values.date_grammar import (
    Calendar,
    Said,
    denied,
    denied_too,
    entangled,
    excludes,
    find,
    unsure,
)
from turnkeeper.values.date_library import library_days
from turnkeeper.values.locales import babel_locale
from turnkeeper.values.numerals import figures, leftover
from turnkeeper.values.reading import NOTHING, Context, Reading, Refusal, ValueType
from turnkeeper.values.utterance import read_parts, without_carrier, without_fillers

MONTH_FIRST = frozenset({"US", "PH", "PR", "GU"})
"""Regions that write 3/4 for the fourth of March (CLDR's short date patterns of English)."""

_INCOMPLETE = Refusal("incomplete", "I need the whole date: the day, the month and the year.")
_PLAIN_WORD = re.compile(r"\b(?:on|the|is|was|it|for|by|about|around|happened)\W*$")
_BIRTH = re.compile(r"birth|\bdob\b|\bborn\b", re.IGNORECASE)


def bound(value: Scalar | None, today: date) -> date | None:
    """A bound as a day. ValueError where it is neither ISO 8601 nor `today`."""
    if value is None:
        return None
    return today if value == "today" else date.fromisoformat(str(value))


def _check(field: Field, day: date, context: Context) -> Reading:
    today = context.now.date()
    low, high = bound(field.min, today), bound(field.max, today)
    if high is not None and day > high:
        if high == today:
            return refused("too_late", "That date is in the future; it must be today or earlier.")
        return refused("too_late", f"That is too late; it must be {_aloud(high)} or earlier.")
    if low is not None and day < low:
        if low == today:
            return refused("too_early", "That date is in the past; it must be today or later.")
        return refused("too_early", f"That is too early; it must be {_aloud(low)} or later.")
    return Reading("value", day.isoformat())


def _pick(field: Field, days: Iterable[date], today: date) -> date | None:
    """The day that is meant of several: inside the bounds the next to come, else the newest."""
    low, high = bound(field.min, today) or date.min, bound(field.max, today) or date.max
    every = sorted(days)
    pool = [day for day in every if low <= day <= high] or every
    past = [day for day in pool if day <= today]
    future = [day for day in pool if day >= today]
    return future[0] if future else next(reversed(past), None)


def _valid(year: int, month: int, day: int) -> list[date]:
    try:
        return [date(year, month, day)]
    except ValueError:
        return []


def _years(field: Field, said: Said, today: date) -> list[int]:
    if said.year is None:
        return list(range(today.year - 8, today.year + 9))
    if said.year >= 100:
        return [said.year]
    nearest = [century + said.year for century in (1900, 2000)]
    high = bound(field.max, today)
    if high is not None and high <= today:
        return nearest
    return [min(nearest, key=lambda year: abs(year - today.year))]


def _days(field: Field, said: Said, today: date) -> list[date]:
    """Every day around today that has the parts that were said."""
    if said.month is not None and said.day is not None:
        days = [d for y in _years(field, said, today) for d in _valid(y, said.month, said.day)]
        return _on_weekday(said, days, today) or days
    around = (today + timedelta(days=n) for n in range(-190, 190))
    if said.day is not None:
        same = [day for day in around if day.day == said.day]
        return [day for day in same if said.weekday in (None, day.weekday())] or same
    return [d for d in around if d.weekday() == said.weekday and d != today]


def _on_weekday(said: Said, days: list[date], today: date) -> list[date]:
    """The nearest of `days` on the weekday that was said with them, within a year and a half."""
    near = [day for day in days if day.weekday() == said.weekday and abs((day - today).days) < 550]
    return sorted(near, key=lambda day: abs((day - today).days))[:1]


def _resolve(field: Field, said: Said, context: Context) -> Reading:
    """The one day that was said, or what is missing to know it."""
    today = context.now.date()
    if said.exact is not None:
        return _check(field, said.exact, context)
    vague = said.weekday is None if said.day is None else bool(said.year and not said.month)
    if vague or (said.year is None and _needs_year(field)):
        return Reading("partial", refusal=_INCOMPLETE)
    day = _pick(field, _days(field, said, today), today)
    if day is None:
        return refused("no_such_date", "There is no such date.")
    return _check(field, day, context)


def _needs_year(field: Field) -> bool:
    return any(
        _BIRTH.search(words.replace("_", " ")) for words in (field.name, field.label, *field.prompt)
    )


def _one(field: Field, part: str, context: Context) -> Reading:
    words = without_carrier(without_fillers(part))
    calendar = Calendar(context.now.date(), context.region not in MONTH_FIRST)
    said = find(figures(words), calendar)
    if said is not None and denied(said):
        return NOTHING if denied_too(said) else _one(field, said.after, context)
    if said is not None and unsure(said):
        return NOTHING
    if said is None or entangled(said):
        return NOTHING if excludes(words.lower()) else _by_library(field, words, context)
    ours = _resolve(field, said, context)
    if _holiday(said):
        theirs = _by_library(field, words, context)
        if theirs.kind != "none" and theirs.value != ours.value:
            return theirs
    return replace(ours, rest=leftover(words, said.before, said.after))


def _by_library(field: Field, words: str, context: Context) -> Reading:
    day = _pick(field, library_days(words, context), context.now.date())
    return NOTHING if day is None else _check(field, day, context)


def _holiday(said: Said) -> bool:
    """Whether a word stands before a weekday or a count that may be the name of a day: "black
    friday", "thanksgiving in two years"."""
    return said.day is None and bool(said.before) and not _PLAIN_WORD.search(said.before)


def read(field: Field, text: str, context: Context) -> Reading:
    return read_parts(text, lambda part: _one(field, part, context))


def dtmf(field: Field, keys: str, context: Context) -> Reading:
    """MMDDYYYY where the month is written first, DDMMYYYY elsewhere."""
    if not re.fullmatch(r"[0-9]{8}", keys):
        return NOTHING
    order = "%m%d%Y" if context.region in MONTH_FIRST else "%d%m%Y"
    return _written(field, keys, order, context)


def _written(field: Field, text: str, order: str, context: Context) -> Reading:
    try:
        day = datetime.strptime(text, order).date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return refused("no_such_date", "There is no such date.", text)
    return _check(field, day, context)


def accept(field: Field, value: object, context: Context) -> Reading:
    if not isinstance(value, str):
        return refused("wrong_kind", f"The {field.spoken_name} must be a date.")
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return _written(field, value, "%Y-%m-%d", context)
    return read(field, value, context)


def _aloud(day: date, language: str = "en") -> str:
    return format_date(day, "full", locale=babel_locale(language))


def speak(field: Field, value: Scalar, language: str) -> str:
    """The long form with the weekday: "Tuesday, November 17, 2026"."""
    try:
        return _aloud(date.fromisoformat(str(value)), language)
    except ValueError:
        return str(value)


TYPE = ValueType("date", read, dtmf, accept, speak)
