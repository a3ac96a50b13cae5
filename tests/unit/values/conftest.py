"""One moment for every reading here: Sunday, 22 November 2026, three in the afternoon."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from turnkeeper.forms.model import Choice, Field
from turnkeeper.values import Context, Reading, read

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
CHOICES = (
    Choice(value="flat_tire", synonyms=("flat", "puncture", "blown tyre")),
    Choice(value="dead_battery", synonyms=("battery", "won't start")),
    Choice(value="tow", synonyms=("towing",)),
    Choice(value="lockout", synonyms=("locked out",)),
)


def make_field(type: str, **settings: object) -> Field:
    """A field of that type, called `answer` unless `name` says otherwise."""
    plain: dict[str, object] = {"name": "answer", "type": type, "prompt": ("Well?",)}
    if type == "choice":
        plain["choices"] = CHOICES
    return Field.model_validate(plain | settings)


@pytest.fixture(scope="session")
def field() -> Callable[..., Field]:
    return make_field


@pytest.fixture(scope="session")
def context() -> Context:
    return Context(NOW)


@pytest.fixture(scope="session")
def hear() -> Callable[..., Reading]:
    """`hear("date", "tomorrow", max="today")`: what the words mean to such a field."""

    def reading(type: str, text: str, region: str = "US", **settings: object) -> Reading:
        return read(make_field(type, **settings), text, Context(NOW, region))

    return reading
