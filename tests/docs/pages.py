"""The documentation as data: pages, their fenced blocks, and what a block's text means.

Conventions of our pages, which make them runnable:

- a block after a paragraph that ends in "into `name.py`:" is that file;
- in a `console` block a line that begins with `$ ` is a command, and what follows is its output;
- in a `python` block `expression  # -> value` says what the expression gives;
- `...` stands for anything in an output, `*` in a value that is text.
"""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_NAMED = re.compile(r"\binto\s+`([\w./-]+\.\w+)`:\s*\Z")
_ARROW = re.compile(r"^(\s*)(\S.*?)  # -> (.+)$", re.MULTILINE)
_PLACEHOLDER = "..."


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: where it is, its language, its text, and the file that it is, if any."""

    page: Path
    line: int
    language: str
    text: str
    file: str | None = None

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def padded(self) -> str:
        """The text at its own line numbers, for tracebacks."""
        return "\n" * self.line + self.text


def blocks(page: Path, *languages: str) -> list[Block]:
    """The page's blocks in these languages, or all of them."""
    text = page.read_text(encoding="utf-8")
    found, end = [], 0
    for fence in _FENCE.finditer(text):
        named = _NAMED.search(text[end : fence.start()])
        line = text.count("\n", 0, fence.start()) + 1
        found.append(Block(page, line, fence[1], fence[2], named[1] if named else None))
        end = fence.end()
    return [block for block in found if not languages or block.language in languages]


def all_blocks(*languages: str) -> list[Block]:
    return [block for page in PAGES for block in blocks(page, *languages)]


@dataclass(frozen=True, slots=True)
class Command:
    """A line to type, and the output that the page shows."""

    line: str
    output: str


def commands(block: Block) -> list[Command]:
    """The commands of a console block, in order."""
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]
    typed = (part.partition("\n") for part in parts)
    return [Command(line, output) for line, _, output in typed]


def with_checks(source: str) -> str:
    """The source with each arrow as a call of `gives(value, expected)`."""
    return _ARROW.sub(r"\1gives((\2), (\3))", source)


def gives(value: object, expected: object) -> None:
    """Raises AssertionError where a value is not what the page says."""
    if isinstance(value, str) and isinstance(expected, str) and "*" in expected:
        assert fnmatchcase(value, expected), f"{value!r} is not like {expected!r}"
    else:
        assert value == expected, f"{value!r} is not {expected!r}"


def is_like(output: str, shown: str) -> bool:
    """Whether the shown words are those of an output, whatever their spacing."""
    parts = (re.escape(" ".join(part.split())) for part in shown.split(_PLACEHOLDER))
    return re.fullmatch(r"\s*.*?\s*".join(parts), " ".join(output.split())) is not None
