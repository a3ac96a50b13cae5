"""Sessions of one form share it, and a form is forgotten with its last session."""

import gc

import pytest

from turnkeeper.forms.load import parse_form
from turnkeeper.forms.registry import digest_of, recall, shared

FORM = "form: shared\nfields: [{name: city, prompt: Which city}]\n"


def test_forms_of_one_content_are_one() -> None:
    first, second = shared(parse_form(FORM)), shared(parse_form(FORM))
    assert first is second
    assert recall(digest_of(first)) is first


def test_another_content_is_another_form() -> None:
    first = shared(parse_form(FORM))
    other = shared(parse_form(FORM.replace("Which city", "What city")))
    assert digest_of(first) != digest_of(other)
    assert recall(digest_of(other)) is other


def test_a_form_that_nobody_goes_by_is_forgotten() -> None:
    form = shared(parse_form(FORM.replace("shared", "forgotten")))
    digest = digest_of(form)
    del form
    gc.collect()
    with pytest.raises(LookupError, match="no session of this process"):
        recall(digest)
