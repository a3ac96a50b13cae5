"""A pydantic model is a form, and a form's answers are an instance of the model."""

from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum, IntEnum
from textwrap import dedent
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, EmailStr, Field, SecretStr

from turnkeeper.errors import FormError, InvalidInput
from turnkeeper.forms import Ask, Form, answers_to, from_model, parse_form


class Kind(Enum):
    THEFT = "theft"
    GLASS = "glass"


class Claim(BaseModel):
    """A claim as a backend would want it."""

    policy: Annotated[
        str,
        Ask(prompt=["What is your policy number?", "Eight digits, please."], type="digits"),
        Field(title="policy number", min_length=8, max_length=8),
    ]
    kind: Annotated[Kind, Ask(prompt="What happened?", choices={"theft": ["stolen"], "glass": []})]
    report: Annotated[
        str | None,
        Ask(prompt="The report?", when='kind == "theft"', required=True),
        Field(max_length=30),
    ] = None
    day: Annotated[date, Ask(prompt="Which day?", max="today", confirm="always")]
    at: Annotated[time, Ask(prompt="At what time?")] = time(12, 30)
    people: Annotated[int, Ask(prompt="How many?"), Field(ge=1, lt=10)]
    damage: Annotated[Decimal | None, Ask(prompt="How much?"), Field(ge=0)] = None
    hurt: Annotated[bool, Ask(prompt="Is anyone hurt?")]
    channel: Annotated[Literal["mail", "phone"], Ask(prompt="Mail or phone?")] = "phone"
    email: EmailStr | None = Field(
        None,
        description="For the paperwork.",
        examples=["ada@example.com"],
        json_schema_extra={"turnkeeper": {"prompt": "Your email?", "personal": True}},
    )
    code: Annotated[str, Ask(prompt="The code?"), Field(pattern="[A-Z]{3}")]
    pin: Annotated[SecretStr, Ask(prompt="Your pin?", type="digits", length=4)]


YAML = """
form: claim
title: Claim
stale: 24h
deliver: https://example.com/claims
fields:
  - name: policy
    type: digits
    label: policy number
    length: 8
    prompt: ["What is your policy number?", "Eight digits, please."]
  - {name: kind, type: choice, choices: {theft: [stolen], glass: []}, prompt: "What happened?"}
  - {name: report, prompt: "The report?", when: 'kind == "theft"', max: 30}
  - {name: day, type: date, prompt: "Which day?", max: today, confirm: always}
  - {name: at, type: time, prompt: "At what time?", required: false, default: 12:30}
  - {name: people, type: number, prompt: "How many?", whole: true, min: 1, max: 9}
  - {name: damage, type: number, prompt: "How much?", required: false, min: 0}
  - {name: hurt, type: boolean, prompt: "Is anyone hurt?"}
  - name: channel
    type: choice
    choices: [mail, phone]
    prompt: Mail or phone?
    required: false
    default: phone
  - name: email
    type: email
    prompt: Your email?
    help: For the paperwork. For example, ada@example.com.
    required: false
    personal: true
  - {name: code, prompt: "The code?", pattern: "[A-Z]{3}"}
  - {name: pin, type: digits, prompt: "Your pin?", length: 4, secret: true}
"""


def claim_form() -> Form:
    return from_model(
        Claim, form="claim", title="Claim", stale="24h", deliver="https://example.com/claims"
    )


def test_a_model_and_a_file_give_equal_forms() -> None:
    assert claim_form() == parse_form(dedent(YAML).lstrip())


def test_answers_make_the_instance_that_they_say() -> None:
    claim = answers_to(
        Claim,
        {
            "policy": "00123456",
            "kind": "glass",
            "day": "2026-11-17",
            "at": "09:05",
            "people": 2,
            "hurt": False,
            "code": "ABC",
            "pin": "0420",
        },
    )
    assert claim == Claim(
        policy="00123456",
        kind=Kind.GLASS,
        day=date(2026, 11, 17),
        at=time(9, 5),
        people=2,
        hurt=False,
        code="ABC",
        pin=SecretStr("0420"),
        email=None,
    )


class Floor(IntEnum):
    GROUND = 0
    FIRST = 1


class Visit(BaseModel):
    floor: Annotated[Floor, Ask(prompt="Which floor?")]
    size: Annotated[Literal[1, 2], Ask(prompt="One or two?")]
    guest: Annotated[str | None, Ask(prompt="Who?")] = Field(alias="guestName")


def test_choices_that_are_numbers_are_heard_as_words_and_given_back_as_numbers() -> None:
    form = from_model(Visit, form="visit")
    assert [choice.value for choice in form.fields[0].choices] == ["0", "1"]
    assert [choice.value for choice in form.fields[1].choices] == ["1", "2"]
    visit = answers_to(Visit, {"floor": "1", "size": "2"})
    assert (visit.floor, visit.size) == (Floor.FIRST, 2)


def test_a_field_that_may_be_none_is_none_when_it_was_not_asked() -> None:
    assert not from_model(Visit, form="visit").fields[2].required
    assert answers_to(Visit, {"floor": "1", "size": "2"}).guest is None
    assert answers_to(Visit, {"floor": "1", "size": "2", "guest": "Ada"}).guest == "Ada"


def test_answers_that_the_model_refuses_are_named_without_their_values() -> None:
    with pytest.raises(InvalidInput) as told:
        answers_to(Visit, {"floor": "lobby", "size": "2"})
    assert str(told.value) == "the answers are no Visit: floor (enum)"


class Wrong(BaseModel):
    photo: Annotated[bytes, Ask(prompt="Photo?")]
    moment: Annotated[datetime, Ask(prompt="When?")]
    either: Annotated[int | str, Ask(prompt="Which?")]
    silent: str
    later: Annotated[str | None, Ask(prompt="Then?", when='silnt == "a"')] = None
    extra: str = Field(json_schema_extra={"turnkeeper": {"prompt": "E?", "promt": "F?"}})


def test_a_models_mistakes_are_told_at_once_by_model_and_field() -> None:
    with pytest.raises(FormError) as told:
        from_model(Wrong, form="Wrong")
    where = f"{__name__}.Wrong: "
    assert all(mistake.startswith(where) for mistake in told.value.mistakes)
    assert {mistake.removeprefix(where).split(";")[0] for mistake in told.value.mistakes} == {
        'form id "Wrong" is not well formed',
        'field "photo": type "bytes" is not known',
        'field "moment": type "datetime" is not known',
        'field "either": type "int | str" is not known',
        'field "silent": it has no prompt',
        'field "later": when: there is no field "silnt"',
        'field "extra": key "promt" is not known',
    }


class Endless(BaseModel):
    size: Annotated[float, Ask(prompt="How large?")] = float("inf")


def test_a_default_that_is_no_number_is_a_mistake() -> None:
    with pytest.raises(FormError, match='default "inf" does not fit type number'):
        from_model(Endless, form="f")


class Unbearable(BaseModel):
    hurt: Annotated[bool, Ask(prompt="Hurt?")]
    who: Annotated[str, Ask(prompt="Who?", when="hurt")]


def test_a_field_with_a_condition_must_bear_to_be_absent() -> None:
    with pytest.raises(FormError, match='field "who": it has a "when", so it may stay unanswered'):
        from_model(Unbearable, form="f")
