"""Dates that our grammar does not know ("thanksgiving", "the first tuesday in october").

Duckling where it is installed, else dateparser, which knows fewer.
"""

import re
from datetime import date, datetime, time, timedelta

import dateparser

from turnkeeper.values import duckling_client
from turnkeeper.values.reading import Context

MAX_CHARS = 60
"""Both libraries take long over long text (dateparser 8 s for 640 characters)."""

_VAGUE = re.compile(r"\b(?:next|last|this|coming) (?:week|month|quarter|year)\b", re.IGNORECASE)
"""Dateparser makes a day of these by itself; nobody said which."""


_NO_DAY = re.compile(r"(?:the )?(?:day|date)|sat|sun|wed|mar|may", re.IGNORECASE)
"""What duckling makes a day of, though beside other words it is none: "what was the day"."""


def library_days(text: str, context: Context) -> list[date]:
    """The days that `text` may mean; several where a day comes round again ("christmas")."""
    if len(text) > MAX_CHARS or not any(char.isalpha() for char in text):
        return []
    return _duckling(text, context) if duckling_client.installed() else _dateparser(text, context)


_EARLIER = timedelta(days=361)
"""About a year, and no whole weeks: what moves by just this much counts from the day of asking."""
_AHEAD = re.compile(r"\b(?:next|from|this|coming|later|now|in (?:an?|\d+))\b", re.IGNORECASE)


def _duckling(text: str, context: Context) -> list[date]:
    midnight = datetime.combine(context.now.date(), time())
    days = _values(text, midnight)
    if not days or _AHEAD.search(text):
        return days
    # Duckling counts from now on, a field may look back: ask once more from a year ago.
    before = _values(text, midnight - _EARLIER)
    if [day + _EARLIER for day in before] == days:
        return days
    return sorted({*days, *(day for day in before if day < midnight.date())})


def _plain_word(body: str, text: str) -> bool:
    """Whether `body`, which was found in `text`, is no day there; "sat" alone is one."""
    return bool(_NO_DAY.fullmatch(body)) and (body != text.strip() or "da" in body.lower())


def _values(text: str, midnight: datetime) -> list[date]:
    found = duckling_client.ask(text, midnight)
    if len(found) != 1 or _plain_word(str(found[0]["body"]).strip(), text):
        return []
    return [
        date.fromisoformat(each["value"][:10])
        for each in found[0]["value"].get("values", [])
        if each.get("grain") == "day"
    ]


def _dateparser(text: str, context: Context) -> list[date]:
    settings = {
        "RELATIVE_BASE": context.now.replace(tzinfo=None),
        "DATE_ORDER": "MDY" if context.region == "US" else "DMY",
        "STRICT_PARSING": True,
        "RETURN_AS_TIMEZONE_AWARE": False,
    }
    if _VAGUE.search(text):
        return []
    found = dateparser.parse(text, languages=["en"], settings=settings)
    return [] if found is None else [found.date()]
