"""What is examined, and what a check says of it."""

from dataclasses import dataclass
from typing import Literal

from temporalio.client import Client

from turnkeeper.forms.model import Frozen
from turnkeeper.settings import Settings

State = Literal["ok", "warning", "wrong", "skipped"]
"""`warning`: it works, and somebody should know; `wrong`: callers would notice, or will."""


class Finding(Frozen):
    """What one check says."""

    check: str = ""
    state: State
    found: str
    """One sentence."""
    mend: str = ""
    """What to do about it; nothing where nothing is wrong."""


@dataclass(frozen=True)
class Examined:
    """A set-up: its settings, and a client that has not connected yet."""

    settings: Settings
    client: Client
    address: str


def ok(found: str) -> Finding:
    return Finding(state="ok", found=found)


def warning(found: str, mend: str) -> Finding:
    return Finding(state="warning", found=found, mend=mend)


def wrong(found: str, mend: str) -> Finding:
    return Finding(state="wrong", found=found, mend=mend)


def skipped(found: str) -> Finding:
    return Finding(state="skipped", found=found)
