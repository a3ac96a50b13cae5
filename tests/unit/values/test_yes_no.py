"""Yes and no, and what the words after a yes leave of it."""

from collections.abc import Callable

import pytest

from turnkeeper.values import Reading, read_yes_no, split_yes_no
from turnkeeper.values.yes_no import only_filler


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("okay hold on", None), ("ok wait", None), ("yes hold on", None), ("yes cancel", None),
        ("yes stop", None), ("yes go back", None), ("yes unless it costs", None),
        ("ok give me a second", None), ("yes let me check", None), ("yes how do I fix it", None),
        ("ok wait no that's wrong", False), ("no wait", False), ("wait, yes", True),
        ("ok wait, yes", True), ("no doubt", True), ("no question about it", True),
        ("no doubt about it", True), ("no, hold on", False),
        ("not that I know of", False), ("not as far as I'm aware", False),
    ],
)  # fmt: skip
def test_a_pause_after_a_yes_takes_it_back(text: str, answer: bool | None) -> None:
    assert read_yes_no(text) is answer


@pytest.mark.parametrize(
    ("rest", "filler"),
    [
        ("", True), ("please", True), ("that's right", True), ("thank you", True),
        ("that's all correct, go ahead", True), ("and where is it", True),
        ("can you tell me how much it costs", True),
        ("the date", False), ("I have a question", False), ("one more thing", False),
        ("what about the price", False), ("unless it costs", False), ("saturday", False),
        ("to urgent by mistake", False), ("I want to go on", False), ("how about friday", False),
        ("can you repeat that", False), ("that's not it", False), ("how " * 70 + "!x", False),
    ],
)  # fmt: skip
def test_only_politeness_leaves_a_yes_alone(rest: str, filler: bool) -> None:
    assert only_filler(rest) is filler


def test_the_words_of_a_pause_are_handed_on() -> None:
    assert split_yes_no("yes hold on") == (None, "hold on")


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [("no doubt", "value", True), ("no question about it", "value", True),
     ("yes cancel", "none", None), ("yes hold on", "none", None), ("no idea", "none", None)],
)  # fmt: skip
def test_a_boolean_takes_no_command_and_no_doubt(
    hear: Callable[..., Reading], text: str, kind: str, value: bool | None
) -> None:
    reading = hear("boolean", text)
    assert (reading.kind, reading.value) == (kind, value)
