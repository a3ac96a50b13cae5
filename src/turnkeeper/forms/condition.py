"""Conditions on earlier answers, as in `when: what_happened == "theft" and not injured`.

The grammar is a small part of Python's expressions. It is parsed, checked and then walked; nothing
is ever evaluated as code.

    condition   = condition "or" condition | condition "and" condition | "not" condition
                | "(" condition ")" | comparison | field
    comparison  = operand ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) operand
                | operand ( "in" | "not in" ) "[" constant { "," constant } "]"
    operand     = field | constant
    constant    = "text" | 'text' | number | true | false

What it means:

- A field alone holds when it is answered and the answer is not `false`.
- A field without an answer satisfies no comparison, `!=` and `not in` included. Write
  `not field` for "is not answered, or is false".
- Values of different kinds satisfy no comparison either: `"5"` is neither 5 nor not 5. Whole and
  decimal numbers are one kind; `true` is not a number.
- Text compares character by character, so ISO dates and times compare as one would expect.

`Condition.holds` is total: it raises for no values at all. A condition is at most 500 characters
long and 20 levels deep.
"""

import ast
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from turnkeeper.errors import FormError
from turnkeeper.forms.model import Scalar

MAX_LENGTH = 500
MAX_DEPTH = 20

_Values: TypeAlias = Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class Named:
    """An operand that is a field."""

    name: str


Operand: TypeAlias = Named | Scalar


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left op right`; for `in` and `not in`, `right` is the tuple of constants."""

    left: Operand
    op: str
    right: Operand | tuple[Scalar, ...]

    def holds(self, values: _Values) -> bool:
        left = _value(self.left, values)
        if isinstance(self.right, tuple):
            found = any(_same_kind(left, item) and left == item for item in self.right)
            return left is not None and found is (self.op == "in")
        right = _value(self.right, values)
        return _same_kind(left, right) and _COMPARE[self.op](left, right)


@dataclass(frozen=True, slots=True)
class Truth:
    """A field alone, or the constant `true` or `false`."""

    of: Operand

    def holds(self, values: _Values) -> bool:
        value = _value(self.of, values)
        return value is not None and value is not False


@dataclass(frozen=True, slots=True)
class Not:
    test: "Test"

    def holds(self, values: _Values) -> bool:
        return not self.test.holds(values)


@dataclass(frozen=True, slots=True)
class Every:
    tests: "tuple[Test, ...]"

    def holds(self, values: _Values) -> bool:
        return all(test.holds(values) for test in self.tests)


@dataclass(frozen=True, slots=True)
class Some:
    tests: "tuple[Test, ...]"

    def holds(self, values: _Values) -> bool:
        return any(test.holds(values) for test in self.tests)


Test: TypeAlias = Comparison | Truth | Not | Every | Some


@dataclass(frozen=True, slots=True)
class Condition:
    """A parsed condition."""

    text: str
    test: Test

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that it looks at, in order, each once."""
        return tuple(dict.fromkeys(_names(self.test)))

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Every comparison in it, in order."""
        return tuple(part for part in _parts(self.test) if isinstance(part, Comparison))

    def holds(self, values: Mapping[str, Scalar]) -> bool:
        """Whether it holds for these answers; a field that is not in `values` is unanswered."""
        return self.test.holds(values)


@lru_cache(maxsize=4096)
def parse_condition(text: str) -> Condition:
    """The condition that `text` says. Raises `FormError` with one sentence when it says none."""
    if len(text) > MAX_LENGTH:
        raise FormError([f"the condition is longer than {MAX_LENGTH} characters; shorten it"])
    _check_words(text)
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _wrong("it is not complete, or its words are in the wrong order") from None
    if _depth(tree.body) > MAX_DEPTH:
        raise FormError([f"the condition is more than {MAX_DEPTH} levels deep; simplify it"])
    return Condition(text, _test(tree.body))


# --- values ---------------------------------------------------------------------------------------

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _value(operand: Operand, values: _Values) -> Scalar | None:
    return values.get(operand.name) if isinstance(operand, Named) else operand


def kind_of(value: object) -> str:
    """The kind of a value as comparisons see it: `text`, `number`, `boolean`, or `nothing`."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "nothing"


def _same_kind(left: object, right: object) -> bool:
    return kind_of(left) == kind_of(right) != "nothing"


def _parts(test: Test) -> Iterator[Test]:
    yield test
    match test:
        case Not(test=inner):
            yield from _parts(inner)
        case Every(tests=tests) | Some(tests=tests):
            for part in tests:
                yield from _parts(part)


def _names(test: Test) -> Iterator[str]:
    for part in _parts(test):
        match part:
            case Comparison(left=left, right=right):
                yield from (side.name for side in (left, right) if isinstance(side, Named))
            case Truth(of=Named(name=name)):
                yield name


# --- parsing --------------------------------------------------------------------------------------

_WORD = re.compile(
    r"""\s+ | [A-Za-z_][A-Za-z0-9_]*(?!["']) | \d+(\.\d+)?(?![\w.]) | "[^"\\\n]*" | '[^'\\\n]*'
      | == | != | <= | >= | < | > | - | [()\[\],]""",
    re.VERBOSE,
)
"""What a condition is made of. Checked before Python's parser sees the text, so that it meets no
escape, no operator and no literal that has no place here."""

_INSTEAD = {
    "=": 'use "==" to compare',
    "&": 'use "and"',
    "|": 'use "or"',
    "!": 'use "not", or "!=" to compare',
    "\\": "leave out the backslash",
    "“": "use straight quotes",
    "”": "use straight quotes",
    ".": "a field is named by its name alone",
}

_OPERATORS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}

_CONSTANTS = {"true": True, "false": False}


def _wrong(why: str) -> FormError:
    return FormError([f'{why}; write it like what_happened == "theft" and not injured'])


def _check_words(text: str) -> None:
    at = 0
    while at < len(text):
        word = _WORD.match(text, at)
        if word is None:
            hint = _INSTEAD.get(text[at], "conditions have fields, constants and comparisons only")
            raise _wrong(f"character {at + 1}, {text[at]!r}, has no place in a condition: {hint}")
        at = word.end()


def _depth(tree: ast.AST) -> int:
    """Levels of the tree, counted without recursion: all else here may then recurse."""
    levels, level = 0, [tree]
    while level:
        levels, level = (
            levels + 1,
            [child for node in level for child in ast.iter_child_nodes(node)],
        )
    return levels


def _test(node: ast.expr) -> Test:
    match node:
        case ast.BoolOp(op=op, values=values):
            tests = tuple(_test(value) for value in values)
            return Every(tests) if isinstance(op, ast.And) else Some(tests)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return Not(_test(operand))
        case ast.Compare(left=left, ops=ops, comparators=rights):
            return _comparisons([left, *rights], ops)
        case ast.Name():
            return Truth(_operand(node))
    raise _wrong(f"{ast.unparse(node)!r} is neither a field nor a comparison")


def _comparisons(operands: list[ast.expr], ops: list[ast.cmpop]) -> Test:
    pairs = zip(operands, ops, operands[1:], strict=False)
    tests = tuple(_comparison(left, op, right) for left, op, right in pairs)
    return tests[0] if len(tests) == 1 else Every(tests)


def _comparison(left: ast.expr, op: ast.cmpop, right: ast.expr) -> Comparison:
    sign = _OPERATORS.get(type(op))
    if sign is None:
        raise _wrong('"is" does not compare answers: use "=="')
    comparison = Comparison(_operand(left), sign, _right(sign, right))
    if not any(isinstance(side, Named) for side in (comparison.left, comparison.right)):
        raise _wrong(f"{ast.unparse(left)!r} is compared with a constant, not with a field")
    return comparison


def _right(sign: str, node: ast.expr) -> Operand | tuple[Scalar, ...]:
    if sign not in ("in", "not in"):
        return _operand(node)
    if not isinstance(node, ast.List) or not node.elts:
        raise _wrong(f'after "{sign}" comes a list, such as ["theft", "glass"]')
    items = tuple(_operand(item) for item in node.elts)
    constants = tuple(item for item in items if not isinstance(item, Named))
    if len(constants) < len(items):
        raise _wrong("a list has constants only, and text stands in quotes")
    return constants


def _operand(node: ast.expr) -> Operand:
    match node:
        case ast.Name(id=name):
            return _CONSTANTS.get(name.lower(), Named(name))
        case ast.Constant(value=str() | int() | float() as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
    raise _wrong(f"{ast.unparse(node)!r} is neither a field nor a constant")
