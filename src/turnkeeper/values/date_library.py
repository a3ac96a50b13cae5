"""Dates that our grammar does not know ("thanksgiving", "the first tuesday in october").

Duckling where it is installed, else dateparser, which knows fewer.
"""

from datetime import date, datetime, time, timedelta

import dateparser

from turnkeeper.values import duckling_client
from turnkeeper.values.reading import Context

MAX_CHARS = 60
"""Both libraries take long over long text (dateparser 8 s for 640 characters)."""


def library_days(text: str, context: Context) -> list[date]:
    """The days that `text` may mean; several where a day comes round again ("christmas")."""
    if len(text) > MAX_CHARS or not any(char.isalpha() for char in text):
        return []
    return _duckling(text, context) if duckling_client.installed() else _dateparser(text, context)


def _duckling(text: str, context: Context) -> list[date]:
    midnight = datetime.combine(context.now.date(), time())
    days = _values(text, midnight)
    if len(days) < 2:
        return days
    # A day that comes round: duckling counts from now on, a field may look back.
    return sorted({*days, *_values(text, midnight - timedelta(days=400))})


def _values(text: str, midnight: datetime) -> list[date]:
    found = duckling_client.ask(text, midnight)
    if len(found) != 1:
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
    found = dateparser.parse(text, languages=["en"], settings=settings)
    return [] if found is None else [found.date()]
