"""The form of these tests. Without LiveKit they skip: `scripts/adapters` has an environment."""

import pytest

from turnkeeper.forms.load import parse_form
from turnkeeper.testing import MemorySessions

CALLER = "+14155550100"

CLAIM = """
form: claim
title: Claim
confirm: false
greeting: Hello.
goodbye: Thank you. Goodbye.
fields:
  - name: policy
    type: digits
    length: 4
    prompt: ["Policy number?", "Four digits please."]
  - name: theft
    type: boolean
    prompt: Was anything stolen?
  - name: name
    type: text
    required: false
    prompt: What is your name?
"""
GREETING = "Hello. Policy number?"


@pytest.fixture
def memory() -> MemorySessions:
    return MemorySessions([parse_form(CLAIM)])
