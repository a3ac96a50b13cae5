"""What a client sends is checked before it goes."""

import pytest

from turnkeeper.contract import Alternative, Turn
from turnkeeper.errors import InvalidInput
from turnkeeper.sending import TurnContent, turn_of

HALF = "\ud800"
"""Half of a surrogate pair: JSON can spell it, UTF-8 cannot hold it."""


@pytest.mark.parametrize(
    "content",
    [
        pytest.param({"said": HALF}, id="a value"),
        pytest.param({"answers": {"party": HALF}}, id="an answer"),
        pytest.param({"answers": {HALF: "4"}}, id="the name of a field"),
        pytest.param({"answers": {HALF: ["4"]}}, id="the name of a field with no answer"),
        pytest.param({"utterance_id": HALF}, id="an id"),
    ],
)
def test_half_a_character_is_refused_wherever_it_stands_and_is_not_said_back(
    content: TurnContent,
) -> None:
    """In the name of a field pydantic would replace it, and say nothing."""
    with pytest.raises(InvalidInput) as refused:
        turn_of("four", content, epoch="e", leg=1)
    assert str(refused.value).encode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"event": "explode"}, "event must be one of noinput, nomatch, help, repeat, skip"),
        ({"confidence": 1.5}, "confidence must be a number from 0 to 1"),
        ({"confidence": float("nan")}, "confidence must be a number from 0 to 1"),
        ({"confidence": "high"}, "confidence must be a number from 0 to 1"),
        ({"alternatives": [Alternative(text="four", confidence=-1)]}, "confidence must be"),
        ({"dtmf": "12x"}, "dtmf must be keys: 0 to 9, *, # and A to D"),
        ({"answers": {"party": ["4"]}}, "answers must be values by field"),
        ({"text": 4}, "text must be text"),
    ],
)
def test_what_cannot_be_in_a_turn_is_told_with_what_can(
    content: dict[str, object], said: str
) -> None:
    text = content.pop("text", "four")
    with pytest.raises(InvalidInput) as refused:
        turn_of(text, content, epoch="e", leg=1)  # type: ignore[arg-type]  # mistakes, on purpose
    told = str(refused.value)
    assert told.startswith(f"the turn cannot be sent: {said}")
    assert not [quoted for quoted in ("explode", "1.5", "12x", "_error", "party") if quoted in told]


def test_what_a_keypad_and_a_recogniser_give_is_sent() -> None:
    turn = turn_of(None, {"dtmf": "0123456789*#ABCD", "confidence": 1}, epoch="e", leg=1)
    assert (turn.dtmf, turn.confidence) == ("0123456789*#ABCD", 1.0)


def test_an_old_history_may_hold_turns_that_would_not_be_sent_today() -> None:
    old = Turn(leg=1, utterance_id="u", dtmf="12x", confidence=97.0)
    assert Turn.model_validate_json(old.model_dump_json()) == old
