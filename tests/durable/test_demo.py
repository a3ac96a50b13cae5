"""The demo: it runs as a person runs it, and it would notice a broken promise."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from turnkeeper.contract import SessionState
from worker.demo import CALLER, Told, verdict
from worker.demo_receiver import Attempt
from worker.demo_screen import Screen

ROOT = Path(__file__).parents[2]
ANSWERS: dict[str, str | bool] = {
    "policy_number": "12345679",
    "callback_number": CALLER,
    "drivable": False,
}
KEPT = Attempt("key", dict(ANSWERS), 201)
REFUSED = replace(KEPT, status=503)


def state(**fields: object) -> SessionState:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    return SessionState.model_validate(
        {"session_id": "s", "form": "f", "created_at": now, "updated_at": now, **fields}
    )


GOOD = Told(
    before=state(form_answers={"a": "1", "b": "2", "c": "3"}),
    after=state(form_answers=ANSWERS, turns=7, status="completed"),
    restored=True,
    answers=dict(ANSWERS),
    turns=7,
    same_reply=True,
)


def judged(told: Told, *attempts: Attempt) -> bool:
    return verdict(Screen(), told, attempts)


def test_kept_promises_pass() -> None:
    assert judged(GOOD, REFUSED, REFUSED, KEPT)


@pytest.mark.parametrize(
    "told",
    [
        replace(GOOD, restored=False),
        replace(GOOD, before=state(form_answers={"a": "1", "b": "2"})),
        replace(GOOD, after=state(form_answers=ANSWERS, turns=8, status="completed")),
        replace(GOOD, after=state(form_answers=ANSWERS, turns=6, status="completed")),
        replace(GOOD, same_reply=False),
        replace(GOOD, after=state(form_answers={}, turns=7, status="completed")),
    ],
    ids=["not restored", "one lost", "one twice", "one missing", "two replies", "none kept"],
)
def test_anything_lost_or_applied_twice_fails(told: Told) -> None:
    assert not judged(told, REFUSED, REFUSED, KEPT)


@pytest.mark.parametrize(
    "attempts",
    [
        (),
        (REFUSED, REFUSED),
        (REFUSED, replace(KEPT, key="another")),
        (replace(REFUSED, key=""), replace(KEPT, key="")),
        (KEPT, KEPT),
        (replace(KEPT, answers={**ANSWERS, "drivable": True}),),
    ],
    ids=["nothing", "never taken", "another key", "no key", "taken twice", "other answers"],
)
def test_any_other_delivery_than_one_under_one_key_fails(attempts: tuple[Attempt, ...]) -> None:
    assert not judged(GOOD, *attempts)


def test_the_demo_tells_the_story_in_under_a_minute_and_ends_with_status_zero() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "worker", "demo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert told.stdout.count("✓") == 4
    assert "✗" not in told.stdout
    for part in ("Welcome back.", "recovered", "delivery, attempt 3: the receiver answers 201"):
        assert part in told.stdout
    assert told.stderr == ""
