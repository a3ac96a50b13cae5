"""What one way to hear an utterance means to the form; nothing is done about it yet."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from turnkeeper.contract import Turn
from turnkeeper.dialogue.process import Offer
from turnkeeper.forms.model import Field

MAX_HEARD = 500
"""Characters of an utterance that the state and the transcript keep."""
MAX_READ = 2_000
"""Characters of an utterance that are interpreted."""
MAX_HYPOTHESES = 10
CAPTURE_ABOVE = 0.40
"""Hypotheses under this count as not understood: Cisco's capture threshold."""

DEFINITE, NEARLY, NOTHING = 2, 1, 0


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One way to hear an utterance."""

    text: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one hypothesis says; empty where it says nothing to this form."""

    command: str | None = None
    yes: bool | None = None
    offers: tuple[Offer, ...] = ()
    revisit: Field | None = None
    """A field that the caller wants to change without saying to what."""
    denied: bool = False
    """The value is one that the caller said no to before."""

    @property
    def weight(self) -> int:
        """`DEFINITE`, `NEARLY` or `NOTHING`."""
        if self.command or self.revisit or self.yes is not None:
            return DEFINITE
        if any(offer.reading.kind == "value" for offer in self.offers) and not self.denied:
            return DEFINITE
        return NEARLY if self.offers else NOTHING


def hypotheses(turn: Turn) -> list[Hypothesis]:
    """The ways to hear a turn that are sure enough, best first, none of them empty."""
    heard = [Hypothesis(row.text, row.confidence) for row in turn.alternatives]
    if turn.text is not None and turn.text not in [row.text for row in heard]:
        heard.insert(0, Hypothesis(turn.text, turn.confidence))
    return [
        replace(row, text=row.text[:MAX_READ])
        for row in heard[:MAX_HYPOTHESES]
        if row.text.strip() and (row.confidence is None or row.confidence >= CAPTURE_ABOVE)
    ]


def best(heard: list[Hypothesis], mean: Callable[[Hypothesis], Meaning]) -> Meaning:
    """The first definite meaning, else the first near one, else none."""
    nearly = Meaning()
    for hypothesis in heard:
        meaning = mean(hypothesis)
        if meaning.weight == DEFINITE:
            return meaning
        if nearly.weight == NOTHING:
            nearly = meaning
    return nearly
