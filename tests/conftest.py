"""What all tests share: where the checkout is."""

from pathlib import Path

import pytest

# Failures in the conversation helper explain themselves as those in a test do.
pytest.register_assert_rewrite("tests.unit.dialogue.talk")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return Path(__file__).parents[1]
