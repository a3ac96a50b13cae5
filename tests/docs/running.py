"""Runs the Python blocks of a page, one after the other, as one program.

python -m tests.docs.running docs/forms.md
"""

import asyncio
import inspect
import sys
from ast import PyCF_ALLOW_TOP_LEVEL_AWAIT
from pathlib import Path
from types import FunctionType, SimpleNamespace

from tests.docs.pages import blocks, gives, with_checks

PREPARED = """
from datetime import date
from typing import Annotated
from pydantic import BaseModel, Field
from turnkeeper.forms import Ask, answers_to, from_model
"""
STATE = SimpleNamespace(form_answers={"guests": 2, "day": "2026-03-03"})
"""What docs/forms.md takes for granted, whose examples are docstrings."""


async def run(page: Path, names: dict[str, object]) -> None:
    """Runs a page's blocks with these names, and adds theirs. Raises whatever they do, and
    AssertionError where an expression gives something else than its arrow says."""
    names["gives"] = gives
    for block in blocks(page, "python"):
        source = with_checks(block.padded)
        code = compile(source, str(page), "exec", PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        result = FunctionType(code, names)()
        if inspect.isawaitable(result):
            await result


def main(page: str) -> None:
    names: dict[str, object] = {"state": STATE}
    FunctionType(compile(PREPARED, "prepared", "exec"), names)()
    asyncio.run(run(Path(page), names))


if __name__ == "__main__":
    main(sys.argv[1])
