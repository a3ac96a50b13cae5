"""What a caller said in one go. Pipecat has no ids for that: it gets one here, kept over retries.

while its turn was on its way, or before    it amends: the words of both, under the same id
anything of the reply was heard, the        (the caller was still on the same question)
caller spoke on
the same, but the words of both together    the first words are sent again as they were, and
mean less than the first alone did          the new ones are an utterance of their own
anything else                               a new utterance
"""

from dataclasses import dataclass, field

from turnkeeper.client import TurnContent
from turnkeeper.contract import Reply


@dataclass(eq=False)
class Utterance:
    """What the caller said in one go, and what became of it. The greeting is one too: the answer
    to somebody who rang."""

    words: list[str] = field(default_factory=list)
    content: TurnContent = field(default_factory=TurnContent)
    """What there is beside words, or in their place."""
    amends: "Utterance | None" = None
    id: str = ""
    reply: Reply | None = None
    is_said: bool = False
    """The reply was given to the pipeline."""
    is_heard: bool = False
    """The caller began to hear it."""
    is_cut: bool = False
    """The caller spoke on before that."""
    is_greeting: bool = False
    was_asked_after: bool = False
    """The pipeline wanted something said while the reply was on its way."""


def loses(was: Reply, now: Reply) -> bool:
    """Whether an amendment takes back what the caller had achieved by their first words."""
    pending = was.confirming is not None and not (now.recorded or now.confirming)
    return (
        pending
        or now.progress.done < was.progress.done
        or bool(set(was.recorded) - set(now.recorded))
    )
