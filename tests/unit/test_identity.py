"""A caller is one subject however the number is written, and nobody is two people's subject."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnkeeper.errors import InvalidCaller, InvalidInput
from turnkeeper.security.identity import (
    MAX_CALLER,
    PUBLIC_KEY,
    form_of,
    is_session_of,
    normal_caller,
    session_id,
    subject_of,
    tenant_of,
    transport_key,
)


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
    assert normal_caller(spelling, "US") == "+14155550100"


def test_a_national_number_is_read_in_its_region() -> None:
    assert normal_caller("020 7946 0958", "GB") == "+442079460958"


@pytest.mark.parametrize("user", ["user-42", "1234", "b1f6e0", "911"])
def test_an_id_stays_as_it_is(user: str) -> None:
    assert normal_caller(user, "US") == user


def test_an_email_address_is_one_subject_in_any_case() -> None:
    assert normal_caller("Ada@Example.COM") == normal_caller("ada@example.com") == "ada@example.com"


@pytest.mark.parametrize(
    "nobody", ["", "   ", "anonymous", "Restricted", "+266696687", "sip:anonymous@x"]
)
def test_a_withheld_number_is_nobody(nobody: str) -> None:
    with pytest.raises(InvalidCaller):
        normal_caller(nobody)


def test_a_caller_that_is_too_long_is_refused() -> None:
    with pytest.raises(InvalidCaller, match="1 to 200 characters"):
        normal_caller("x" * (MAX_CALLER + 1))


KEY, OTHER_KEY = b"k" * 32, b"o" * 32


def test_a_subject_is_128_bits_that_only_the_same_key_tenant_and_caller_give() -> None:
    subject = subject_of(KEY, "acme", "+14155550100")
    assert subject == subject_of(KEY, "acme", "+14155550100")
    assert re.fullmatch(r"[a-z2-7]{26}", subject)
    others = {
        subject_of(OTHER_KEY, "acme", "+14155550100"),
        subject_of(KEY, "globex", "+14155550100"),
        subject_of(KEY, "acme", "+14155550101"),
        transport_key(KEY, "acme", "+14155550100"),
        subject_of(PUBLIC_KEY, "acme", "+14155550100"),
    }
    assert len(others | {subject}) == 6


def test_a_subject_is_the_same_in_every_release() -> None:
    """Another one would make a stranger of everybody who calls back."""
    assert subject_of(PUBLIC_KEY, "default", "+14155550100") == "4vpcede3a3lvhqdoebqulbd4g4"


@given(caller=st.text(min_size=1), tenant=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}"))
def test_any_caller_has_a_subject_of_the_same_form(caller: str, tenant: str) -> None:
    assert re.fullmatch(r"[a-z2-7]{26}", subject_of(KEY, tenant, caller))


def test_no_transports_id_is_indexed_as_nothing() -> None:
    assert transport_key(KEY, "acme", "") == ""


def test_a_session_id_has_its_four_parts() -> None:
    whole = session_id("voice:session", "acme", "claim", "aa")
    assert whole == "voice:session:acme:claim:aa"
    assert (tenant_of(whole), form_of(whole)) == ("acme", "claim")


@pytest.mark.parametrize("id_", ["", "acme:claim:aa", "voice::claim:aa", "a:b:c:", "erasure"])
def test_what_is_no_sessions_id_has_no_tenant(id_: str) -> None:
    with pytest.raises(InvalidInput, match="a session's id is prefix:tenant:form:subject"):
        tenant_of(id_)


ACME = session_id("voice:session", "acme", "claim", "a" * 26)


@pytest.mark.parametrize(
    ("id_", "prefix", "tenant", "own"),
    [
        (ACME, "voice:session", "acme", True),
        (ACME, "voice:session", "acm", False),
        (ACME, "voice", "session", False),
        (ACME, "voice:sessions", "acme", False),
        (ACME.replace("claim", "claim:acme"), "voice:session", "acme", False),
        (f"{ACME}.erasure", "voice:session", "acme", False),
        (ACME[:-1], "voice:session", "acme", False),
        ("acme", "voice:session", "acme", False),
    ],
)
def test_a_session_is_a_tenants_if_all_of_its_id_says_so(
    id_: str, prefix: str, tenant: str, own: bool
) -> None:
    assert is_session_of(id_, prefix, tenant) is own


@pytest.mark.parametrize(("tenant", "form"), [("a:b", "c"), ("a", "b:c"), ("", "c"), ("a", "")])
def test_parts_that_would_make_two_sessions_one_are_refused(tenant: str, form: str) -> None:
    with pytest.raises(InvalidInput, match="is not an id"):
        session_id("voice:session", tenant, form, "x")


@given(st.text())
def test_any_text_is_a_caller_without_separators_or_a_clear_refusal(text: str) -> None:
    try:
        subject = normal_caller(text)
    except InvalidCaller:
        return
    assert subject
    assert subject.isprintable()
    assert not set(subject) & set(": \t\n/'\"")


def test_an_extension_is_somebody_only_together_with_its_exchange() -> None:
    assert normal_caller("sip:1001@north.example") == "1001@north.example"
    assert normal_caller("sip:1001@north.example;user=phone") != normal_caller(
        "sip:1001@south.example"
    )


def test_a_caller_that_is_none_is_told_what_to_pass() -> None:
    with pytest.raises(InvalidCaller, match="nobody was named: pass an id of your own"):
        normal_caller(None)  # type: ignore[arg-type]  # what an agent without a number passes


def test_a_form_that_is_no_id_is_not_blamed_on_the_caller() -> None:
    with pytest.raises(InvalidInput, match=r"form '\.\./x' is not an id") as refused:
        session_id("p", "t", "../x", "s")
    assert not isinstance(refused.value, InvalidCaller)
