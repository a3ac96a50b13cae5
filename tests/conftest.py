"""What all tests share: where the checkout is, and what signals do."""

import signal
from pathlib import Path

import pytest

# Failures in the conversation helper explain themselves as those in a test do.
pytest.register_assert_rewrite("tests.unit.dialogue.talk")

# A shell that starts tests in the background ignores Ctrl-C for them, and so for what they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return Path(__file__).parents[1]
