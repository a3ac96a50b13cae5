"""What a client sends is checked before it goes."""

import pytest

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
