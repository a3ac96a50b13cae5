"""Mistakes in a form: where, what is wrong, what to do; collected, so that all are told at once.

forms/claim.yaml:14:11: field "when": type "dat" is not known; did you mean "date"? ...
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from turnkeeper.errors import FormError


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: a file, or the name of a pydantic model, which has no lines."""

    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source

    def error(self, text: str) -> FormError:
        """The error whose only mistake is this one."""
        return FormError([f"{self}: {text}"])


@dataclass(frozen=True, slots=True)
class Report:
    """Collects mistakes. `about` begins each sentence, such as `field "date"`."""

    about: str = ""
    found: list[tuple[Place, str]] = field(default_factory=list)

    def add(self, place: Place, text: str) -> None:
        self.found.append((place, f"{self.about}: {text}" if self.about else text))

    def within(self, about: str) -> "Report":
        """A report on a part, which adds to the same mistakes."""
        return replace(self, about=about)

    def raise_if_any(self) -> None:
        """Raises `FormError` with every mistake, in the order of the file, each once."""
        ordered = sorted(self.found, key=lambda mistake: (mistake[0].line, mistake[0].column))
        if ordered:
            raise FormError(tuple(dict.fromkeys(f"{place}: {text}" for place, text in ordered)))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` did you mean "date"?`, or nothing when no known word is close."""
    close = get_close_matches(word, list(known), n=1)
    return f' did you mean "{close[0]}"?' if close else ""
