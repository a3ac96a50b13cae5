"""Failures in the conversation helper explain themselves as those in a test do."""

import pytest

pytest.register_assert_rewrite("tests.unit.dialogue.talk")
