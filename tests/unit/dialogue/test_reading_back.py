"""Read-backs: of one value, and of everything at the end."""

import pytest

from tests.unit.dialogue.talk import Agent, Caller, field, form, talk

PHONE = field("phone", "phone", confirm="always")
POLICY = field("policy_number", "digits", length=4)
DAY = field("day", "date", label="date", max="today")
PIN = field("pin", "digits", length=4, confirm="always", secret=True)
EMAIL = field("email", "email", required=False)


# --- one value ------------------------------------------------------------------------------------


def test_a_value_is_taken_only_after_a_yes() -> None:
    caller, agent = talk(form(PHONE, DAY))
    caller.says("415 555 0100")
    agent.reads_back("phone", "+14155550100")
    agent.knows()
    caller.says("uh huh")
    agent.recorded(phone="+14155550100")
    agent.asks("day")


def test_a_no_asks_again_and_counts() -> None:
    caller, agent = talk(form(PHONE, DAY))
    caller.says("415 555 0100")
    caller.says("nope")
    agent.asks("phone", again=True)
    agent.knows()


def test_a_value_that_was_denied_is_not_offered_again_while_there_is_another() -> None:
    caller, agent = talk(form(field("first_name", "name", confirm="always"), DAY))
    heard = (("Shayne Smith", None), ("Shane Smith", None))
    caller.says("Shayne Smith", *heard)
    agent.reads_back("first_name", "Shayne Smith")
    caller.says("no")
    caller.says("Shayne Smith", *heard)
    agent.reads_back("first_name", "Shane Smith")
    caller.says("no")
    caller.says("Shayne Smith", *heard)
    agent.reads_back("first_name", "Shayne Smith")
    caller.says("yes")
    agent.recorded(first_name="Shayne Smith")
    assert caller.state.denied == {}


def test_a_no_with_another_value_reads_that_one_back() -> None:
    caller, agent = talk(form(PHONE, DAY))
    caller.says("415 555 0100")
    caller.says("no, it's 415 555 0101")
    agent.reads_back("phone", "+14155550101")
    caller.says("no wait, 415 555 0102")
    agent.reads_back("phone", "+14155550102")
    caller.keys("4155550103#")
    agent.reads_back("phone", "+14155550103")
    caller.keys("1")
    agent.recorded(phone="+14155550103")


def test_the_same_value_said_again_is_a_yes() -> None:
    caller, agent = talk(form(PHONE, DAY))
    caller.says("415 555 0100")
    caller.says("415 555 0100")
    agent.recorded(phone="+14155550100")


@pytest.mark.parametrize("words", ["", "potato", "the weather is fine today"])
def test_anything_else_hears_the_read_back_again(words: str) -> None:
    caller, agent = talk(form(PHONE, DAY))
    caller.says("415 555 0100")
    caller.says(words)
    agent.reads_back("phone", "+14155550100")
    assert caller.state.misses == {"?value": 1}


def test_the_old_value_stands_while_a_new_one_is_read_back_or_refused() -> None:
    caller, agent = talk(form(PHONE, DAY))
    caller.says("415 555 0100")
    caller.says("yes")
    caller.says("change the phone to 415 555 0199")
    agent.reads_back("phone", "+14155550199")
    agent.knows(phone="+14155550100")
    caller.says("no")
    agent.asks("phone", again=True)
    caller.says("skip")
    agent.knows(phone="+14155550100")
    agent.asks("day")


def test_a_low_confidence_is_read_back_unless_the_form_says_never() -> None:
    never = field("code", "digits", length=4, confirm="never")
    caller, agent = talk(form(POLICY, never, DAY))
    caller.says("1234", confidence=0.45)
    agent.reads_back("policy_number", "1234")
    caller.says("yes")
    caller.says("4321", confidence=0.45)
    agent.recorded(code="4321")
    caller.says("last tuesday", confidence=0.55)
    agent.recorded(day="2026-11-17")


def test_a_secret_is_kept_and_never_said_or_shown() -> None:
    caller, agent = talk(form(PIN, POLICY, welcome_back="Hi. {summary} {pin}"))
    caller.says("9876")
    agent.recorded(pin="***")
    agent.knows(pin="9876")
    caller.says("no wait, the pin is 9875")
    said = [agent.reply.say]
    caller.connects()
    said.append(agent.reply.say)
    caller.says("1234")
    said.append(agent.reply.say)
    agent.reads_everything_back()
    for spoken in ("9 8 7", "987"):
        assert not any(spoken in text for text in said)


def test_several_values_wait_for_their_read_back_one_after_another() -> None:
    fax = field("fax", "phone", confirm="always")
    caller, agent = talk(form(PHONE, fax, DAY))
    caller.program(phone="+14155550100", fax="+14155550101", day="2026-11-17")
    agent.recorded(day="2026-11-17")
    agent.reads_back("phone", "+14155550100")
    caller.says("yes")
    agent.recorded(phone="+14155550100")
    agent.says("I heard 4 1 5, 5 5 5, 0 1 0 1.")
    caller.says("yes")
    agent.recorded(fax="+14155550101")
    agent.reads_everything_back()


def test_a_field_that_waits_for_a_confirmed_condition_waits_with_it() -> None:
    theft = field("theft", "boolean", confirm="always")
    report = field("report", "digits", length=3, when="theft", confirm="always")
    caller, agent = talk(form(theft, report))
    caller.program(theft=True, report="123")
    assert agent.reply.rejected == ()
    caller.says("yes")
    agent.reads_back("report", "123")
    caller.says("yes")
    agent.knows(theft=True, report="123")


# --- everything -----------------------------------------------------------------------------------


@pytest.fixture
def at_the_end() -> tuple[Caller, Agent]:
    """Policy number and date are answered, the e-mail is skipped; the whole form is read back."""
    caller, agent = talk(form(POLICY, DAY, EMAIL))
    caller.says("1234")
    caller.says("last tuesday")
    caller.says("skip")
    agent.reads_everything_back()
    return caller, agent


def test_a_no_asks_what_to_change(at_the_end: tuple[Caller, Agent]) -> None:
    caller, agent = at_the_end
    caller.says("no")
    assert agent.reply.say == "What should I change?"
    assert agent.reply.status == "confirming"
    caller.says("nothing at all, uh, never mind")
    caller.says("never mind")
    agent.reads_everything_back()


@pytest.mark.parametrize(
    "words",
    [
        "no, the date is monday",
        "no the date was last monday",
        "no, monday",
        "no it's monday",
        "no, change the date to monday",
        "change the date to monday",
        "yes but the date was monday",
        "actually the date is monday",
    ],
)
def test_a_corrected_form_is_read_back_again(at_the_end: tuple[Caller, Agent], words: str) -> None:
    caller, agent = at_the_end
    caller.says(words)
    agent.recorded(day="2026-11-16")
    agent.reads_everything_back()
    agent.says("Monday, November 16, 2026")
    caller.says("yes")
    agent.is_done()


@pytest.mark.parametrize("words", ["the date", "change the date", "the date please", "my date"])
def test_naming_a_field_to_change_asks_it_again(
    at_the_end: tuple[Caller, Agent], words: str
) -> None:
    caller, agent = at_the_end
    caller.says("no")
    caller.says(words)
    agent.asks("day")
    assert agent.reply.status == "collecting"
    caller.says("monday")
    agent.reads_everything_back()


def test_a_skipped_field_is_filled_from_the_read_back(at_the_end: tuple[Caller, Agent]) -> None:
    caller, agent = at_the_end
    caller.says("change the email to ada at example dot com")
    agent.recorded(email="ada@example.com")
    agent.reads_everything_back()


def test_a_yes_counts_only_for_the_values_that_were_read_back(
    at_the_end: tuple[Caller, Agent],
) -> None:
    caller, agent = at_the_end
    caller.program(text="yes", day="2026-11-16")
    agent.recorded(day="2026-11-16")
    agent.reads_everything_back()
    caller.puts(policy_number="4321", day="2026-11-16")
    agent.reads_everything_back()
    caller.program(text="yes", day="2026-11-16")
    agent.is_done()


def test_a_refused_correction_is_explained_and_asked_again(
    at_the_end: tuple[Caller, Agent],
) -> None:
    caller, agent = at_the_end
    caller.says("no, the date is tomorrow")
    agent.refused("day", "too_late")
    agent.asks("day", again=True)
    agent.knows(policy_number="1234", day="2026-11-17")


@pytest.mark.parametrize("words", ["", "potato", "hmm"])
def test_neither_yes_nor_no_hears_everything_again(
    at_the_end: tuple[Caller, Agent], words: str
) -> None:
    caller, agent = at_the_end
    caller.says(words)
    agent.reads_everything_back()
    assert caller.state.status == "confirming"


def test_a_yes_that_repeats_what_was_read_back_is_a_yes(at_the_end: tuple[Caller, Agent]) -> None:
    caller, agent = at_the_end
    caller.says("yes the date is last tuesday")
    agent.is_done()


@pytest.mark.parametrize("words", ["yes but", "yes except something else"])
def test_a_yes_with_a_but_is_no_yes(at_the_end: tuple[Caller, Agent], words: str) -> None:
    caller, agent = at_the_end
    caller.says(words)
    assert agent.reply.say == "What should I change?"
