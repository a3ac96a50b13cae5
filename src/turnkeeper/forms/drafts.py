"""A form and its fields as far as they could be read, for the rules to look at."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from turnkeeper.forms.mistakes import Place, Report
from turnkeeper.forms.model import Field, Form
from turnkeeper.forms.nodes import Node

Finding: TypeAlias = tuple[Place, str]
"""Where a mistake is, and a sentence on what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Something that a mapping in a form says."""

    node: Node
    report: Report

    def has(self, key: str) -> bool:
        """Whether the key is written, rightly or not."""
        return self.node.get(key) is not None

    def place(self, key: str) -> Place:
        """Where the key's value stands; where the mapping begins when the key is not there."""
        found = self.node.get(key)
        return found.place if found else self.node.place

    def finding(self, key: str, text: str) -> Finding:
        return self.place(key), text

    def texts(self, key: str) -> Iterator[tuple[Place, str]]:
        """The text under a key, or each of the texts in a list, with its place."""
        found = self.node.get(key)
        if found is not None:
            items = found.items if found.kind == "list" else (found,)
            yield from ((item.place, item.text) for item in items if item.kind == "scalar")


@dataclass(frozen=True, slots=True)
class FieldDraft(Draft):
    """A field. `typed` is false when its type is not known: what hangs on it is not checked."""

    field: Field
    typed: bool
    index: int


@dataclass(frozen=True, slots=True)
class FormDraft(Draft):
    """A form with its fields, in order."""

    form: Form
    fields: tuple[FieldDraft, ...]

    def earlier(self, draft: FieldDraft) -> dict[str, FieldDraft]:
        """The fields before this one, by name."""
        return {other.field.name: other for other in self.fields[: draft.index]}

    def named(self) -> dict[str, FieldDraft]:
        """All fields, by name."""
        return {draft.field.name: draft for draft in self.fields}


FieldRule: TypeAlias = Callable[[FieldDraft, FormDraft], Iterator[Finding]]
FormRule: TypeAlias = Callable[[FormDraft], Iterator[Finding]]
