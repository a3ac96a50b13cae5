"""A caller who hesitates, pauses or declines says no value, and overwrites none."""

import pytest

from tests.unit.dialogue.talk import Agent, Caller, field, form, talk
from turnkeeper.forms.model import Field, FieldType

FORM = form(
    field("day", "date"),
    field(
        "what_happened",
        "choice",
        choices=({"value": "collision"}, {"value": "theft"}, {"value": "glass"}),
    ),
    field("police_report"),
    field("phone", "phone"),
)
KNOWN = {"day": "2026-11-23", "what_happened": "theft", "police_report": "AB12345"}


@pytest.fixture
def at_phone() -> tuple[Caller, Agent]:
    caller, agent = talk(FORM)
    for words in ("tomorrow", "theft", "AB12345"):
        caller.says(words)
    agent.asks("phone")
    agent.knows(**KNOWN)
    return caller, agent


@pytest.mark.parametrize(
    "words",
    [
        "hold on a second",
        "wait, let me find my phone",
        "I mean I don't know my number",
        "actually can you repeat that",
        "hold on, what?",
        "hang on a sec",
        "one moment please",
        "hold on one moment, um, let me look",
        "give me a minute",
        "wait",
        "no wait, it's in my other bag",
    ],
)
def test_a_hesitation_changes_nothing(at_phone: tuple[Caller, Agent], words: str) -> None:
    caller, agent = at_phone
    caller.says(words)
    agent.knows(**KNOWN)
    assert agent.reply.field == "phone"


@pytest.mark.parametrize("words", ["actually can you repeat that", "hold on, what?"])
def test_a_command_after_a_marker_is_one(at_phone: tuple[Caller, Agent], words: str) -> None:
    caller, agent = at_phone
    before = agent.reply.say
    caller.says(words)
    assert agent.reply.say == before


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        ("actually it was a collision", {"what_happened": "collision"}),
        ("hold on a second, it was glass", {"what_happened": "glass"}),
        ("wait, let me see, it was on friday", {"day": "2026-11-27"}),
        ("actually the police report is CD99", {"police_report": "CD99"}),
        ("change the police report to CD99", {"police_report": "CD99"}),
    ],
)
def test_a_correction_after_a_pause_or_of_an_earlier_field_is_taken(
    at_phone: tuple[Caller, Agent], words: str, changed: dict[str, str]
) -> None:
    caller, agent = at_phone
    caller.says(words)
    agent.recorded(**changed)
    agent.knows(**KNOWN | changed)


def test_a_text_is_not_corrected_without_its_name() -> None:
    caller, agent = talk(form(field("old_address"), field("moved", "boolean")))
    caller.says("12 Elm Street")
    caller.says("no wait I didn't move")
    agent.asks("moved", again=True)
    agent.knows(old_address="12 Elm Street")


@pytest.mark.parametrize("kind", ["text", "name"])
@pytest.mark.parametrize(
    "words",
    ["hang on a sec", "wait, what?", "hang on let me think", "let me think", "just a second"],
)
def test_a_pause_is_no_words_of_a_text_or_a_name(kind: FieldType, words: str) -> None:
    caller, agent = talk(form(field("answer", kind), field("phone", "phone")))
    caller.says(words)
    agent.knows()
    assert agent.reply.field == "answer"


@pytest.mark.parametrize("words", ["let me see, a second car hit me", "a second car hit me"])
def test_a_story_with_a_second_in_it_is_one(words: str) -> None:
    caller, agent = talk(form(field("story"), field("phone", "phone")))
    caller.says(words)
    agent.recorded(story="a second car hit me")


@pytest.mark.parametrize(
    ("words", "known"),
    [
        ("no, thursday", {"day": "2026-11-26"}),
        ("no, not tomorrow, thursday", {"day": "2026-11-26"}),
        ("no, tomorrow", {"day": "2026-11-23", "urgent": False}),
        ("no", {"day": "2026-11-23", "urgent": False}),
        ("no, it isn't", {"day": "2026-11-23", "urgent": False}),
        ("no, it can wait", {"day": "2026-11-23", "urgent": False}),
        ("yes please", {"day": "2026-11-23", "urgent": True}),
    ],
)
def test_a_no_with_another_value_of_the_field_before_corrects_that(
    words: str, known: dict[str, str | bool]
) -> None:
    caller, agent = talk(form(field("day", "date"), field("urgent", "boolean"), field("note")))
    caller.says("tomorrow")
    caller.says(words)
    agent.knows(**known)


def test_a_no_with_a_value_of_an_earlier_field_is_not_understood() -> None:
    caller, agent = talk(
        form(field("day", "date"), field("name"), field("urgent", "boolean"), field("note"))
    )
    caller.says("tomorrow")
    caller.says("Ada")
    caller.says("no, thursday")
    agent.asks("urgent", again=True)
    agent.knows(day="2026-11-23", name="Ada")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("email", "I don't have one"),
        ("email", "no"),
        ("email", "none"),
        ("email", "no email"),
        ("email", "no, I don't have an email address"),
        ("text", "no nothing"),
        ("text", "no thanks"),
        ("text", "no, thank you"),
        ("date", "no"),
    ],
)
def test_a_no_leaves_an_optional_field_out(kind: FieldType, words: str) -> None:
    caller, agent = talk(form(field("extra", kind, required=False), field("phone", "phone")))
    caller.says(words)
    agent.asks("phone")
    agent.knows()


def test_a_no_to_a_required_field_leaves_nothing_out() -> None:
    caller, agent = talk(form(field("email", "email"), field("phone", "phone")))
    caller.says("I don't have one")
    agent.asks("email", again=True)


@pytest.mark.parametrize("words", ["no milk in the coffee", "nothing with nuts", "no smoking room"])
def test_a_no_that_says_more_is_an_answer(words: str) -> None:
    caller, agent = talk(form(field("wishes", required=False), field("phone", "phone")))
    caller.says(words)
    agent.recorded(wishes=words)


@pytest.mark.parametrize(
    ("asked", "words", "value"),
    [
        (field("day", "date"), "let me see friday", "2026-11-27"),
        (field("day", "date"), "hold on let me check friday", "2026-11-27"),
        (field("seats", "number"), "let me get two", 2),
        (field("seats", "number"), "one moment, four", 4),
        (field("wishes"), "I need to find a crib there", "I need to find a crib there"),
        (field("wishes"), "give me a window seat", "give me a window seat"),
    ],
)
def test_a_value_after_a_pause_is_taken(asked: Field, words: str, value: str | int) -> None:
    caller, agent = talk(form(asked, field("phone", "phone")))
    caller.says(words)
    agent.recorded(**{asked.name: value})


def test_a_secret_is_not_corrected_without_its_name() -> None:
    pin = field("pin", "digits", length=4, secret=True)
    caller, agent = talk(form(field("born", "date"), pin, field("phone", "phone")))
    caller.says("june third 1985")
    caller.says("1234")
    caller.says("no wait, it was june third 1984")
    agent.knows(born="1984-06-03", pin="1234")
