"""Times are told as people tell them, and a terminal obeys nothing that a caller said."""

from datetime import UTC, datetime, timedelta

import pytest

from turnkeeper.cli.display import ago, moment, printable

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "now"),
        (0.9, "now"),
        (59, "59 s ago"),
        (200, "3 min ago"),
        (3 * 3600 + 5, "3 h ago"),
        (49 * 3600, "2 d ago"),
        (-12, "in 12 s"),
    ],
)
def test_a_time_is_told_in_the_largest_unit_that_fits(seconds: float, told: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == told


def test_a_moment_is_told_both_ways() -> None:
    assert moment(NOW - timedelta(minutes=3), NOW) == "3 min ago (2026-03-02 14:57:00 UTC)"


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert printable("Zoë\x1b]0;owned\x07\r\n\u202e") == "Zoë ]0;owned    "
