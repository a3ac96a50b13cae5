"""YAML as nodes that know where they stand, with scalars as a form's author meant them.

YAML 1.1 reads `yes` as true, `12:30` as 750 and `2020-01-01` as a date object. A `Node` keeps the
text as it was written, and the core schema's reading beside it (true and false, whole and decimal
numbers, null); what is wanted where decides which of the two counts.

Aliases are refused (a few lines of them expand to gigabytes), and so is nesting beyond `MAX_DEPTH`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import yaml
from yaml.events import AliasEvent

from turnkeeper.errors import FormError
from turnkeeper.forms.mistakes import Place
from turnkeeper.forms.model import Scalar

MAX_CHARACTERS = 256 * 1024
MAX_DEPTH = 12

Data: TypeAlias = "Scalar | Sequence[Data] | Mapping[str, Data] | None"
"""Plain data that nodes are made of or turn into."""


@dataclass(frozen=True, slots=True)
class Node:
    """A scalar (`text`, `value`), a list (`items`) or a mapping (`pairs`, in order, with
    duplicates)."""

    kind: Literal["scalar", "list", "mapping"]
    place: Place
    text: str = ""
    value: Scalar | None = None
    items: "tuple[Node, ...]" = ()
    pairs: "tuple[tuple[Node, Node], ...]" = ()

    @property
    def is_null(self) -> bool:
        return self.kind == "scalar" and self.value is None

    def get(self, key: str) -> "Node | None":
        """What the mapping has under `key`, or None; a null counts as absent."""
        found = (value for name, value in self.pairs if name.text == key and not value.is_null)
        return next(found, None)


def read_yaml(text: str, source: str) -> Node:
    """The one document in `text`. Raises `FormError` where it is no YAML, empty, or too large."""
    start = Place(source, 1, 1)
    if len(text) > MAX_CHARACTERS:
        raise start.error(f"the file is larger than {MAX_CHARACTERS} characters; split the form")
    try:
        root = _Composer(text, source).get_single_node()
    except yaml.MarkedYAMLError as error:
        raise _syntax(error, source) from None
    except (ValueError, OverflowError):
        raise start.error("not YAML: an escape in a text names no character; correct it") from None
    except yaml.reader.ReaderError as error:
        place = _place_of_character(text, error.position, source)
        raise place.error("a character that YAML does not allow; delete it") from None
    if root is None:
        raise start.error("the file is empty; begin with: form: <id>")
    return _node(root, source)


def to_node(data: Data, place: Place) -> Node:
    """Plain data as nodes that all stand at one place."""
    if isinstance(data, Mapping):
        pairs = ((to_node(key, place), to_node(value, place)) for key, value in data.items())
        return Node("mapping", place, pairs=tuple(pairs))
    if isinstance(data, Sequence) and not isinstance(data, str):
        return Node("list", place, items=tuple(to_node(item, place) for item in data))
    text = str(data).lower() if isinstance(data, bool) else str(data)
    return Node("scalar", place, text=text, value=data)


class _Composer(yaml.SafeLoader):
    """Composes nodes without constructing objects; refuses aliases and deep nesting."""

    def __init__(self, text: str, source: str) -> None:
        super().__init__(text)
        self._source = source
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # types-pyyaml leaves it open
        place = _place(event.start_mark, self._source)
        if isinstance(event, AliasEvent):
            raise place.error("an alias, which forms do not use; write the value out")
        if self._depth > MAX_DEPTH:
            raise place.error(f"nested more than {MAX_DEPTH} deep; a form is flatter than that")
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _place(mark: yaml.Mark, source: str) -> Place:
    return Place(source, mark.line + 1, mark.column + 1)


def _syntax(error: yaml.MarkedYAMLError, source: str) -> FormError:
    mark = error.problem_mark or error.context_mark
    place = _place(mark, source) if mark else Place(source, 1, 1)
    if "'\\t'" in str(error.problem):
        return place.error("a tab, which YAML does not indent with; write spaces")
    problem = " ".join(part for part in (error.context, error.problem) if part)
    hint = "check the indentation, and quote text with a colon or a question mark"
    return place.error(f"not YAML: {problem}; {hint}")


def _place_of_character(text: str, index: int, source: str) -> Place:
    before = text[:index]
    return Place(source, before.count("\n") + 1, index - before.rfind("\n"))


def _node(raw: yaml.Node, source: str) -> Node:
    place = _place(raw.start_mark, source)
    match raw:
        case yaml.ScalarNode(value=text):
            if _SURROGATE.search(text):
                raise place.error("an escape that is half a character; write the character itself")
            return Node(
                "scalar", place, text=text, value=_scalar(text, quoted=raw.style is not None)
            )
        case yaml.SequenceNode(value=items):
            return Node("list", place, items=tuple(_node(item, source) for item in items))
    pairs = ((_node(key, source), _node(value, source)) for key, value in raw.value)
    return Node("mapping", place, pairs=tuple(pairs))


_SURROGATE = re.compile("[\ud800-\udfff]")
_INTEGER = re.compile(r"[-+]?\d{1,18}", re.ASCII)
_DECIMAL = re.compile(r"[-+]?(\d+\.\d*|\.\d+)", re.ASCII)
_WORDS: dict[str, Scalar | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


def _scalar(text: str, *, quoted: bool) -> Scalar | None:
    """YAML 1.2's core schema, without exponents, octals and infinities."""
    if quoted:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text
