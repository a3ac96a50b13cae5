"""A caller is one subject however the number is written, and nobody is two people's subject."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnkeeper.errors import InvalidCaller
from turnkeeper.security.identity import MAX_CALLER, session_id, subject_of


@pytest.mark.parametrize(
    "spelling",
    [
        "+14155550100",
        "(415) 555-0100",
        "415.555.0100",
        "1 415 555 0100",
        " +1 (415) 555-0100 ",
        "tel:+14155550100",
        "tel:+1-415-555-0100;ext=5",
        "sip:+14155550100@carrier.example;transport=tls",
        "＋１４１５５５５０１００",
    ],
)
def test_every_spelling_of_a_number_is_one_subject(spelling: str) -> None:
    assert subject_of(spelling, "US") == "+14155550100"


def test_a_national_number_is_read_in_its_region() -> None:
    assert subject_of("020 7946 0958", "GB") == "+442079460958"


@pytest.mark.parametrize("user", ["user-42", "1234", "b1f6e0", "911"])
def test_an_id_stays_as_it_is(user: str) -> None:
    assert subject_of(user, "US") == user


def test_an_email_address_is_one_subject_in_any_case() -> None:
    assert subject_of("Ada@Example.COM") == subject_of("ada@example.com") == "ada@example.com"


@pytest.mark.parametrize(
    "nobody", ["", "   ", "anonymous", "Restricted", "+266696687", "sip:anonymous@x"]
)
def test_a_withheld_number_is_nobody(nobody: str) -> None:
    with pytest.raises(InvalidCaller):
        subject_of(nobody)


def test_a_caller_that_is_too_long_is_refused() -> None:
    with pytest.raises(InvalidCaller, match="1 to 200 characters"):
        subject_of("x" * (MAX_CALLER + 1))


def test_a_session_id_has_its_four_parts() -> None:
    assert session_id("voice:session", "acme", "claim", "+1") == "voice:session:acme:claim:+1"


@pytest.mark.parametrize(("tenant", "form"), [("a:b", "c"), ("a", "b:c"), ("", "c"), ("a", "")])
def test_parts_that_would_make_two_sessions_one_are_refused(tenant: str, form: str) -> None:
    with pytest.raises(InvalidCaller, match="is not an id"):
        session_id("voice:session", tenant, form, "x")


@given(st.text())
def test_any_text_is_a_subject_without_separators_or_a_clear_refusal(text: str) -> None:
    try:
        subject = subject_of(text)
    except InvalidCaller:
        return
    assert subject
    assert subject.isprintable()
    assert not set(subject) & set(": \t\n/'\"")


def test_an_extension_is_somebody_only_together_with_its_exchange() -> None:
    assert subject_of("sip:1001@north.example") == "1001@north.example"
    assert subject_of("sip:1001@north.example;user=phone") != subject_of("sip:1001@south.example")
