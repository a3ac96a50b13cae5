"""A small grammar of spoken dates: which parts of a date were said, not yet which day it is.

It works on figures (`turnkeeper.values.numerals`) and stands in front of the date libraries for
what these misread on the phone: spoken years ("nineteen eighty six"), "the 27th of the 9th", digit
runs ("2604 1982"), and years that a recogniser cuts in two ("1980 3"). It never fills in a part
that was not said.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Said:
    """The parts of a date that were said. `exact` is the day itself, for words that count from
    today. A year under 100 is one of two digits. `before` and `after` are the words around it."""

    year: int | None = None
    month: int | None = None
    day: int | None = None
    weekday: int | None = None
    exact: date | None = None
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Calendar:
    """What the meaning of a date depends on: today, and whether 3/4 is the third of April."""

    today: date
    day_first: bool


Build = Callable[[re.Match[str], Calendar], Said | None]

_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_ORDINAL = r"(?:st|nd|rd|th)\b"
_DAY = rf"(?P<day>[0-3]?\d)(?:{_ORDINAL}|(?!\w))"
# After "sat", "sun" and "wed", which are words of their own too.
_BESIDE = rf",? (?:the )?\d{{1,2}}(?:{_ORDINAL}|$|[,./-]|[ -](?:of )?(?:{'|'.join(MONTHS)}))"
_WEEKDAY = (
    r"(?P<weekday>mon(?:day)?|tue(?:s(?:day)?)?|wednesday|thu(?:r(?:s(?:day)?)?)?"
    rf"|fri(?:day)?|saturday|sunday|(?:sat|sun|wed)(?={_BESIDE})"
    r"|(?<!\w )(?:sat|sun|wed)(?=$|,| at | morning| afternoon| evening))s?\b"
)
_YEAR = (
    r"(?P<year>(?:1[6-9]|20)\d0 (?:and )?(?:[1-9](?:th)?|to|for)\b(?![: ]?\d| ?[ap]\.? ?m\b)"
    r"|2000 and \d{1,2}|(?:1[6-9]|20)\d\d|(?:1[6-9]|20)[ -](?:oh? ?)?\d{1,2}"
    r"|(?:this|last|next) year|'?\d\d(?!:| ?[ap]\.? ?m\b| o'?clock))(?!\w)"
)
_IN_YEAR = rf"(?:,?[- /.,]?(?:(?:of|in) )?{_YEAR})?"
_ON = rf"(?:(?:(?:on|this|next) )?{_WEEKDAY},? )?(?:on )?(?:the )?"
_COUNT = r"(?P<count>an?|\d{1,3}|a couple of|couple of|a 2nd)"
_UNIT = r"(?P<unit>day|week|fortnight|month|year)s?"
_UNITS = {"day": 1, "week": 7, "fortnight": 14}
_DAYS = {
    "the day after tomorrow": 2, "day after tomorrow": 2, "overmorrow": 2, "tomorrow": 1,
    "today": 0, "tonight": 0, "this morning": 0, "this afternoon": 0, "this evening": 0,
    "the day before yesterday": -2, "day before yesterday": -2, "yesterday": -1, "last night": -1,
}  # fmt: skip
_WEEKS = {"this": 0, "next": 1, "following": 1, "last": -1, "past": -1, "previous": -1}
_HOMOPHONES = {"to": 2, "for": 4}


def _month(name: str) -> int:
    return int(name) if name.isdigit() else MONTHS.index(name[:3]) + 1


def _year(said: str | None, today: date) -> int | None:
    """The year of "1986", "19 86", "1980 6", "2000 and 6", "86" (kept as 86), "last year"."""
    if not said:
        return None
    if said.endswith("year"):
        return today.year + {"this": 0, "last": -1, "next": 1}[said.split()[0]]
    parts = [int(figure) for figure in re.findall(r"\d+", said)]
    parts += [_HOMOPHONES[word] for word in said.split() if word in _HOMOPHONES]
    if len(parts) == 1:
        return parts[0]
    return parts[0] + parts[1] if parts[0] >= 1000 else parts[0] * 100 + parts[1]


def _named(match: re.Match[str], calendar: Calendar) -> Said | None:
    part = match.groupdict()
    weekday = part.get("weekday")
    return Said(
        year=_year(part.get("year"), calendar.today),
        month=_month(part["month"]),
        day=int(part["day"]) if part.get("day") else None,
        weekday=WEEKDAYS.index(weekday[:3]) if weekday else None,
    )


def _numeric(match: re.Match[str], calendar: Calendar) -> Said | None:
    first, second = int(match["first"]), int(match["second"])
    day, month = (first, second) if calendar.day_first else (second, first)
    if month > 12:
        day, month = month, day
    year = _year(match["year"], calendar.today)
    return Said(year, month, day) if 1 <= month <= 12 and 1 <= day <= 31 else None


def _figures_only(match: re.Match[str], calendar: Calendar) -> Said | None:
    """Digits alone, however the recogniser cut them: "2604 1982", "8 9 19 86", "O8 09 86"."""
    groups = re.findall(r"\d+", match[0].replace("o", "0"))
    digits = "".join(groups)
    if len(groups) in (3, 4) and len(groups[0]) < 3 and len(groups[1]) < 3:
        digits = groups[0].zfill(2) + groups[1].zfill(2) + "".join(groups[2:])
    elif len(digits) < 8 and any(len(group) % 2 for group in groups):
        return None
    if len(digits) == 8 and digits[:2] in ("19", "20") and "01" <= digits[4:6] <= "12":
        return Said(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    shape = re.fullmatch(r"(?P<first>\d\d)(?P<second>\d\d)(?P<year>\d{4}|\d\d)", digits)
    return _numeric(shape, calendar) if shape else None


def _exact(match: re.Match[str], calendar: Calendar) -> Said | None:
    return Said(exact=calendar.today + timedelta(days=_DAYS[match["word"]]))


def _counted(match: re.Match[str], calendar: Calendar) -> Said | None:
    count = match["count"]
    number = int(count) if count.isdigit() else 1 if count in ("a", "an") else 2
    sign = -1 if match.groupdict().get("back") else 1
    return Said(exact=_shifted(calendar.today, match["unit"], sign * number))


def _shifted(day: date, unit: str, number: int) -> date:
    """`day` moved by whole units; the last day of a month stays inside the month."""
    if unit in _UNITS:
        return day + timedelta(days=_UNITS[unit] * number)
    months = day.year * 12 + day.month - 1 + number * (12 if unit == "year" else 1)
    first = date(months // 12, months % 12 + 1, 1)
    following = date((months + 1) // 12, (months + 1) % 12 + 1, 1)
    return min(first + timedelta(days=day.day - 1), following - timedelta(days=1))


def _weekday_of_week(match: re.Match[str], calendar: Calendar) -> Said | None:
    """Duckling's rules: "next friday" is that of the next calendar week, which begins on Monday;
    "last friday" is the newest one before today; "this friday" may be today, else like "friday"."""
    weekday = WEEKDAYS.index(match["weekday"][:3])
    ahead = (weekday - calendar.today.weekday()) % 7
    which = match["which"].split()[-1]
    if "week" not in match.groupdict():
        if which in ("last", "past", "previous"):
            return Said(exact=calendar.today + timedelta(days=ahead - 7))
        if which in ("this", "coming"):
            return Said(weekday=weekday) if ahead else Said(exact=calendar.today)
    monday = calendar.today - timedelta(days=calendar.today.weekday())
    return Said(exact=monday + timedelta(days=weekday + 7 * _WEEKS[which]))


def _weeks_from(match: re.Match[str], calendar: Calendar) -> Said | None:
    """ "a week from friday", "friday week", "2 weeks from tomorrow": counted from the day to come,
    which is never today."""
    count, weekday = match.groupdict().get("count") or "1", match["weekday"]
    weeks = int(count) if count.isdigit() else 1 if count in ("a", "an") else 2
    if weekday is None:
        start = _DAYS[match["word"]]
    else:
        start = (WEEKDAYS.index(weekday[:3]) - calendar.today.weekday() - 1) % 7 + 1
    return Said(exact=calendar.today + timedelta(days=start + 7 * weeks))


def _bare_weekday(match: re.Match[str], calendar: Calendar) -> Said | None:
    return Said(weekday=WEEKDAYS.index(match["weekday"][:3]))


def _without_month(match: re.Match[str], calendar: Calendar) -> Said | None:
    """ "the 5th 2014": its month was lost, and duckling would fill one in."""
    return Said(year=int(match["year"]), day=int(match["day"]))


def _day_of_month(match: re.Match[str], calendar: Calendar) -> Said | None:
    which, weekday = match["which"], match["weekday"]
    said = Said(day=int(match["day"]), weekday=WEEKDAYS.index(weekday[:3]) if weekday else None)
    if which is None:
        return said
    month = _shifted(calendar.today, "month", _WEEKS[which])
    return replace(said, year=month.year, month=month.month)


_A_DAY_TO_COME = rf"(?:{_WEEKDAY}|(?P<word>the day after tomorrow|tomorrow|today))"
_WHICH_WEEK = r"(?P<week>(?:the )?(?P<which>this|next|following|last|past|previous) week)"

# Strong evidence first: a whole date wins over a weekday, a weekday over a bare "the 5th".
_RULES: tuple[tuple[re.Pattern[str], Build], ...] = tuple(
    (re.compile(pattern), build)
    for pattern, build in (
        (r"\b(?P<year>\d{4})(?P<sep>[-/.])(?P<month>[01]?\d)(?P=sep)(?P<day>[0-3]?\d)\b", _named),
        (rf"\b(?P<year>\d{{4}})[-/ ]{_MONTH}[-/ ]{_DAY}", _named),
        (r"^[\do][\do :/.-]{4,13}$", _figures_only),
        (
            r"\b(?P<first>\d{1,2})[-/.](?P<second>\d{1,2})[-/. ](?P<year>\d{4}|\d\d)\b",
            _numeric,
        ),
        (rf"\b{_ON}{_DAY}(?: day)?(?: of)?(?: the)?[ /-]?{_MONTH}{_IN_YEAR}", _named),
        # "june nineteen eighty four" has no day: 19 and 84 are one year.
        (rf"(?<!\d ){_MONTH},? (?P<year>(?:19|20) (?:oh? ?\d|\d\d))(?![\w:]|[ ,]+\d)", _named),
        (rf"\b{_ON}{_MONTH},?[ /-]?(?:the )?{_DAY}{_IN_YEAR}", _named),
        (
            rf"\b{_ON}{_DAY} (?:day )?(?:of )?(?:the )?"
            rf"(?P<month>0?[1-9]|1[0-2]){_ORDINAL}{_IN_YEAR}",
            _named,
        ),
        (r"\b(?P<first>\d{1,2})[/-](?P<second>\d{1,2})(?P<year>)\b(?![/-])", _numeric),
        (
            rf"(?<!once )(?<!twice )\b{_COUNT} weeks? (?:from|on) (?:this )?{_A_DAY_TO_COME}",
            _weeks_from,
        ),
        (rf"\b(?:on )?{_A_DAY_TO_COME} week\b(?! \d)", _weeks_from),
        (rf"\b{_COUNT} {_UNIT} (?P<back>ago|back)\b", _counted),
        (rf"\b(?:in|after) {_COUNT} {_UNIT}\b", _counted),
        (rf"\b{_COUNT} {_UNIT} (?:from (?:now|today)|later)\b", _counted),
        (rf"\b(?P<word>{'|'.join(_DAYS)})\b", _exact),
        (rf"\b(?:on )?{_WEEKDAY},?(?: of| in)? {_WHICH_WEEK}", _weekday_of_week),
        (rf"\b{_WHICH_WEEK},?(?: on)? {_WEEKDAY}", _weekday_of_week),
        (
            r"\b(?:on )?(?P<which>this past|this coming|coming|this|next|following|last|past"
            rf"|previous) {_WEEKDAY}(?! the \d)",
            _weekday_of_week,
        ),
        (rf"\b(?P<day>[0-3]?\d){_ORDINAL},? (?P<year>(?:19|20)\d\d)\b", _without_month),
        (
            rf"^{_ON}(?:(?<=the )|(?<=day )|(?=\w+{_ORDINAL}))(?P<day>[0-3]?\d)(?:{_ORDINAL}|$)"
            r"(?:(?: day)?(?: of)?(?: the)? (?P<which>this|next|following|last|previous) month)?"
            r"(?: of the month)?(?=$|[,.]| (?:at|around|about|in the|\d))",
            _day_of_month,
        ),
        (rf"\b(?:on )?{_WEEKDAY}", _bare_weekday),
        (rf"\b{_MONTH}(?:,? (?:of )?{_YEAR})", _named),
        (rf"(?:^|\b(?:in|of|on|by) ){_MONTH}(?=$|[,.?!])", _named),
    )
)

_ANOTHER_DATE = (
    re.compile(rf"(?:\d|{_ORDINAL}) ?(?:of )?{_MONTH}"),
    re.compile(rf"{_MONTH} ?(?:the )?\d"),
)

_A_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun|to|yester)(?:day|morrow)\b"
_ENTANGLED_BEFORE = re.compile(
    rf"{_A_DAY}(?: or| and| to)? $"
    r"|\b(?:after|before|from|since|closest|day|week|fortnight|month|year|past|next|last|previous"
    rf"|following|\d+(?:{_ORDINAL})?)s?\b(?: (?:of|to|in|on|the))*\W*$"
)
_ENTANGLED_AFTER = re.compile(
    rf"^(?: or| and| to)?(?: on)? {_A_DAY}(?<!today)"
    r"|^\W*(?:after|before|from|since|ago|back|later|week|2 weeks|(?:19|20)\d\d\b"
    rf"|(?:of|in) (?:the|this|last|next|a|\d+|{_MONTH})\b(?! (?:morning|afternoon|evening|night))"
    r"|\d+ (?:day|week|month|year))"
)


_DENIAL = (
    r"(?:(?<!why )\bnot|n't|\bnever|\bcannot|\bexcept|\bexcluding|\b(?:other|rather) than"
    r"|\binstead of|\bapart from|\b(?:any|every|all|no)(?:thing|time|day)?(?: \w+)? but)\b"
)
_EXCLUDES = re.compile(_DENIAL)
_DENIED = re.compile(
    rf"{_DENIAL}(?: (?:for|on|the|this|next|in|at|do|make|make it|come|available|free|be))*\W*$"
)
_TOO = re.compile(r"^\W*(?:or|nor|and)\b")
_OR = (
    rf"(?:or(?: maybe| perhaps| on| the)*(?: {_A_DAY}| day| \d)|(?:and|to)(?: the)? \d+{_ORDINAL})"
)
_UNSURE_AFTER = re.compile(rf"^,? {_OR}|^ before last\b")
_UNSURE_BEFORE = re.compile(rf"(?:\d|\d{_ORDINAL}|{_A_DAY}),? or(?: maybe| perhaps| on| the)* $")
_UNREAD_WEEKS = re.compile(r"\bweeks?(?: (?:from|on|after|before))(?: the)? $")


def denied(said: Said) -> bool:
    """Whether the words before a match exclude it: "not | friday", "any day but | friday"."""
    return bool(_DENIED.search(said.before))


def denied_too(said: Said) -> bool:
    """Whether what follows a match that is denied is denied with it: "| friday or saturday"."""
    return bool(_TOO.search(said.after))


def excludes(line: str) -> bool:
    """Whether something is denied or left out in `line`, whatever it is."""
    return bool(_EXCLUDES.search(line))


def unsure(said: Said) -> bool:
    """Whether the words around a match make it one of two days, or another that nobody reads."""
    return bool(
        _UNSURE_AFTER.search(said.after)
        or _UNSURE_BEFORE.search(said.before)
        or (said.day is None and _UNREAD_WEEKS.search(said.before))
    )


def entangled(said: Said) -> bool:
    """Whether the words around a match make another date of it: "3 weeks from | tomorrow"."""
    return bool(_ENTANGLED_BEFORE.search(said.before) or _ENTANGLED_AFTER.search(said.after))


def find(line: str, calendar: Calendar) -> Said | None:
    """The date that is said in `line` (figures, lower case), or None; None as well where a second
    date is said, since nothing tells which one is meant."""
    for pattern, build in _RULES:
        match = pattern.search(line)
        said = build(match, calendar) if match else None
        if match is None or said is None:
            continue
        said = replace(said, before=line[: match.start()], after=line[match.end() :])
        around = f"{said.before} | {said.after}"
        return None if any(other.search(around) for other in _ANOTHER_DATE) else said
    return None
