"""Deploys while callers are on the line: rehearsed with real processes, and judged by what each
caller was told.

The moves themselves are in `rehearsal`; `scripts/rehearse-deploy` shows one to a person.
"""

from pathlib import Path

import pytest

from tests.deploy.journal import Ended, Entry, Opened, Refused, Stamp, Took, broken
from tests.deploy.rehearsal import Plan, Rehearsal, Report

FIELDS = ("flight", "tag", "bags")


async def rehearsed(folder: Path, plan: Plan) -> Report:
    report = await Rehearsal(folder, plan).run()
    print(f"{report.turns} turns, {report.legs} legs, median wait {report.median_wait:.2f} s")
    for move in report.moves:
        print(f"to {move.build_id}, {move.stop}: the longest wait was {move.longest_wait:.2f} s")
    return report


def assert_nobody_noticed(report: Report) -> None:
    assert report.broken == []
    assert 0 < report.by_new_rule < report.turns, "each build decided some of the turns"


async def test_a_deploy_and_its_roll_back_by_force_cost_no_caller_an_answer(
    tmp_path: Path,
) -> None:
    """The old build is drained and asked to stop; the new one, rolled back, is killed."""
    plan = Plan(callers=8, stops=("SIGTERM", "SIGKILL"), gap=0.4)
    assert_nobody_noticed(await rehearsed(tmp_path / "rehearsal", plan))


@pytest.mark.long
@pytest.mark.parametrize(
    "plan",
    [
        Plan(stops=("SIGTERM", "SIGTERM")),
        Plan(stops=("SIGKILL", "SIGKILL")),
        Plan(stops=("SIGKILL", "SIGKILL"), gap=2.0),
        Plan(versioning="pinned", stops=("SIGTERM", "SIGTERM")),
        Plan(versioning="pinned", stops=("SIGKILL", "SIGKILL")),
    ],
    ids=lambda plan: f"{plan.versioning}-{plan.stops[0]}-{plan.gap:.0f}s",
)
async def test_fifty_callers_in_mid_form_keep_every_answer_in_both_ways(
    tmp_path: Path, plan: Plan
) -> None:
    """With a turn every two seconds, twice what people do, they come faster than one worker can
    rebuild them: they wait, and nothing collapses."""
    assert_nobody_noticed(await rehearsed(tmp_path / "rehearsal", plan))


# --- the judge: each promise that is broken has its sentence --------------------------------------


def stamp(caller: int = 7) -> Stamp:
    return {"caller": caller, "at": 1.0, "wait": 0.1}


def opened(*, restored: bool = False, **answers: object) -> Opened:
    return Opened(**stamp(), restored=restored, version="1", answers=answers)


def took(said: str, recorded: str, field: str = "tag") -> Took:
    return Took(**stamp(), field=field, said=said, recorded=recorded)


def ended(turns: int, version: str = "1", **answers: object) -> Ended:
    return Ended(**stamp(), turns=turns, answers=answers, version=version, fields=FIELDS)


def refused(error: str) -> Refused:
    return Refused(**stamp(), error=error)


GOOD: list[Entry] = [
    opened(),
    took("12", "12", "flight"),
    opened(restored=True, flight="12"),
    took("34", "34"),
    took("56", "65"),
    ended(3, flight="12", tag="65"),
]


def test_a_caller_who_kept_every_answer_has_nothing_to_say() -> None:
    assert list(broken(GOOD, FIELDS)) == []


@pytest.mark.parametrize(
    ("seen", "sentence"),
    [
        ([*GOOD[:-1], ended(2, flight="12", tag="65")], "1 turns that were answered are lost"),
        ([*GOOD[:-1], ended(4, flight="12", tag="65")], "1 turns were applied twice"),
        (
            [*GOOD[:-1], ended(3, flight="21", tag="65")],
            "the answers are not those that were told: flight",
        ),
        (
            [*GOOD[:2], opened(restored=True, flight="21"), *GOOD[3:]],
            "the answers are not those that were told: flight",
        ),
        (
            [*GOOD[:-1], ended(3, "2", flight="12", tag="65")],
            "the form was version 1 and is 2",
        ),
        ([GOOD[0], opened(), ended(0)], "was taken for a new caller"),
        (
            [GOOD[0], took("12", "99"), ended(1, tag="99")],
            "1 turns were taken as what no release makes of them",
        ),
        (GOOD[:-1], "never came to an end"),
        ([*GOOD[:-1], refused("StoreUnavailable")], "a message was refused: StoreUnavailable"),
    ],
)
def test_what_a_caller_saw_broken_is_said(seen: list[Entry], sentence: str) -> None:
    assert f"caller 7: {sentence}" in list(broken(seen, FIELDS))
