"""What the rounds of several kinds come to: rows for programs, a table for people."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.figures import Round, median_ratio, percentile, pooled


@dataclass(frozen=True, slots=True)
class Ratio:
    """A column: how many times as long `kind` takes as `to`; either may be the row's own (None)."""

    name: str
    heading: str
    kind: str | None = None
    to: str | None = None
    digits: int = 2

    def of(self, rounds: Sequence[Round], row: str) -> float:
        return round(median_ratio(rounds, self.kind or row, self.to or row), self.digits)


@dataclass(frozen=True, slots=True)
class Report:
    """A row a kind: its times, the ratios, and the target that one of its ratios has."""

    rounds: Sequence[Round]
    ratios: Sequence[Ratio]
    targets: Mapping[str, float]

    def text(self, *, as_json: bool) -> str:
        return json.dumps(self.rows(), indent=2) if as_json else self.table()

    def rows(self) -> list[dict[str, object]]:
        return [self._row(kind) for kind in self.rounds[0]]

    def table(self) -> str:
        headings = ("kind", "p50 ms", "p95 ms", *(ratio.heading for ratio in self.ratios), "target")
        lines = [_line(headings), "|---" * len(headings) + "|"]
        for row in self.rows():
            kind, _, *figures, target = row.values()
            lines.append(_line((kind, *figures, target or "")))
        return "\n".join(lines)

    def _row(self, kind: str) -> dict[str, object]:
        return {
            "kind": kind,
            **times(self.rounds, kind),
            **{ratio.name: ratio.of(self.rounds, kind) for ratio in self.ratios},
            "target": self.targets.get(kind),
        }


def times(rounds: Sequence[Round], kind: str) -> dict[str, object]:
    """How many turns of a kind there were, and their percentiles in ms."""
    all_of_it = pooled(rounds, kind)
    return {
        "turns": len(all_of_it),
        "p50_ms": round(percentile(all_of_it, 0.50), 2),
        "p95_ms": round(percentile(all_of_it, 0.95), 2),
    }


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"
