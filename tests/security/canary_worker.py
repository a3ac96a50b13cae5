"""`python -m worker` with an interpreter that chokes on a text with CHOKES_ON in it, as careless
code does: what it choked on is in the error and in its cause. The first turn with that text fails,
for it is tried twice; sent again it is taken. And the worker is quick to erase."""

import sys
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar, cast

sys.path.insert(0, str(Path(__file__).parents[2]))

import activities.erasure
import activities.interpret
from turnkeeper.dialogue.decide import decide
from turnkeeper.security import keyring
from worker.__main__ import main

CHOKES_ON = "chokes"
TRIES = 2

Decide = TypeVar("Decide", bound=Callable[..., object])


def careless(decide: Decide) -> Decide:
    seen: Counter[str] = Counter()

    def deciding(*given: object) -> object:
        words = str(given[2])
        if CHOKES_ON in words and seen[words] < TRIES:
            seen[words] += 1
            try:
                int(words)
            except ValueError as error:
                raise RuntimeError(f"cannot read {words}") from error
        return decide(*given)

    return cast(Decide, deciding)


if __name__ == "__main__":
    vars(activities.interpret)["decide"] = careless(decide)
    keyring.ASK_EVERY = 0.3
    activities.erasure.LISTED_WITHIN = timedelta(seconds=0.2)
    main(prog_name="python -m worker")
