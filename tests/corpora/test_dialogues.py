"""Dialogues that nobody of this project wrote, through `decide` and `evolve`."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.corpora.dialogs import Caller, Exchange, Session, evi, oracle_mismatches, sgd
from turnkeeper.contract import Alternative, Connect, Reply, Turn
from turnkeeper.dialogue.decide import decide
from turnkeeper.dialogue.evolve import fold
from turnkeeper.dialogue.state import DialogueState
from turnkeeper.forms.model import Scalar

MAX_TURNS = 100
SEED = random.SystemRandom().randrange(10_000)


class Line:
    """A session on the line: its state, and the next message's number."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.state = DialogueState()
        self.turns = 0
        self.reply = self._decide(Connect(connect_id="1"))

    def send(self, **turn: Any) -> Reply:
        self.turns += 1
        assert self.turns < MAX_TURNS, f"{self.session.id} does not end"
        self.reply = self._decide(Turn(leg=1, utterance_id=str(self.turns), **turn))
        return self.reply

    def _decide(self, heard: Connect | Turn) -> Reply:
        decision = decide(self.session.form, self.state, heard, self.session.context)
        self.state = fold(self.state, decision.events)
        return decision.reply


def test_every_annotated_dialogue_reaches_its_final_form() -> None:
    """All 2,062 sessions with oracle values end as recorded, confirmed and ready to be sent."""
    wrong = [trouble for session in sgd() for trouble in _driven(session)]
    assert not wrong, f"{len(wrong)} sessions differ, such as {wrong[:5]}"


def _driven(session: Session) -> Iterator[str]:
    line, caller = Line(session), Caller(session)
    while (turn := caller.next(line.reply)) is not None:
        line.send(**turn)
    differing = sorted(oracle_mismatches(session, line.state.values()))
    if differing or line.state.status != "submitting":
        yield f"{session.id}: {line.state.status}, {differing}"


Score = Counter[tuple[str, str]]


def test_telephone_calls_run_through(capsys: pytest.CaptureFixture[str]) -> None:
    """No recogniser output of 696 calls raises; what was right, wrong and missing is printed."""
    score: Score = Counter()
    for session in evi():
        _call(session, score)
    _show(capsys, "EVI, the first value that reads, n-best lists", score)
    assert sum(score.values()) == 3 * 696
    assert score["dob", "right"] > 5 * score["dob", "wrong"]


def test_telephone_calls_with_read_back(capsys: pytest.CaptureFixture[str]) -> None:
    """The same calls where each value is read back: the caller says no to a wrong one and tries
    again, up to three times. No wrong value is ever taken."""
    score: Score = Counter()
    for session in evi(count=250, seed=SEED):
        _call(_reading_back(session), score)
    _show(capsys, f"EVI, each value read back, 250 calls, seed {SEED}", score)
    assert not any(score[name, "wrong"] for name in ("dob", "name", "postcode"))


def _reading_back(session: Session) -> Session:
    fields = [field.model_copy(update={"confirm": "always"}) for field in session.form.fields]
    return replace(session, form=session.form.model_copy(update={"fields": tuple(fields)}))


def _call(session: Session, score: Score) -> None:
    """Each attempt is heard while its field is open; a field that stays open is filled for the
    caller, as a person at the other end would do."""
    line = Line(session)
    for field in session.form.fields:
        for attempt in session.exchanges:
            if field.name in attempt.asked and line.reply.field == field.name:
                line.send(text=attempt.words, alternatives=_alternatives(attempt))
                _check_read_back(session, line)
        score[field.name, _verdict(session, line, field.name)] += 1
        if field.name not in line.state.answers:
            line.send(answers={field.name: session.final[field.name]})
            _check_read_back(session, line)


def _check_read_back(session: Session, line: Line) -> None:
    confirming = line.reply.confirming
    if confirming is not None and confirming["field"] is not None:
        right = _plain(confirming["value"]) == _plain(session.final[confirming["field"]])
        line.send(text="yes" if right else "no")


def _alternatives(attempt: Exchange) -> tuple[Alternative, ...]:
    return tuple(Alternative(text=words) for words in attempt.nbest)


def _verdict(session: Session, line: Line, name: str) -> str:
    value = line.state.values().get(name)
    expected = session.final.get(name)
    if value is None:
        return "none"
    return "right" if _plain(value) == _plain(expected) else "wrong"


def _plain(value: object) -> str:
    return "".join(str(value).lower().split())


def test_only_those_who_agree_submit(capsys: pytest.CaptureFixture[str]) -> None:
    """Callers' own words to a final read-back: whoever objected is never taken to agree."""
    score: Score = Counter()
    for session in sgd():
        known = dict(session.prefill)
        for exchange in session.exchanges:
            if exchange.agrees is not None:
                _object_or_agree(session, known, exchange, score)
            known.update(exchange.answers)
    _show(capsys, "SGD, callers' own words to the final read-back", score)
    assert score["no", "wrong"] == 0
    assert score["yes", "right"] > 0.95 * sum(n for (said, _), n in score.items() if said == "yes")


def _object_or_agree(
    session: Session, known: dict[str, Scalar | None], exchange: Exchange, score: Score
) -> None:
    line = Line(_all_optional(session))
    line.send(answers={field.name: known.get(field.name) for field in session.form.fields})
    before = line.state.values()
    line.send(text=exchange.words)
    submitted, changed = line.state.status == "submitting", line.state.values() != before
    if exchange.agrees:
        verdict = "right" if submitted else "wrong" if changed else "none"
        score["yes", verdict] += 1
    else:
        score["no", "wrong" if submitted else "right"] += 1


def _all_optional(session: Session) -> Session:
    fields = [field.model_copy(update={"required": False}) for field in session.form.fields]
    return replace(session, form=session.form.model_copy(update={"fields": tuple(fields)}))


def test_words_alone_without_annotation(capsys: pytest.CaptureFixture[str]) -> None:
    """The same dialogues with the callers' words only: nothing raises, and the score is printed."""
    score: Score = Counter()
    sessions = sgd(count=200, seed=SEED)
    for session in sessions:
        line = Line(_in_asked_order(session))
        for exchange in session.exchanges:
            if line.reply.next == "listen":
                line.send(text=exchange.words)
        for field in session.form.fields:
            if field.name in session.final:
                score[field.type, _verdict(session, line, field.name)] += 1
    _show(capsys, f"SGD, words alone, {len(sessions)} sessions, seed {SEED}", score)
    assert sum(score.values()) >= len(sessions)


def _in_asked_order(session: Session) -> Session:
    """The session with its form's fields in the order in which the recorded host asked them."""
    asked = [name for exchange in session.exchanges for name in exchange.asked]
    order = {name: place for place, name in reversed(list(enumerate(asked)))}
    fields = sorted(session.form.fields, key=lambda field: order.get(field.name, len(asked)))
    return replace(session, form=session.form.model_copy(update={"fields": tuple(fields)}))


def _show(capsys: pytest.CaptureFixture[str], title: str, score: Score) -> None:
    with capsys.disabled():
        print(f"\n{title}")
        for about in sorted({about for about, _ in score}):
            parts = [f"{score[about, verdict]} {verdict}" for verdict in ("right", "wrong", "none")]
            print(f"  {about:12} {', '.join(parts)}")
