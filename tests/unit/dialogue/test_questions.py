"""The open question: what is a yes to it, what changes a value, and what is neither."""

from datetime import timedelta

import pytest

from tests.unit.dialogue.talk import Agent, Caller, field, form, talk

DAY = field("day", "date", label="day")
PHONE = field("phone", "phone")
URGENT = field("urgent", "boolean")
SECRET = field("ssn", "digits", length=4, secret=True, label="last four digits")
BORN = field("date_of_birth", "date", max="today", confirm="always")
FRIDAY, SATURDAY = "2026-11-27", "2026-11-28"


@pytest.fixture
def at_the_end() -> tuple[Caller, Agent]:
    """Day, phone and urgency are answered; the whole form is read back."""
    caller, agent = talk(form(DAY, PHONE, URGENT))
    for words in ("friday", "212 555 0100", "yes"):
        caller.says(words)
    agent.reads_everything_back()
    return caller, agent


def asked_to(cancel: str) -> tuple[Caller, Agent]:
    caller, agent = talk(form(DAY, PHONE))
    caller.says("friday")
    caller.says(cancel)
    assert caller.state.question is not None
    return caller, agent


@pytest.mark.parametrize(
    "words",
    [
        "okay hold on", "ok wait", "yes hold on", "right, the date", "yes I have a question",
        "yes, one more thing", "ok what about the price", "yes unless it costs",
        "I said yes to urgent by mistake", "yes can you repeat that", "yes cancel", "yes stop",
        "yes go back", "yes, how about later", "sure, the number", "wait", "yes, actually",
        "yes is it saturday", "ok give me a minute", "yes, I want the date changed",
    ],
)  # fmt: skip
def test_words_after_a_yes_that_are_not_polite_take_it_back(
    at_the_end: tuple[Caller, Agent], words: str
) -> None:
    caller, agent = at_the_end
    before = caller.state.values()
    caller.says(words)
    assert agent.reply.status != "submitting"
    assert caller.state.values() == before


@pytest.mark.parametrize("words", ["yes cancel", "yes stop", "ok, cancel"])
def test_a_command_after_a_yes_is_the_command(at_the_end: tuple[Caller, Agent], words: str) -> None:
    caller, _ = at_the_end
    caller.says(words)
    assert caller.state.question is not None
    assert caller.state.question.kind == "cancel"


def test_a_way_back_after_a_yes_is_taken(at_the_end: tuple[Caller, Agent]) -> None:
    caller, agent = at_the_end
    said = agent.reply.say
    caller.says("yes can you repeat that")
    assert agent.reply.say == said
    caller.says("yes go back")
    agent.asks("urgent")


@pytest.mark.parametrize(
    "words",
    [
        "yes", "yes please", "yes that's right", "yes thank you", "that's all correct",
        "yeah that's all correct, go ahead", "yes, on friday", "that's right, friday",
        "ok wait, yes that's right", "yes, and where is it?", "no, that's fine", "no doubt",
    ],
)  # fmt: skip
def test_a_yes_with_politeness_or_the_same_values_is_a_yes(
    at_the_end: tuple[Caller, Agent], words: str
) -> None:
    caller, agent = at_the_end
    caller.says(words)
    agent.is_done()


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        ("that's right, saturday", "day", SATURDAY),
        ("yes on saturday", "day", SATURDAY),
        ("yes at 212 555 0199", "phone", "+12125550199"),
        ("yes 2125550199", "phone", "+12125550199"),
    ],
)
def test_another_value_after_a_yes_is_read_back_again(
    at_the_end: tuple[Caller, Agent], words: str, name: str, value: str
) -> None:
    caller, agent = at_the_end
    caller.says(words)
    agent.reads_everything_back()
    assert caller.state.values()[name] == value


def test_another_value_after_a_yes_to_one_value_is_read_back_again() -> None:
    caller, agent = talk(form(PHONE.model_copy(update={"confirm": "always"}), DAY))
    caller.says("212 555 0100")
    caller.says("yes hold on")
    agent.reads_back("phone", "+12125550100")
    caller.says("yes at 212 555 0199")
    agent.reads_back("phone", "+12125550199")


@pytest.mark.parametrize("words", ["yes hold on", "ok wait", "right, one more thing"])
def test_words_after_a_yes_do_not_cancel(words: str) -> None:
    caller, _ = asked_to("cancel")
    caller.says(words)
    assert caller.state.question is not None
    assert caller.state.question.kind == "cancel"


@pytest.mark.parametrize(
    "words",
    ["no", "don't cancel", "keep going", "continue", "no, go on", "right I want to go on",
     "no don't cancel", "please continue"],
)  # fmt: skip
def test_the_ways_not_to_cancel_or_start_over(words: str) -> None:
    caller, agent = asked_to("cancel")
    caller.says(words)
    agent.asks("phone")
    agent.knows(day=FRIDAY)


@pytest.mark.parametrize("words", ["yes", "cancel", "yes cancel", "yes please", "yes, cancel it"])
def test_the_ways_to_cancel(words: str) -> None:
    caller, agent = asked_to("cancel")
    caller.says(words)
    assert agent.reply.status == "cancelled"


@pytest.mark.parametrize("words", ["keep going", "continue", "don't start over", "no"])
def test_the_ways_not_to_start_over(words: str) -> None:
    caller, agent = asked_to("start over")
    caller.says(words)
    agent.asks("phone")
    agent.knows(day=FRIDAY)


# --- secrets and other values without a name ------------------------------------------------------


@pytest.fixture
def with_a_secret() -> tuple[Caller, Agent]:
    caller, agent = talk(form(BORN, SECRET, PHONE))
    for words in ("june second 1984", "yes", "4321", "212 555 0100"):
        caller.says(words)
    agent.reads_everything_back()
    return caller, agent


@pytest.mark.parametrize("words", ["no, it's june third 1984", "june third 1984"])
def test_a_date_is_never_the_digits_of_a_secret(
    with_a_secret: tuple[Caller, Agent], words: str
) -> None:
    caller, agent = with_a_secret
    caller.says(words)
    agent.reads_back("date_of_birth", "1984-06-03")
    assert caller.state.values()["ssn"] == "4321"


@pytest.mark.parametrize("words", ["no, it was in 1985", "no, 1985", "no, it's 1234"])
def test_digits_without_a_name_are_never_a_secret(
    with_a_secret: tuple[Caller, Agent], words: str
) -> None:
    caller, agent = with_a_secret
    caller.says(words)
    assert caller.state.values()["ssn"] == "4321"
    assert agent.reply.say == "What should I change?"


def test_a_secret_is_changed_by_its_name(with_a_secret: tuple[Caller, Agent]) -> None:
    caller, agent = with_a_secret
    caller.says("no, the last four digits are 1234")
    agent.reads_everything_back()
    assert caller.state.values()["ssn"] == "1234"


@pytest.mark.parametrize(("words", "changes"), [("no, thursday", True), ("thursday", True)])
def test_a_value_that_two_fields_could_take_asks_what_to_change(words: str, changes: bool) -> None:
    caller, agent = talk(form(field("check_in", "date"), field("check_out", "date")))
    caller.says("tuesday")
    caller.says("wednesday")
    caller.says(words)
    assert (agent.reply.say == "What should I change?") is changes


# --- ways out -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words", ["nothing", "it's fine", "no wait it's fine", "nothing, thanks", "never mind", "no"]
)
def test_nothing_to_change_goes_back_to_the_read_back(
    at_the_end: tuple[Caller, Agent], words: str
) -> None:
    caller, agent = at_the_end
    caller.says("no")
    assert agent.reply.say == "What should I change?"
    caller.says(words)
    agent.reads_everything_back()
    assert caller.state.question is not None
    assert caller.state.question.kind == "final"


@pytest.fixture
def come_back() -> tuple[Caller, Agent]:
    """A caller who comes back so late that the form asks whether to go on."""
    stale = {"after": timedelta(hours=12), "policy": "ask"}
    caller, agent = talk(form(DAY, PHONE, stale=stale))
    caller.says("friday")
    caller.connects(after=timedelta(days=1))
    assert caller.state.question is not None
    assert caller.state.question.kind == "stale"
    return caller, agent


@pytest.mark.parametrize(
    "words",
    ["yes", "continue", "go on", "keep going", "resume", "no, let's go on", "yes, go on",
     "let's continue", "yes please", "go on with it"],
)  # fmt: skip
def test_the_ways_to_go_on(come_back: tuple[Caller, Agent], words: str) -> None:
    caller, agent = come_back
    caller.says(words)
    agent.asks("phone")
    agent.knows(day=FRIDAY)


def test_yes_start_over_asks_whether_to_start_over(come_back: tuple[Caller, Agent]) -> None:
    caller, agent = come_back
    caller.says("yes start over")
    agent.knows(day=FRIDAY)
    assert caller.state.question is not None
    assert caller.state.question.kind == "start_over"


def test_a_plain_no_begins_again(come_back: tuple[Caller, Agent]) -> None:
    caller, agent = come_back
    caller.says("no")
    agent.knows()
