"""Sessions of one form share it, in whatever threads they are."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from turnkeeper.forms.load import parse_form
from turnkeeper.forms.model import Form
from turnkeeper.forms.registry import digest_of, recall, shared

THREADS, ROUNDS = 4, 400

FORM = parse_form("""
form: order
timezone: Europe/London
fields:
  - {name: size, type: text, prompt: "Which size?"}
""")


@pytest.fixture
def impatient() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_sessions_that_begin_at_once_in_many_threads_share_one_form(impatient: None) -> None:
    barrier = Barrier(THREADS)

    def begin(number: int) -> Form:
        form = FORM.model_copy(update={"version": str(number)})
        barrier.wait(10)
        return shared(form)

    with ThreadPoolExecutor(THREADS) as threads:
        for number in range(ROUNDS):
            first, *others = threads.map(begin, [number] * THREADS)
            assert all(other is first for other in others)
            assert recall(digest_of(first)) is first


def test_a_form_is_forgotten_with_its_last_session() -> None:
    form = shared(FORM.model_copy(update={"version": "forgotten"}))
    digest = digest_of(form)
    assert recall(digest) is form
    del form
    with pytest.raises(LookupError, match="no session of this process"):
        recall(digest)
