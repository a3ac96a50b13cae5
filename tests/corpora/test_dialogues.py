"""Dialogues that nobody of this project wrote, through `decide` and `evolve`."""

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.corpora.dialogs import Caller, Exchange, Session, evi, oracle_mismatches, sgd
from turnkeeper.contract import Alternative, Connect, Reply, Turn
from turnkeeper.dialogue import DialogueState, decide, fold

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
    _show(capsys, "EVI, three attempts a field, n-best lists", score)
    assert sum(score.values()) == 3 * 696
    assert score["dob", "right"] > score["dob", "wrong"]


def _call(session: Session, score: Score) -> None:
    """Each attempt is heard while its field is open; a field that stays open is filled for the
    caller, as a person at the other end would do."""
    line = Line(session)
    for field in session.form.fields:
        for attempt in session.exchanges:
            if field.name in attempt.asked and line.reply.field == field.name:
                line.send(text=attempt.words, alternatives=_alternatives(attempt))
                if line.reply.confirming is not None and line.reply.confirming.field:
                    line.send(text="yes")
        score[field.name, _verdict(session, line, field.name)] += 1
        if field.name not in line.state.answers:
            line.send(answers={field.name: session.final[field.name]})


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
    form = session.form.model_copy(update={"fields": tuple(fields)})
    return Session(**{**vars(session), "form": form})


def _show(capsys: pytest.CaptureFixture[str], title: str, score: Score) -> None:
    with capsys.disabled():
        print(f"\n{title}")  # noqa: T201 - the score is for people
        for about in sorted({about for about, _ in score}):
            parts = [f"{score[about, verdict]} {verdict}" for verdict in ("right", "wrong", "none")]
            print(f"  {about:12} {', '.join(parts)}")  # noqa: T201 - the score is for people
