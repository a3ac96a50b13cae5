"""The rule on `when`: it parses, it looks at earlier fields only, and it can come true."""

from collections.abc import Iterator, Mapping

from turnkeeper.errors import FormError
from turnkeeper.forms.condition import (
    Comparison,
    Condition,
    Named,
    Operand,
    kind_of,
    parse_condition,
)
from turnkeeper.forms.drafts import FieldDraft, Finding, FormDraft
from turnkeeper.forms.field_rules import outside
from turnkeeper.forms.mistakes import did_you_mean
from turnkeeper.forms.model import FieldType, Scalar
from turnkeeper.forms.nodes import to_node
from turnkeeper.forms.typed import LIMITS

_KINDS: dict[FieldType, str] = {"boolean": "boolean", "number": "number"}
"""The kind of a type's values where it is not text."""

_ORDERED: frozenset[FieldType] = frozenset({"number", "date", "time"})
"""Types whose values `<` and the like compare in a way that a caller would understand."""


def conditions(draft: FieldDraft, form: FormDraft) -> Iterator[Finding]:
    """`when` parses, looks at earlier fields only, and compares them with what they can be."""
    if draft.field.when is None:
        return
    try:
        condition = parse_condition(draft.field.when)
    except FormError as error:
        yield draft.finding("when", f"when: {error}")
        return
    for text in (*_strangers(condition, draft, form), *_impossible(condition, draft, form)):
        yield draft.finding("when", f"when: {text}")


def _strangers(condition: Condition, draft: FieldDraft, form: FormDraft) -> Iterator[str]:
    earlier, everywhere = form.earlier(draft), form.named()
    for name in condition.names:
        if name == draft.field.name:
            yield "it looks at the field itself; a condition looks at earlier fields"
        elif name in everywhere and name not in earlier:
            yield f'"{name}" is asked later; move it up, or use an earlier field'
        elif name not in everywhere:
            hint = did_you_mean(name, earlier) or f' text stands in quotes: "{name}"'
            yield f'there is no field "{name}";{hint}'


def _impossible(condition: Condition, draft: FieldDraft, form: FormDraft) -> Iterator[str]:
    earlier = {name: other for name, other in form.earlier(draft).items() if other.typed}
    for comparison in condition.comparisons:
        left, right = comparison.left, comparison.right
        if isinstance(left, Named) and left.name in earlier:
            yield from _against(comparison, earlier[left.name], right, earlier)
        elif isinstance(right, Named) and right.name in earlier:
            yield from _against(comparison, earlier[right.name], left, earlier)


def _against(
    comparison: Comparison,
    field: FieldDraft,
    other: Operand | tuple[Scalar, ...],
    earlier: Mapping[str, FieldDraft],
) -> Iterator[str]:
    """What is wrong with comparing a field to the other side, which is a constant, some, or a
    field too."""
    name, kind = field.field.name, field.field.type
    if comparison.op in ("<", "<=", ">", ">=") and kind not in _ORDERED:
        yield f'"{name}" is a {kind}, which has no order; compare it with == or !='
        return
    if isinstance(other, Named):
        if other.name in earlier and _kind(earlier[other.name]) != _kind(field):
            yield f'"{name}" and "{other.name}" are of different kinds, so it never holds'
        return
    exact = comparison.op in ("==", "!=", "in", "not in")
    for value in other if isinstance(other, tuple) else (other,):
        if why := _never(field, value, exact=exact):
            yield f'"{name}" is never {_written(value)}: {why}'


def _kind(field: FieldDraft) -> str:
    return _KINDS.get(field.field.type, "text")


def _never(field: FieldDraft, value: Scalar, *, exact: bool) -> str | None:
    """Why a field never has, or never compares with, a constant."""
    kind = _kind(field)
    if kind_of(value) != kind:
        wanted = {"text": "text in quotes", "boolean": "true or false", "number": "a number"}[kind]
        return f"it is a {field.field.type}; compare it with {wanted}"
    limits = LIMITS[field.field.type]
    if limits.parse(to_node(value, field.node.place)) is None:
        return f"compare it with {limits.example}"
    why = outside(field.field, value) if exact else None
    return f"it {why}" if why else None


def _written(value: Scalar) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
