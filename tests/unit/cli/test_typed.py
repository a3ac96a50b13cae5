"""A line in `turnkeeper talk` is a turn or a command, and a wrong one is told in a sentence."""

import pytest

from turnkeeper.cli.typed import COMMANDS, HELP, meaning_of
from turnkeeper.errors import InvalidInput


def test_words_are_a_turn_and_a_blank_line_is_nothing() -> None:
    assert meaning_of(" last tuesday \n").text == "last tuesday"
    assert meaning_of(" \n").action == "nothing"


@pytest.mark.parametrize(
    ("line", "content"),
    [
        (":noinput", {"event": "noinput"}),
        (":nomatch\n", {"event": "nomatch"}),
        (":dtmf 12 34#", {"dtmf": "1234#"}),
        (
            ':answers {"a": "é", "b": 1.5, "c": true, "d": null}',
            {"answers": {"a": "é", "b": 1.5, "c": True, "d": None}},
        ),
    ],
)
def test_a_turn_may_carry_other_things_than_words(line: str, content: object) -> None:
    typed = meaning_of(line)
    assert (typed.action, typed.text, typed.content) == ("turn", None, content)


@pytest.mark.parametrize("name", ["drop", "state", "help", "quit"])
def test_a_command_does_what_it_is_called(name: str) -> None:
    assert meaning_of(f":{name}").action == name


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (":dance", "there is no command :dance; :help shows them"),
        (":", "there is no command :"),
        (":quit now", ":quit stands alone"),
        (":dtmf", "after :dtmf come keys"),
        (":dtmf abc", "after :dtmf come keys"),
        (":answers", "after :answers comes a JSON object"),
        (":answers [1]", "after :answers comes a JSON object"),
        (":answers {}", "after :answers comes a JSON object"),
        (":answers {'a': 1}", "after :answers comes a JSON object"),
        (':answers {"a": NaN}', "after :answers comes a JSON object"),
        (r':answers {"a": "\ud800"}', "after :answers comes a JSON object"),
        (":answers " + "[" * 100_000, "after :answers comes a JSON object"),
        (':answers {"a": [1]}', "a is a list or an object"),
    ],
)
def test_a_wrong_command_is_one_sentence(line: str, says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        meaning_of(line)
    assert str(caught.value).startswith(says)
    assert "\n" not in str(caught.value)


def test_help_names_every_command() -> None:
    assert [line.split()[0] for line in HELP.splitlines()] == [f":{name}" for name in COMMANDS]
