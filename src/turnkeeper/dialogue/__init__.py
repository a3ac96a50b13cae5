"""The form interpretation algorithm: `decide` interprets an input, `evolve` folds what it meant.

    decision = decide(form, state, turn, context)
    state = fold(state, decision.events)

Both are pure. `decide` may change with every release; `evolve` never does for an event that exists.
"""

from turnkeeper.dialogue.decide import decide
from turnkeeper.dialogue.events import Decision
from turnkeeper.dialogue.evolve import evolve, fold
from turnkeeper.dialogue.state import DialogueState

__all__ = ["Decision", "DialogueState", "decide", "evolve", "fold"]
