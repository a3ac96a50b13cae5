"""The form reference is up to date, and its examples are forms."""

import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field

from turnkeeper.forms import Ask, answers_to, from_model, from_pydantic, parse_form

ROOT = Path(__file__).parents[3]


def test_the_made_pages_are_up_to_date() -> None:
    check = [sys.executable, "scripts/docs", "--check"]
    result = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_the_example_in_the_reference_is_a_form() -> None:
    page = (ROOT / "docs" / "forms.md").read_text(encoding="utf-8")
    example = re.search(r"```yaml\n(form: .*?)```", page, re.DOTALL)
    assert example is not None
    assert [field.name for field in parse_form(example[1]).fields] == [
        "guests",
        "day",
        "seating",
        "heater",
    ]


class Booking(BaseModel):
    guests: Annotated[int, Ask(prompt="For how many people?"), Field(ge=1, le=12)]
    day: Annotated[date, Ask(prompt="For which day?", min="today")]
    note: Annotated[str | None, Ask(prompt="Anything we should know?")] = None


def test_the_model_in_the_reference_is_a_form() -> None:
    """The class above is the one in the docstring, to the letter."""
    shown = (from_pydantic.__doc__ or "").partition("class Booking")[2].partition("form =")[0]
    written = Path(__file__).read_text(encoding="utf-8")
    assert all(line.strip() in written for line in shown.splitlines())
    form = from_model(Booking, form="booking", title="Table booking")
    assert [field.type for field in form.fields] == ["number", "date", "text"]
    assert answers_to(Booking, {"guests": 2, "day": "2026-11-17"}).day == date(2026, 11, 17)
