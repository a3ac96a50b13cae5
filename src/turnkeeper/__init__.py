"""Turnkeeper: durable forms for voice agents.

A caller's form is one Temporal workflow; a turn is in its history before the caller hears the
answer. `VoiceSessions` is what an agent uses; `turnkeeper.errors` what can go wrong;
`turnkeeper.testing` what its tests need.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from turnkeeper.client import VoiceSession, VoiceSessions
    from turnkeeper.contract import Alternative, Reply, SessionState, Turn
    from turnkeeper.errors import TurnkeeperError
    from turnkeeper.forms.model import Field, Form
    from turnkeeper.store import SessionStore

_WHERE = {
    "VoiceSession": "client",
    "VoiceSessions": "client",
    "Alternative": "contract",
    "Reply": "contract",
    "SessionState": "contract",
    "Turn": "contract",
    "TurnkeeperError": "errors",
    "Field": "forms.model",
    "Form": "forms.model",
    "SessionStore": "store",
}

__all__ = [
    "Alternative",
    "Field",
    "Form",
    "Reply",
    "SessionState",
    "SessionStore",
    "Turn",
    "TurnkeeperError",
    "VoiceSession",
    "VoiceSessions",
]


def __getattr__(name: str) -> object:
    """Names are loaded when first used: a command that reads a form need not load Temporal."""
    if name not in _WHERE:
        raise AttributeError(f"module 'turnkeeper' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"turnkeeper.{_WHERE[name]}"), name)
