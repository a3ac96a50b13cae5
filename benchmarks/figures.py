"""Percentiles, and ratios that a busy machine does not bend.

Two kinds are timed side by side, round by round; their ratio is taken within each round, and the
median of these is given. What slows a round slows both kinds in it.
"""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence

Round = Mapping[str, Sequence[float]]
"""One round's times in ms, by kind."""


def percentile(times: Iterable[float], share: float) -> float:
    """The smallest time that at least `share` (0 to 1) of the times do not exceed (nearest rank).

    Raises ValueError where there are no times.
    """
    ordered = sorted(times)
    if not ordered:
        raise ValueError("no times, no percentile")
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def pooled(rounds: Iterable[Round], kind: str) -> list[float]:
    """All times of one kind."""
    return [time for one in rounds for time in one[kind]]


def median_ratio(rounds: Iterable[Round], kind: str, to: str) -> float:
    """How many times as long `kind` takes as `to`: the median of the rounds' ratios of medians."""
    return statistics.median(
        statistics.median(one[kind]) / statistics.median(one[to]) for one in rounds
    )


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The rise of y for each x of a straight line through `points` (least squares)."""
    xs, ys = zip(*points, strict=True)
    return statistics.linear_regression(xs, ys).slope
