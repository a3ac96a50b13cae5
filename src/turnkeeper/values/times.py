"""`time`: a time of day, `HH:MM`, twenty-four hours.

min, max  the earliest and the latest time that is taken, `HH:MM`; over midnight where min > max

"At five" is two times, 05:00 and 17:00, unless the bounds rule one out. A part of the day decides
("five in the evening"), and so do twenty-four hour forms ("17:00", "05:30", "fourteen thirty").
"""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from babel.dates import format_time

from turnkeeper.forms.model import Field, Scalar
from turnkeeper.values.bounds import refused
from turnkeeper.values.locales import babel_locale
from turnkeeper.values.numerals import figures, leftover
from turnkeeper.values.reading import NOTHING, Context, Reading, ValueType
from turnkeeper.values.utterance import read_parts, without_carrier, without_fillers

_PART_OF_DAY = r"(?:morning|afternoon|evening|night|lunchtime)"
_HALF = rf"(?P<half>[ap]\.? ?m?\b\.?|(?:(?:in|during) the |this |at |to)?{_PART_OF_DAY})"
_HOUR = r"(?P<hour>[01]?\d|2[0-4])"
_MINUTE = r"(?P<minute>[0-5]\d)"
_CLOCK = r"(?: ?o['\" ]?clock)"
_PART = r"(?P<part>half|(?:a )?quarter|5|10|20|25|[1-5]?\d min(?:ute)?s?)"
_AT = r"(?:(?:at|around|about|by|from|before|after) |^)(?:about |around )?"

_RULES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b{_PART}[ -](?P<way>past|after|to|before|till|of) {_HOUR}{_CLOCK}?"
        rf"(?:[ ,]*{_HALF}|(?!\w))",
        rf"\b(?P<part>[1-5]?\d) (?P<way>past|after) {_HOUR}{_CLOCK}?(?:[ ,]*{_HALF}|(?!\w))",
        rf"\b(?P<part>half)(?P<way>) {_HOUR}\b(?:[ ,]*{_HALF})?",
        rf"\b{_HOUR}[:.h ]?{_MINUTE}(?::[0-5]\d)?[ ,]*{_HALF}",
        rf"\b{_HOUR}(?: oh? ?|:0?)(?P<minute>\d)\b(?:[ ,]*{_HALF})?",
        rf"\b{_HOUR}{_CLOCK}?[ ,]*{_HALF}",
        rf"\b(?:(?:this|in the) )?(?P<half>{_PART_OF_DAY})[, ]*(?:at )?"
        rf"{_HOUR}(?:[:. ]?{_MINUTE})?\b",
        rf"\b{_HOUR}:{_MINUTE}\b(?! ?%)",
        rf"\b{_HOUR}{_CLOCK}",
        rf"(?:\b|^){_HOUR}[ .]?{_MINUTE}(?P<military> ?(?:hours|hrs))\b",
        rf"{_AT}{_HOUR}[ .]?{_MINUTE}(?=$|[,.?!]| on | (?:to|tomorrow)\b|ish\b)",
        rf"{_AT}{_HOUR}(?:-?ish)?(?=$|[,.?!]| on | (?:to|tomorrow)\b)",
        r"\b(?P<word>(?:12 )?(?:noon|midday|mid day|midnight|mid night))",
        r"\b(?P<now>right now|now)\b",
        r"\bin (?P<count>half an|an?|\d{1,3}|a couple of) (?P<unit>minute|hour)s?\b",
        r"\b(?P<count>half an|an?|\d{1,3}|a couple of) (?P<unit>minute|hour)s? (?P<ago>ago)\b",
    )
)
_PARTS = {"half": 30, "quarter": 15}
_WORDS = {"noon": "12:00", "day": "12:00", "night": "00:00"}
_RANGE = re.compile(r"\b(?:between|either|or|until|through|to(?= \d))\b")


@dataclass(frozen=True, slots=True)
class Said:
    """The times that words may mean, `HH:MM`, and what stands before and after them."""

    options: tuple[str, ...]
    before: str
    after: str


def _of_day(minutes: int, half: str) -> tuple[int, ...]:
    """The minutes of the day that a position on a twelve-hour clock means; both without a half."""
    if not half:
        return (minutes, minutes + 720)
    if "night" in half:
        return (minutes + (720 if minutes >= 300 else 0),)
    morning = "morning" in half or (half.startswith("a") and "noon" not in half)
    return (minutes,) if morning else (minutes + 720,)


def _clock(match: re.Match[str]) -> tuple[str, ...]:
    """The options of an hour with minutes or a part of an hour; none for "13 am"."""
    found = match.groupdict()
    hour, half = int(match["hour"]), found.get("half") or ""
    minute = int(found.get("minute") or 0)
    if part := found.get("part"):
        size = _PARTS.get(part.split()[-1]) or int(re.findall(r"\d+", part)[0])
        minute = size if found["way"] in ("past", "after", "") else -size  # "half five" is 5:30
    # "0530" and "05:30" have all four figures, which only twenty-four hours are written with.
    four_figures = match["hour"].startswith("0") and len(match["hour"]) == 2 and not half
    if hour > 12 or hour == 0 or four_figures or found.get("military"):
        return () if half.startswith("a") else (_hhmm(hour * 60 + minute),)
    return tuple(_hhmm(each) for each in _of_day((hour * 60 + minute) % 720, half))


def _hhmm(minutes: int) -> str:
    return f"{minutes // 60 % 24:02}:{minutes % 60:02}"


def _relative(match: re.Match[str], now: datetime) -> tuple[str, ...]:
    found = match.groupdict()
    count = found.get("count")
    if count is None:
        return (f"{now:%H:%M}",)
    number = {"half an": 0.5, "a": 1, "an": 1, "a couple of": 2}.get(count) or int(count)
    shift = timedelta(**{f"{found['unit']}s": number})
    return (f"{now - shift if found.get('ago') else now + shift:%H:%M}",)


def _options(match: re.Match[str], now: datetime) -> tuple[str, ...]:
    found = match.groupdict()
    if found.get("word"):
        return (next(time for end, time in _WORDS.items() if found["word"].endswith(end)),)
    return _clock(match) if found.get("hour") else _relative(match, now)


def find(line: str, now: datetime) -> Said | None:
    """The time that is said in `line` (figures, lower case), or None."""
    for pattern in _RULES:
        if match := pattern.search(line):
            before, after = line[: match.start()], line[match.end() :]
            if _RANGE.search(before) or _RANGE.match(after.strip()):
                return None
            return Said(_options(match, now), before, after)
    return None


def _check(field: Field, options: tuple[str, ...]) -> Reading:
    low, high = str(field.min or "00:00").zfill(5), str(field.max or "23:59").zfill(5)
    over_midnight = low > high
    fitting = [
        each
        for each in options
        if (low <= each or each <= high if over_midnight else low <= each <= high)
    ]
    if not fitting:
        between = f"between {speak(field, low, 'en')} and {speak(field, high, 'en')}"
        return refused("out_of_range", f"The time must be {between}.")
    if len(fitting) == 1:
        return Reading("value", fitting[0])
    return Reading("candidates", candidates=tuple(fitting))


def _one(field: Field, part: str, context: Context) -> Reading:
    words = without_carrier(without_fillers(part))
    said = find(figures(words), context.now)
    if said is None or not said.options:
        return NOTHING
    reading = _check(field, said.options)
    rest = leftover(words, said.before, said.after)
    return Reading(reading.kind, reading.value, reading.candidates, reading.refusal, part, rest)


def read(field: Field, text: str, context: Context) -> Reading:
    return read_parts(text, lambda part: _one(field, part, context))


def dtmf(field: Field, keys: str, context: Context) -> Reading:
    """HHMM, twenty-four hours."""
    if not re.fullmatch(r"(?:[01][0-9]|2[0-3])[0-5][0-9]", keys):
        return NOTHING
    return _check(field, (f"{keys[:2]}:{keys[2:]}",))


def accept(field: Field, value: object, context: Context) -> Reading:
    if not isinstance(value, str):
        return refused("wrong_kind", f"The {field.spoken_name} must be a time.")
    if re.fullmatch(r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?", value):
        return _check(field, (value[:5],))
    return read(field, value, context)


def speak(field: Field, value: Scalar, language: str) -> str:
    """The short form: "5:30 PM"."""
    try:
        moment = time.fromisoformat(str(value))
    except ValueError:
        return str(value)
    said = format_time(moment.replace(tzinfo=None), "short", locale=babel_locale(language))
    return said.replace("\u202f", " ")


TYPE = ValueType("time", read, dtmf, accept, speak)
