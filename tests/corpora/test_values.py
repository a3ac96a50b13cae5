"""How well values are read that nobody of this project wrote; `-s` prints the tables.

Every floor stands a little under what was measured in November 2026 with duckling installed. Right
counts a question back that has the right value among its choices; wrong is worse than none, and has
a ceiling of its own.
"""

import gzip
import json
import os
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from turnkeeper.forms.model import Field
from turnkeeper.values import Context, Reading, duckling_client, read, split_yes_no

CORPORA = Path(
    os.environ.get("TURNKEEPER_CORPORA", Path(__file__).parents[3] / "shared" / "corpora")
)
SEED = 20261122
SAMPLE = 250
"""EVI sessions of a short run, of 696; all of them with `-m long`."""

pytestmark = pytest.mark.skipif(
    not CORPORA.is_dir(), reason="no corpora: set TURNKEEPER_CORPORA to their folder"
)
needs_duckling = pytest.mark.skipif(
    not duckling_client.installed(), reason="the floors were measured with duckling"
)

Scores = Counter[str]

# source, type -> lowest share of right, highest share of wrong
VALUES = {
    ("sgd", "date"): (0.995, 0.0),
    ("sgd", "time"): (0.99, 0.005),
    ("sgd", "number"): (1.0, 0.0),
    ("sgd", "amount"): (1.0, 0.0),
    ("nemo-itn", "date"): (1.0, 0.0),
    ("nemo-itn", "time"): (0.95, 0.0),
    ("nemo-itn", "number"): (0.80, 0.02),
    ("nemo-itn", "digits"): (0.60, 0.10),
    ("nemo-itn", "email"): (0.95, 0.0),
    ("ms-specs", "date"): (0.76, 0.14),
    ("ms-specs", "time"): (0.92, 0.0),
    ("ms-specs", "number"): (0.33, 0.15),
    ("ms-specs", "boolean"): (0.60, 0.0),
    ("ms-specs", "email"): (0.90, 0.0),
    ("duckling", "date"): (0.95, 0.04),
    ("duckling", "number"): (0.70, 0.08),
    ("duckling", "email"): (0.95, 0.0),
}
# field, whether the n-best list is used -> lowest share of right, highest share of wrong
EVI = {
    ("postcode", False): (0.36, 0.17),
    ("postcode", True): (0.39, 0.21),
    ("name", False): (0.34, 0.44),
    ("name", True): (0.34, 0.46),
    ("dob", False): (0.70, 0.08),
    ("dob", True): (0.75, 0.10),
}
EVI_FIELDS = {
    "postcode": Field(name="postcode", type="postal_code", prompt=("What is your postcode?",)),
    "name": Field(name="name", type="name", prompt=("What is your name?",)),
    "dob": Field(name="dob", type="date", prompt=("What is your date of birth?",), max="today"),
}


def score(reading: Reading, expected: Iterable[object]) -> str:
    if reading.kind == "value":
        return "right" if reading.value in expected else "wrong"
    if reading.kind == "candidates":
        return "right" if set(reading.candidates) & set(expected) else "wrong"
    return reading.kind


def show(name: str, scores: Scores) -> None:
    total = scores.total()
    shares = "  ".join(f"{kind} {count / total:6.1%}" for kind, count in scores.most_common())
    print(f"{name:28} {total:5}  {shares}")


def check(name: str, scores: Scores, floor: float, ceiling: float) -> None:
    show(name, scores)
    assert scores["right"] / scores.total() >= floor, f"{name}: right {scores}"
    assert scores["wrong"] / scores.total() <= ceiling, f"{name}: wrong {scores}"


@needs_duckling
@pytest.mark.parametrize(("source", "type_"), VALUES)
def test_other_peoples_values_are_read_as_well_as_they_were(source: str, type_: str) -> None:
    field = Field.model_validate(
        {"name": "it", "type": "number" if type_ == "amount" else type_, "prompt": ("Well?",)}
    )
    scores: Scores = Counter()
    for line in (CORPORA / "values" / f"{source}.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row["type"] == type_:
            now = datetime.fromisoformat(row.get("ref") or "2026-03-11T10:00:00")
            reading = read(field, row["utt"], Context(now.replace(tzinfo=UTC)))
            scores[score(reading, row["exp"])] += 1
    check(f"{source} {type_}", scores, *VALUES[source, type_])


def sessions(name: str) -> list[dict[str, Any]]:
    with gzip.open(CORPORA / "dialogs" / f"{name}.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]


def attempts(session: dict[str, Any], name: str, n_best: bool) -> Iterator[list[str]]:
    for turn in session["turns"]:
        if turn["ask"] == [name]:
            yield (turn["nb"] or [turn["u"]]) if n_best else [turn["u"]]


def first_value(field: Field, heard: list[str], context: Context) -> Reading:
    readings = [read(field, each, context) for each in heard]
    return next((each for each in readings if each.kind == "value"), readings[0])


@pytest.mark.parametrize("size", [SAMPLE, pytest.param(None, marks=pytest.mark.long)])
@pytest.mark.parametrize(("name", "n_best"), EVI)
def test_telephone_speech_is_read_as_well_as_it_was(
    name: str, n_best: bool, size: int | None
) -> None:
    every = sessions("evi")
    chosen = random.Random(SEED).sample(every, size or len(every))
    context = Context(datetime(2021, 8, 1, 12, tzinfo=UTC), "GB")
    scores: Scores = Counter()
    within_three: Scores = Counter()
    for session in chosen:
        wanted = session["final"][name].casefold()
        kinds = []
        for heard in attempts(session, name, n_best):
            reading = first_value(EVI_FIELDS[name], heard, context)
            value = str(reading.value).casefold() if reading.kind == "value" else None
            kinds.append(reading.kind if value is None else "right" if value == wanted else "wrong")
        scores.update(kinds)
        within_three["right" if "right" in kinds else "not right"] += 1
    label = f"evi {name}{' n-best' if n_best else ''}"
    show(f"{label}, three tries", within_three)
    print(f"seed {SEED}, {len(chosen)} sessions")
    check(label, scores, *EVI[name, n_best])


def test_answers_to_a_read_back_are_hardly_ever_taken_for_the_opposite() -> None:
    """2,713 answers to confirmations in SGD; a refusal is often only the new value ("make it
    five"), which is neither yes nor no."""
    scores: Scores = Counter()
    for session in sessions("sgd"):
        for turn in session["turns"]:
            wanted = "AFFIRM" in turn["acts"]
            if turn.get("conf") and (wanted or "NEGATE" in turn["acts"]):
                answer, _ = split_yes_no(turn["u"])
                kind = "none" if answer is None else "right" if answer is wanted else "wrong"
                scores[f"{'yes' if wanted else 'no'} {kind}"] += 1
    show("sgd confirmations", scores)
    assert scores["yes right"] / (scores["yes right"] + scores["yes none"]) > 0.95
    assert scores["no right"] > 300
    assert scores["yes wrong"] + scores["no wrong"] <= 2
