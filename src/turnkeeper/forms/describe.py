"""What the form language says of itself: the docstrings of its models' fields.

The JSON Schema's descriptions and the form reference are made from them.
"""

import ast
import inspect
from functools import lru_cache
from itertools import pairwise
from textwrap import dedent

from pydantic import BaseModel


@lru_cache
def attribute_docs(model: type[BaseModel]) -> dict[str, str]:
    """Each attribute's docstring (the literal under it), on one line."""
    definition = ast.parse(dedent(inspect.getsource(model))).body[0]
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    docs: dict[str, str] = {}
    for attribute, below in pairwise(body):
        match attribute, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                docs[name] = " ".join(text.split())
    return docs
