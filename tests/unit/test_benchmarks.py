"""The arithmetic of the benchmarks; what they measure is never asserted."""

import pytest

from benchmarks.claim import CLAIM
from benchmarks.figures import median_ratio, percentile, pooled, slope
from benchmarks.report import Ratio, Report

ROUNDS = [
    {"a": [1.0, 2.0, 3.0], "b": [2.0, 4.0, 6.0]},
    {"a": [10.0, 20.0, 30.0], "b": [15.0, 30.0, 900.0]},
    {"a": [1.0, 1.0, 1.0], "b": [3.0, 3.0, 3.0]},
]


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1.0), (0.5, 5.0), (0.51, 6.0), (0.95, 10.0), (1.0, 10.0)]
)
def test_a_percentile_is_the_nearest_rank_in_any_order(share: float, expected: float) -> None:
    """Of ten times, the 50th percentile is the fifth and the 95th the tenth."""
    assert percentile([10.0, 1, 9, 2, 8, 3, 7, 4, 6, 5], share) == expected


def test_there_is_no_percentile_of_nothing() -> None:
    """An empty run gives an error and not a figure."""
    with pytest.raises(ValueError, match="no times"):
        percentile([], 0.5)


def test_a_ratio_is_taken_within_each_round() -> None:
    """A slow round slows both kinds: the ratios are 2, 1.5 and 3, and the median is 2."""
    assert median_ratio(ROUNDS, "b", "a") == 2.0


def test_pooled_times_are_those_of_all_rounds() -> None:
    """Nothing is dropped on the way to p50 and p95."""
    assert pooled(ROUNDS, "a") == [1.0, 2.0, 3.0, 10.0, 20.0, 30.0, 1.0, 1.0, 1.0]


def test_a_report_has_a_row_a_kind_with_its_ratios_and_its_target() -> None:
    """A ratio is to the row's own kind where it names one kind alone."""
    ratios = (Ratio("to_a", "times a", to="a"), Ratio("b_to", "b is times this", kind="b"))
    report = Report(ROUNDS, ratios, {"b": 1.6})
    first, second = report.rows()
    assert first == {
        "kind": "a", "turns": 9, "p50_ms": 2.0, "p95_ms": 30.0,
        "to_a": 1.0, "b_to": 2.0, "target": None,
    }  # fmt: skip
    assert (second["to_a"], second["b_to"], second["target"]) == (2.0, 1.0, 1.6)
    assert report.table().splitlines() == [
        "| kind | p50 ms | p95 ms | times a | b is times this | target |",
        "|---|---|---|---|---|---|",
        "| a | 2.0 | 30.0 | 1.0 | 2.0 |  |",
        "| b | 4.0 | 900.0 | 2.0 | 1.0 | 1.6 |",
    ]


def test_a_slope_leaves_out_what_was_there_before() -> None:
    """A worker of 100 MiB with half a MiB more for each session: half a MiB a session."""
    assert slope([(0, 100.0), (100, 150.0), (200, 200.0)]) == pytest.approx(0.5)


def test_the_claim_fits_into_one_run_of_a_session() -> None:
    """What is timed is a turn, not now and then a renewal too."""
    from workflows.voice_session import MESSAGES_PER_RUN

    assert len(CLAIM) + 1 < MESSAGES_PER_RUN
