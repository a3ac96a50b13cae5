"""Two releases of this checkout, as two trees: the second has another form and another rule.

Both are copies, so that a rehearsal runs what was there when it began.
"""

import compileall
import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("src", "workflows", "activities", "worker")

FORM, FIRST_FIELD, KEPT_FIELD = "luggage", "flight", "tag"
"""The form; the field that is answered once, before any deploy; the one that is corrected."""


@dataclass(frozen=True, slots=True)
class Release:
    """A tree to run workers from, and the form that new sessions of its workers have."""

    build_id: str
    tree: Path
    version: str
    fields: tuple[str, ...]


_FIRST_FORM = """\
form: luggage
version: "1"
title: Lost luggage
greeting: Let's find your bag.
fields:
  - name: flight
    type: digits
    length: 4
    prompt: Which flight was it?
  - name: tag
    type: digits
    length: 8
    prompt: What does the tag say?
  - name: bags
    type: number
    prompt: How many bags are missing?
"""
_SECOND_FORM = """\
form: luggage
version: "2"
title: Lost luggage, asked otherwise
greeting: Sorry about your bag.
fields:
  - name: tag
    type: digits
    length: 8
    prompt: Please read me the tag.
  - name: airport
    type: text
    prompt: Which airport did you leave from?
  - name: bags
    type: number
    prompt: How many pieces are missing?
"""

_RULE = Path("src/turnkeeper/values/digits.py")
_RULE_BEGINS = "def _check(field: Field, digits: str)"
_OTHER_RULE = """

_as_before = _check


def _check(field: Field, digits: str) -> Reading:
    return _as_before(field, digits[::-1])
"""
"""Digits are read backwards, however they come: spoken, keyed or from a program. Were turns decided
again by a worker that replays them, every answer of a session would turn round."""


def first_release(folder: Path) -> Release:
    """The checkout as it is, with a form of its own."""
    return _release(folder, "v1", "1", _FIRST_FORM)


def second_release(folder: Path) -> Release:
    """The checkout with other prompts, a changed form and a changed rule of interpretation."""
    release = _release(folder, "v2", "2", _SECOND_FORM)
    rule = release.tree / _RULE
    assert _RULE_BEGINS in rule.read_text(), f"{_RULE} has no such rule any more: change another"
    with rule.open("a") as source:
        source.write(_OTHER_RULE)
    return release


def _release(folder: Path, build_id: str, version: str, form: str) -> Release:
    """A copy, compiled as the image is: the sandbox would compile workflow code once a session."""
    tree = folder / build_id
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tree / package)
    compileall.compile_dir(tree, quiet=1)
    (tree / "forms").mkdir()
    (tree / "forms" / f"{FORM}.yaml").write_text(form)
    fields = [line.split()[-1] for line in form.splitlines() if "- name:" in line]
    return Release(build_id, tree, version, tuple(fields))
