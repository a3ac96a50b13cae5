"""What the callers of a rehearsal write down as they talk, and what must be true of it.

Each client process appends to a file of its own, a line of JSON an entry: what a caller was told is
on disk before the caller goes on, whatever happens to anything else.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypedDict

from pydantic import Field, TypeAdapter


class Stamp(TypedDict):
    """What every entry has: whose it is, when its message was sent (seconds since the epoch), and
    how long the caller waited for the answer (seconds)."""

    caller: int
    at: float
    wait: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamped:
    """`Stamp` as a base of entries."""

    caller: int
    at: float
    wait: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(Stamped):
    """A caller's leg began."""

    kind: Literal["opened"] = "opened"
    restored: bool
    version: str
    """The version of the form that the session has."""
    answers: dict[str, object]
    """What the session holds when the caller rings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Took(Stamped):
    """A turn was answered: what was said, and what the reply says was recorded."""

    kind: Literal["took"] = "took"
    field: str
    said: str
    recorded: str

    @property
    def by_new_rule(self) -> bool:
        """Whether the release with the changed rule decided it: it reads digits backwards."""
        return self.recorded == self.said[::-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Stamped):
    """A message came back as an error; never with its text, which could hold an answer."""

    kind: Literal["refused"] = "refused"
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(Stamped):
    """What the session holds when the caller stops talking."""

    kind: Literal["ended"] = "ended"
    turns: int
    answers: dict[str, object]
    version: str
    fields: tuple[str, ...]
    """Those of the session's own form."""


Entry = Opened | Took | Refused | Ended
_ENTRY: TypeAdapter[Entry] = TypeAdapter(Annotated[Entry, Field(discriminator="kind")])


class Journal:
    """One process's entries, written line by line."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def write(self, entry: Entry) -> None:
        self._file.write(_ENTRY.dump_json(entry) + b"\n")


class Reader:
    """All journals of a folder, as far as they are written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, int] = {}
        self.entries: list[Entry] = []

    def look(self) -> list[Entry]:
        """Every entry so far; of each process in order."""
        for path in sorted(self._folder.glob("*.jsonl")):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                text = file.read()
            whole = text[: text.rfind(b"\n") + 1]
            self._read[path] = self._read.get(path, 0) + len(whole)
            self.entries += map(_ENTRY.validate_json, whole.splitlines())
        return self.entries


def broken(entries: Iterable[Entry], fields: tuple[str, ...]) -> Iterator[str]:
    """A sentence for each promise that a caller saw broken; `fields` are the form's that all
    callers began with."""
    of: dict[int, list[Entry]] = {}
    for entry in entries:
        of.setdefault(entry.caller, []).append(entry)
    for caller, seen in sorted(of.items()):
        yield from (f"caller {caller}: {sentence}" for sentence in _broken(seen, fields))


def _broken(seen: list[Entry], fields: tuple[str, ...]) -> Iterator[str]:
    last = seen[-1]
    if isinstance(last, Refused):
        yield f"a message was refused: {last.error}"
        return
    opened = [entry for entry in seen if isinstance(entry, Opened)]
    took = [entry for entry in seen if isinstance(entry, Took)]
    if any(not entry.restored for entry in opened[1:]):
        yield "was taken for a new caller"
    strange = sum(entry.recorded not in (entry.said, entry.said[::-1]) for entry in took)
    if strange:
        yield f"{strange} turns were taken as what no release makes of them"
    yield from _changed(seen)
    if isinstance(last, Ended):
        yield from _ended_otherwise(last, opened[0], took, fields)
    else:
        yield "never came to an end"


def _changed(seen: list[Entry]) -> Iterator[str]:
    """Whenever the session was looked at, it held what its caller had been told by then."""
    told: dict[str, object] = {}
    for entry in seen:
        if isinstance(entry, Took):
            told[entry.field] = entry.recorded
        elif isinstance(entry, Opened | Ended) and entry.answers != told:
            names = {*told, *entry.answers}
            others = sorted(name for name in names if told.get(name) != entry.answers.get(name))
            yield f"the answers are not those that were told: {', '.join(others)}"


def _ended_otherwise(
    ended: Ended, began: Opened, took: list[Took], fields: tuple[str, ...]
) -> Iterator[str]:
    if ended.turns < len(took):
        yield f"{len(took) - ended.turns} turns that were answered are lost"
    if ended.turns > len(took):
        yield f"{ended.turns - len(took)} turns were applied twice"
    if (ended.version, ended.fields) != (began.version, fields):
        yield f"the form was version {began.version} and is {ended.version}"
