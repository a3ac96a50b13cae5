"""The form language: what is asked of a caller, written as YAML or as a pydantic model.

Names are loaded when first used: workflow code needs the models, and neither YAML nor the rules.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from turnkeeper.forms.from_pydantic import Ask, answers_to, from_model
    from turnkeeper.forms.load import load_folder, load_form, parse_form
    from turnkeeper.forms.model import (
        Choice,
        Deliver,
        Field,
        FieldType,
        Form,
        Resume,
        Scalar,
        Stale,
    )

_WHERE = {
    "Ask": "from_pydantic",
    "answers_to": "from_pydantic",
    "from_model": "from_pydantic",
    "load_folder": "load",
    "load_form": "load",
    "parse_form": "load",
    "Choice": "model",
    "Deliver": "model",
    "Field": "model",
    "FieldType": "model",
    "Form": "model",
    "Resume": "model",
    "Scalar": "model",
    "Stale": "model",
}

__all__ = [
    "Ask",
    "Choice",
    "Deliver",
    "Field",
    "FieldType",
    "Form",
    "Resume",
    "Scalar",
    "Stale",
    "answers_to",
    "from_model",
    "load_folder",
    "load_form",
    "parse_form",
]


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module 'turnkeeper.forms' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"turnkeeper.forms.{_WHERE[name]}"), name)
