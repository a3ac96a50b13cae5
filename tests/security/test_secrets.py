"""A secret is a value for delivery and nothing else: no words of it are kept, said or shown."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.unit.dialogue.talk import field, form, talk
from turnkeeper.contract import Alternative, Connect, Reply, Turn
from turnkeeper.dialogue.decide import decide
from turnkeeper.forms.model import FieldType, Form
from turnkeeper.session import Session
from turnkeeper.values import Context

SEED = random.randrange(10**9)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CARD = "4929 1234 5678 9105"
SPOKEN = "four nine two nine one two three four five six seven eight nine one oh five"
HALF = ("four nine two nine one two three four", "five six seven eight nine one oh five")
PIN = field("pin", "digits", length=4, secret=True)
FORM = form(
    field("policy", "digits", length=6),
    field("card", "digits", label="card number", length=16, secret=True),
    field("word", label="password", required=False, secret=True, min=4),
    field("seats", "number"),
    field("note", required=False),
    welcome_back="Back? {summary} {known}.",
)


class Kept:
    """A session without a server: everything that it keeps for readers, and its own record."""

    def __init__(self, form: Form = FORM) -> None:
        self.session = Session.begin("s", form, "e")
        self.replies: list[Reply] = []
        self.connects()

    def connects(self) -> None:
        connect = Connect(connect_id=str(len(self.replies)))
        decision = decide(self.session.form, self.session.dialogue, connect, Context(NOW))
        self.replies.append(self.session.take_connect(connect, decision))

    def hears(self, text: str | None = None, **content: object) -> Reply:
        return self.takes({"text": text, **content})

    def takes(self, content: dict[str, object]) -> Reply:
        named = {"leg": self.session.ledger.leg, "utterance_id": f"u{len(self.replies)}"}
        turn = Turn.model_validate(named | content)
        base = self.session.admit(turn)
        assert not isinstance(base, Reply)
        decision = decide(self.session.form, base, turn, Context(NOW))
        self.replies.append(self.session.take(turn, base, decision))
        return self.replies[-1]

    def shown(self) -> str:
        """All that a reader sees, and every reply."""
        state, transcript = self.session.state(NOW), self.session.transcript()
        replies = [reply.model_dump_json() for reply in self.replies]
        return " ".join([state.model_dump_json(), transcript.model_dump_json(), *replies])

    def value(self, name: str = "card") -> object:
        answer = self.session.dialogue.answers.get(name)
        return answer.value if answer else None

    def words(self) -> str:
        """What the record keeps as heard, wherever."""
        return " ".join(_heard_in(self.session.record().model_dump()))


def _heard_in(data: object) -> Iterator[str]:
    if isinstance(data, dict):
        yield from (v for k, v in data.items() if k == "heard" and isinstance(v, str))
        data = list(data.values())
    if isinstance(data, list | tuple):
        for part in data:
            yield from _heard_in(part)


def assert_hidden(kept: Kept, *parts: str) -> None:
    for part in parts:
        assert part not in kept.shown()
        assert part not in kept.words()


@pytest.fixture
def asked() -> Kept:
    """The card number is asked."""
    kept = Kept()
    assert kept.hears("1 2 3 4 5 6").field == "card"
    return kept


@pytest.mark.parametrize(
    "content",
    [
        {"text": CARD},
        {"text": SPOKEN},
        {"dtmf": "4929123456789105#"},
        {"answers": {"card": "4929123456789105"}},
        {"answers": {"card": "4929123456789105"}, "text": f"it's {CARD}"},
        {"text": f"uh, it's {CARD}", "confidence": 0.45},
        {"alternatives": (Alternative(text=CARD), Alternative(text=SPOKEN))},
    ],
)
def test_a_secret_that_is_asked_is_kept_as_a_value_only(
    asked: Kept, content: dict[str, object]
) -> None:
    reply = asked.takes(content)
    assert reply.recorded == {"card": "***"}
    assert asked.value() == "4929123456789105"
    assert_hidden(asked, "4929", "9105", "four nine", "eight nine")


def test_a_secret_that_is_too_short_or_nonsense_is_hidden_too(asked: Kept) -> None:
    asked.hears("four nine two nine one two three")
    asked.hears("my card is a blue one from the bank")
    asked.hears(dtmf="4929123")
    assert asked.value() is None
    assert_hidden(asked, "four nine", "blue one", "4929")


def test_a_secret_said_in_two_breaths_is_put_together_and_hidden(asked: Kept) -> None:
    for half in HALF:
        asked.hears(half)
        assert_hidden(asked, "four nine", "five six")
    assert asked.value() == "4929123456789105"
    assert asked.session.dialogue.begun == ""


def test_other_words_of_an_utterance_hide_as_the_first_did(asked: Kept) -> None:
    asked.hears(HALF[0], utterance_id="same")
    asked.hears(" ".join(HALF), utterance_id="same")
    assert asked.value() == "4929123456789105"
    assert_hidden(asked, "four nine", "five six", "4929")


@pytest.mark.parametrize(
    "words",
    [
        f"my card number is {CARD}",
        f"123456 and my card number is {CARD}",
        "my card number is four nine two nine",
        f"the card number is {SPOKEN}",
        CARD,
        SPOKEN,
    ],
)
def test_a_secret_said_while_something_else_is_asked_is_hidden(words: str) -> None:
    kept = Kept()
    kept.hears(words)
    assert_hidden(kept, "4929", "four nine", "9105")


def test_what_follows_the_name_of_a_secret_is_hidden_though_nothing_was_understood() -> None:
    kept = Kept()
    kept.hears("my card number is the usual platypus")
    assert kept.value() is None
    assert_hidden(kept, "platypus")


def test_a_correction_of_a_secret_is_hidden_understood_or_not(asked: Kept) -> None:
    asked.hears(CARD)
    asked.hears("no wait, 4929 1234 5678 9113")
    asked.hears("the card number is 4929 1234 5678 9113")
    assert asked.value() == "4929123456789113"
    assert_hidden(asked, "9113", "9105", "4929")


def test_a_correction_that_the_next_field_takes_is_hidden_too() -> None:
    kept = Kept(form(field("pin", "digits", length=4, secret=True), field("seats", "number")))
    kept.hears("4711")
    kept.hears("no wait, 4712")
    assert "4712" not in kept.words()
    assert "4712" not in kept.session.transcript().model_dump_json()


@pytest.mark.parametrize("asked", ["text", "date", "number", "boolean", "digits"])
@pytest.mark.parametrize(
    "words", ["no wait, 9875", "no, it's 9875", "sorry, I meant 9875", "actually 9 8 7 5"]
)
def test_a_secret_that_is_corrected_without_its_name_becomes_no_other_answer(
    asked: FieldType, words: str
) -> None:
    kept = Kept(form(PIN, field("other", asked), field("seats", "number")))
    kept.hears("4711")
    reply = kept.hears(words)
    assert kept.value("other") is None
    if not reply.recorded:  # It may be meant for the other.
        assert asked in ("number", "digits", "date")
        assert (reply.field, reply.recorded) == ("pin", {})
        reply = kept.hears("9875")
    assert reply.recorded == {"pin": "***"}
    assert kept.value("pin") == "9875"
    assert_hidden(kept, "9875", "9 8 7 5")


@pytest.mark.parametrize("asked", ["text", "name", "boolean"])
@pytest.mark.parametrize(
    "words",
    [
        "oops, 9875",
        "sorry, it's 9 8 7 5 please",
        "oh no sorry nine eight seven five",
        "whoops 9875",
        "my bad, um, 9875",
    ],
)
def test_a_secret_after_a_word_of_regret_is_its_new_value(asked: FieldType, words: str) -> None:
    kept = Kept(form(PIN, field("other", asked), field("seats", "number")))
    kept.hears("4711")
    reply = kept.hears(words)
    assert (reply.recorded, reply.field, kept.value("other")) == ({"pin": "***"}, "other", None)
    assert reply.say == "I've changed the pin. other?"
    assert kept.value("pin") == "9875"
    assert_hidden(kept, "9875", "9 8 7 5", "nine eight")


@pytest.mark.parametrize(
    "words",
    [
        "sorry, a tree fell on it",
        "sorry, 9875 people were there",
        "oops, it was about 9875",
        "sorry",
        "sorry, 12 of them",
        "no, the roof fell in",
    ],
)
def test_an_answer_that_begins_with_regret_and_is_no_secret_stays_an_answer(words: str) -> None:
    kept = Kept(form(PIN, field("other"), field("seats", "number")))
    kept.hears("4711")
    assert set(kept.hears(words).recorded) == {"other"}
    assert kept.value("pin") == "4711"


def test_a_word_of_regret_corrects_the_turn_before_and_none_earlier() -> None:
    kept = Kept(form(PIN, field("story"), field("other"), field("seats", "number")))
    kept.hears("4711")
    kept.hears("a tree fell on it")
    assert kept.hears("oops, 9875").recorded == {"other": "oops, 9875"}


def test_a_second_thought_that_can_be_no_secret_answers_what_is_asked() -> None:
    kept = Kept(form(PIN, field("day", "date"), field("seats", "number")))
    kept.hears("4711")
    assert set(kept.hears("wait, actually on friday").recorded) == {"day"}


def test_of_a_personal_value_every_read_back_says_its_mask_alone() -> None:
    phone = field("phone", "phone", personal=True, confirm="always")
    kept = Kept(form(phone, field("address", personal=True), field("seats", "number")))
    said = [kept.hears("415 555 0123").say, kept.hears("yes").say, kept.hears("7 elm road").say]
    kept.connects()
    said += [kept.replies[-1].say, kept.hears("two").say]
    said += [kept.hears("change the address to 9 oak road").say]
    assert said[0] == "I heard ending in 0 1 2 3. Is that right?"
    assert "phone: ending in 0 1 2 3, address: noted" in said[3]
    assert "Phone: ending in 0 1 2 3. Address: noted. Seats: 2." in said[4]
    assert "I've changed the address." in said[5]
    assert not any(word in text for text in said for word in ("elm", "oak", "4 1 5", "5 5 5"))


def test_other_answers_are_heard_as_ever(asked: Kept) -> None:
    asked.hears(CARD)
    asked.hears("skip")
    asked.hears("two seats please")
    assert "two seats please" in asked.words()
    assert "1 2 3 4 5 6" in asked.words()
    assert "two seats please" in asked.shown()


def test_a_secret_is_in_no_read_back_no_welcome_and_no_trail(asked: Kept) -> None:
    asked.hears(CARD)
    asked.hears("open sesame")
    asked.connects()
    asked.hears("two")
    asked.hears("no note")
    assert asked.replies[-1].confirming == {"field": None, "value": None}
    assert "seats: 2" in asked.replies[-1].say.lower()
    asked.hears(event="start_over")
    assert asked.session.state(NOW).discarded[0]["card"] == "***"
    assert asked.session.dialogue.discarded[0]["card"] == "4929123456789105"
    assert_hidden(asked, "4929", "9105", "sesame", "4 9 2 9")


def test_an_ambiguous_secret_is_not_spelled_out_to_the_caller() -> None:
    caller, agent = talk(form(field("at", "time", secret=True)))
    caller.says("at five")
    agent.refused("at", "incomplete")
    assert "5" not in agent.reply.model_dump_json().replace("min_digits", "")


def test_whatever_the_words_around_a_secret_it_is_never_shown() -> None:
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    around = ("{}", "it's {}", "um {} please", "{} thank you", "sure, {}", "no wait, {}", "yes {}")
    for _ in range(60):
        kept = Kept()
        length = chance.choice([3, 9, 15, 16, 16, 16, 17])
        # A short one is none that stands in the policy number.
        digits = "".join(chance.choices("789" if length == 3 else "123456789", k=length))
        kept.hears("1 2 3 4 5 6")
        kept.hears(chance.choice(around).format(digits))
        kept.hears(chance.choice(around).format(f"my card number is {digits}"))
        kept.hears(chance.choice(["help", "repeat", "go back", "start over", "yes", "no", "skip"]))
        assert_hidden(kept, digits)


def test_the_search_finds_an_answer_that_is_no_secret() -> None:
    """The search can fail: a field that is no secret is found."""
    kept = Kept()
    kept.hears("9 8 7 6 5 4")
    assert "987654" in kept.shown()
    assert "9 8 7 6 5 4" in kept.words()
