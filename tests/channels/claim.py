"""The form that callers of voice platforms fill in here, and what came of it."""

from turnkeeper.contract import SessionState
from turnkeeper.forms.load import parse_form
from turnkeeper.testing import MemorySessions

CALLER = "+14155550100"

BEGINNING = """
form: claim
title: Claim
timezone: Europe/London
greeting: Hello.
goodbye: Thank you.
confirm: false
hand_off: "+1 415 555 0123"
fields:
  - {name: policy, type: digits, length: 4, prompt: ["Policy number?", "Four digits please."]}
  - {name: theft, type: boolean, prompt: "Was anything stolen?"}
"""

CLAIM = parse_form(BEGINNING + '  - {name: name, type: text, prompt: "What is your name?"}\n')


async def state_of(sessions: MemorySessions, caller: str = CALLER) -> SessionState:
    return await sessions.state(await sessions.session_id("claim", caller))
