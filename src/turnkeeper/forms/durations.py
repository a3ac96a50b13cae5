"""Durations as people write them: `90s`, `30m`, `24h`, `7d`, `2w`, `1h30m`, or ISO 8601's `P7D`."""

import re
from datetime import timedelta

LONGEST = timedelta(days=3650)
"""Ten years: longer than any session, short enough for a Temporal timer."""

EXAMPLES = "90s, 30m, 24h, 7d, 2w or P7D"

_SHORT = re.compile(
    r"(?:(?P<weeks>\d{1,3})w)?(?:(?P<days>\d{1,4})d)?(?:(?P<hours>\d{1,5})h)?"
    r"(?:(?P<minutes>\d{1,7})m)?(?:(?P<seconds>\d{1,9})s)?",
    re.ASCII,
)
_ISO = re.compile(
    r"P(?:(?P<weeks>\d{1,3})W)?(?:(?P<days>\d{1,4})D)?"
    r"(?:T(?:(?P<hours>\d{1,5})H)?(?:(?P<minutes>\d{1,7})M)?(?:(?P<seconds>\d{1,9})S)?)?",
    re.ASCII,
)


def parse_duration(text: str) -> timedelta | None:
    """The duration, over zero and at most `LONGEST`; None when `text` is no such duration."""
    compact = text.strip().replace(" ", "")
    match = _SHORT.fullmatch(compact) or _ISO.fullmatch(compact)
    if match is None:
        return None
    parts = {unit: int(count) for unit, count in match.groupdict().items() if count}
    duration = timedelta(**parts) if parts else timedelta()
    return duration if timedelta() < duration <= LONGEST else None
