"""Everything but dates and times, as callers say it."""

from collections.abc import Callable

import pytest

from turnkeeper.forms.model import SPOKEN_IN_PART, Choice, Field
from turnkeeper.values import (
    TYPES,
    Context,
    Reading,
    accept,
    mask,
    read_dtmf,
    read_yes_no,
    speak,
    split_yes_no,
)

Hear = Callable[..., Reading]
MakeField = Callable[..., Field]

YES = (
    "yes", "yeah that's right", "uh huh", "no problem", "no that's fine", "no, that's correct",
    "correct", "that is correct thank you", "ok", "works for me", "I do", "yep", "sure thing",
    "mm-hmm", "that's it", "sounds good", "yes please", "all good",
)  # fmt: skip
NO = (
    "no", "nope", "no that's wrong", "not quite", "that's not right", "that is incorrect",
    "okay no", "wait no that's wrong", "I don't think so", "nah", "no no no", "no thank you",
)  # fmt: skip
NEITHER = (
    "", "hello", "yes but make it friday", "I don't know", "no idea", "correct the date",
    "okay, change the date", "it's friday", "yes no", "right now", "good morning",
    "yes, except the time", "ok fine, but one correction",
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "answer"),
    [(t, True) for t in YES] + [(t, False) for t in NO] + [(t, None) for t in NEITHER],
)
def test_yes_and_no_are_read_with_their_negation_and_doubt_is_neither(
    text: str, answer: bool | None
) -> None:
    assert read_yes_no(text) is answer


def test_what_follows_a_yes_or_no_is_handed_on() -> None:
    assert split_yes_no("no, it's friday") == (False, "it's friday")
    assert split_yes_no("yes but make it friday") == (None, "but make it friday")
    assert split_yes_no("hello there") == (None, "hello there")


SAID: list[tuple[str, str, dict[str, object], object]] = [
    ("text", "um, my car uh broke down so badly", {}, "my car broke down so badly"),
    ("boolean", "yes, no wait, no", {}, False),
    ("number", "twenty five", {}, 25),
    ("number", "two and a half", {}, 2.5),
    ("number", "fifteen hundred bucks", {}, 1500),
    ("number", "twenty dollars and fifty cents", {}, 20.5),
    ("number", "a dozen", {}, 12),
    ("number", "just me", {}, 1),
    ("number", "minus three", {}, -3),
    ("number", "five, no wait, six", {}, 6),
    ("digits", "double four oh one", {"length": 4}, "4401"),
    ("digits", "twenty five", {"length": 2}, "25"),
    ("digits", "twenty five", {"length": 3}, "205"),
    ("digits", "four eight to ate", {"length": 4}, "4828"),
    ("digits", "the code is 4-4-1, no wait, 442", {"length": 3}, "442"),
    ("digits", "it's 0071", {}, "0071"),
    ("phone", "four one five five five five 2671", {}, "+14155552671"),
    ("phone", "(415) 555-2671", {}, "+14155552671"),
    ("phone", "plus four four twenty seven nine four six oh nine five eight", {}, "+442079460958"),
    ("phone", "eight hundred five five five one two one two", {}, "+18005551212"),
    ("email", "my email is ada dot lovelace at g mail dot com", {}, "ada.lovelace@gmail.com"),
    ("email", "a d a at example dot co dot uk", {}, "ada@example.co.uk"),
    ("email", "ada underscore forty two at example dot com", {}, "ada_42@example.com"),
    ("email", "Ada@Example.com please", {}, "ada@example.com"),
    ("name", "my name is ada lovelace", {}, "Ada Lovelace"),
    ("name", "last name o'brien first name mary", {}, "Mary O'Brien"),
    ("name", "maria de la cruz", {}, "Maria de la Cruz"),
    ("name", "ronald mcdonald", {}, "Ronald McDonald"),
    ("name", "a d a", {}, "Ada"),
    ("name", "Shane, that's spelled s h a y n e", {}, "Shayne"),
    ("name", "J R R Tolkien", {}, "J R R Tolkien"),
    ("name", "ada, no wait, grace hopper", {}, "Grace Hopper"),
    ("postal_code", "nine four one oh three", {}, "94103"),
    ("postal_code", "94103 1234", {}, "94103-1234"),
    ("postal_code", "l e 0 8 4 b f", {"region": "GB"}, "LE08 4BF"),
    ("postal_code", "Lima Echo 084 Bravo foxtrot", {"region": "GB"}, "LE08 4BF"),
    ("postal_code", "n g nine to t d", {"region": "GB"}, "NG9 2TD"),
    ("postal_code", "k 1 a 0 b 1", {"region": "CA"}, "K1A 0B1"),
    ("postal_code", "10115", {"region": "DE"}, "10115"),
    ("number", "nine out of ten", {"max": 10}, 9),
    ("number", "a 7 of 10", {"max": 10}, 7),
    ("name", "it's ada, ada lovelace", {}, "Ada Lovelace"),
    ("name", "ada, adam", {}, "Ada Adam"),
    ("choice", "I have a flat", {}, "flat_tire"),
    ("choice", "the second one", {}, "dead_battery"),
    ("choice", "not the battery, a tow", {}, "tow"),
    ("choice", "battry", {}, "dead_battery"),
    ("choice", "dead batter he", {}, "dead_battery"),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "text", "settings", "value"), SAID)
def test_spoken_words_become_the_value_in_normal_form(
    hear: Hear, type_: str, text: str, settings: dict[str, object], value: object
) -> None:
    reading = hear(type_, text, **settings)
    assert (reading.kind, reading.value) == ("value", value)
    assert type(reading.value) is type(value)
    assert reading.heard


NOT_SAID = [
    ("number", "I have 2 dogs and 3 cats"),
    ("number", "hello"),
    ("number", "the third"),
    ("number", "nine out of twelve"),
    ("number", "half past six"),
    ("number", "quarter to six"),
    ("number", "quarter past"),
    ("digits", "i was born in 1980 and have 2 kids"),
    ("digits", "i don't know"),
    ("phone", "hello"),
    ("email", "ada at example"),
    ("name", "what?"),
    ("name", "i don't know"),
    ("name", "Jo n e x"),
    ("postal_code", "San Francisco"),
    ("choice", "not the battery"),
    ("choice", "hello there"),
    ("boolean", "maybe"),
]


@pytest.mark.parametrize(("type_", "text"), NOT_SAID)
def test_other_words_are_none_of_the_type(hear: Hear, type_: str, text: str) -> None:
    assert hear(type_, text).kind == "none"


def test_two_choices_said_are_a_question(hear: Hear) -> None:
    assert hear("choice", "flat or battery").candidates == ("flat_tire", "dead_battery")


def test_a_longer_name_covers_a_shorter_one(hear: Hear) -> None:
    sizes = (Choice(value="large"), Choice(value="extra large"))
    assert hear("choice", "extra large please", choices=sizes).value == "extra large"


@pytest.mark.parametrize(
    ("type_", "text", "settings", "kind", "code", "say"),
    [
        (
            "digits",
            "one two three",
            {"length": 6},
            "partial",
            "incomplete",
            "That's 3 digits; I need 6.",
        ),
        (
            "digits",
            "one",
            {"length": (4, 8)},
            "partial",
            "incomplete",
            "That's 1 digit; I need 4 to 8.",
        ),
        ("digits", "1234567", {"length": 6}, "refused", "too_long", "That's 7 digits; I need 6."),
        ("digits", "1234", {"pattern": "9.*"}, "refused", "pattern", "That isn't a valid answer."),
        (
            "number",
            "12",
            {"max": 9},
            "refused",
            "too_high",
            "That's too high; it must be at most 9.",
        ),
        ("number", "0", {"min": 1}, "refused", "too_low", "That's too low; it must be at least 1."),
        (
            "text",
            "ok",
            {"min": 3},
            "refused",
            "too_short",
            "That's too short; I need at least 3 characters.",
        ),
        (
            "text",
            "a long one",
            {"max": 5},
            "refused",
            "too_long",
            "That's too long; I can take 5 characters.",
        ),
        (
            "phone",
            "415 555",
            {},
            "partial",
            "incomplete",
            "That's only part of a phone number; I need all of it.",
        ),
        (
            "phone",
            "999 999 9999",
            {},
            "refused",
            "not_a_phone_number",
            "That isn't a phone number that I can use.",
        ),
        (
            "postal_code",
            "9 4 1",
            {},
            "partial",
            "incomplete",
            "That's only part of a postal code; I need all of it.",
        ),
    ],
)
def test_a_value_outside_the_fields_limits_comes_with_a_sentence_for_the_caller(
    hear: Hear, type_: str, text: str, settings: dict[str, object], kind: str, code: str, say: str
) -> None:
    reading = hear(type_, text, **settings)
    assert reading.refusal is not None
    assert (reading.kind, reading.refusal.code, reading.refusal.say) == (kind, code, say)


@pytest.mark.parametrize(
    ("type_", "keys", "value"),
    [
        ("digits", "4411#", "4411"),
        ("number", "12*50", 12.5),
        ("boolean", "1", True),
        ("boolean", "2", False),
        ("choice", "3", "tow"),
        ("phone", "4155552671#", "+14155552671"),
        ("postal_code", "94103", "94103"),
    ],
)
def test_keys_give_values_too(
    field: MakeField, context: Context, type_: str, keys: str, value: object
) -> None:
    reading = read_dtmf(field(type_), keys, context)
    assert (reading.value, reading.heard) == (value, keys)


@pytest.mark.parametrize("type_", ["text", "name", "email"])
def test_types_without_keys_read_none_from_them(
    field: MakeField, context: Context, type_: str
) -> None:
    assert read_dtmf(field(type_), "123", context).kind == "none"


def test_a_program_is_told_when_its_choice_or_address_is_none(
    field: MakeField, context: Context
) -> None:
    for type_, value in (("choice", "spaceship"), ("email", "ada at example")):
        assert accept(field(type_), value, context).kind == "refused"
    assert accept(field("choice"), "tow", context).value == "tow"


@pytest.mark.parametrize(
    ("type_", "value", "said"),
    [
        ("digits", "123456", "1 2 3, 4 5 6"),
        ("digits", "12345678", "1 2 3 4, 5 6 7 8"),
        ("phone", "+14155552671", "4 1 5, 5 5 5, 2 6 7 1"),
        ("email", "ada_l@example.com", "ada underscore l at example dot com"),
        ("postal_code", "LE08 4BF", "L E 0 8, 4 B F"),
        ("boolean", False, "no"),
        ("number", 1500, "1,500"),
        ("choice", "flat_tire", "flat tire"),
    ],
)
def test_a_value_is_spoken_as_people_say_it(
    field: MakeField, type_: str, value: str | float, said: str
) -> None:
    assert speak(field(type_), value) == said


@pytest.mark.parametrize("type_", ["text", "digits", "phone", "email", "date", "name", "number"])
def test_nothing_of_a_secret_is_ever_spoken(field: MakeField, type_: str) -> None:
    assert mask(field(type_, name="pass_code", secret=True), "4411") == "your pass code"


def test_of_a_personal_value_only_its_mask_is_spoken(field: MakeField) -> None:
    assert mask(field("phone", personal=True), "+14155552671") == "ending in 2 6 7 1"
    assert mask(field("digits", personal=True), "1234") == "ending in 3 4"
    assert mask(field("email", personal=True), "ada@example.com") == "ending in example dot com"
    assert mask(field("postal_code", personal=True), "94103") == "ending in 0 3"
    assert mask(field("name", personal=True), "Ada King O'Brien") == "the initials A K O"
    assert mask(field("date", personal=True), "1977-05-22") == "a date on the 22nd"
    assert mask(field("date", personal=True), "1977-05-13") == "a date on the 13th"
    assert mask(field("digits", personal=True, name="code"), "7") == "your code"
    for type_ in TYPES.keys() - SPOKEN_IN_PART:
        value = "12 Elm Road"
        assert mask(field(type_, personal=True, name="address"), value) == "your address"
    assert mask(field("number"), 5) == "5"
