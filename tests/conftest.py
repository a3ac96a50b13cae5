"""What all tests share: where the corpora are, and forms that tests talk to."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of public dialogues; tests that want them skip where there are none."""
    folder = Path(os.environ.get("TURNKEEPER_CORPORA") or ROOT.parent / "shared" / "corpora")
    if not folder.is_dir():
        pytest.skip("no corpora here: set TURNKEEPER_CORPORA to their folder")
    return folder
