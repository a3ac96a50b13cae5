"""The keys of a form and how each is read: one literal table for a form, a field, and its parts.

A reader takes a node and gives the value for the frozen model, or reports what is wrong with the
node and gives None. The shorthands are here: one prompt or a list, three ways to write choices,
`deliver: URL`, `stale: 24h`, `resume: date_of_birth`, `length: 4..8`.
"""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import TypeAlias, get_args

from turnkeeper.forms.durations import EXAMPLES, parse_duration
from turnkeeper.forms.mistakes import Report, did_you_mean
from turnkeeper.forms.model import (
    AgainPolicy,
    ConfirmPolicy,
    FieldType,
    ResumeThen,
    StalePolicy,
)
from turnkeeper.forms.nodes import Node

Reader: TypeAlias = Callable[[Node, Report], object | None]
Keys: TypeAlias = Mapping[str, Reader]


def read_mapping(node: Node, keys: Keys, report: Report) -> dict[str, object]:
    """What the mapping has under the known keys; unknown and double keys are reported.

    Keys whose value is null, or was reported, are left out.
    """
    if node.kind != "mapping":
        report.add(node.place, f"a mapping of keys is needed here, such as {_some(keys)}")
        return {}
    data: dict[str, object] = {}
    seen: dict[str, Node] = {}
    for key, value in node.pairs:
        if key.text in seen:
            first = seen[key.text].place.line
            report.add(key.place, f'"{key.text}" is there twice (first in line {first}); keep one')
        elif key.text not in keys:
            report.add(key.place, unknown("key", key.text, keys))
        elif not value.is_null and (read := keys[key.text](value, report)) is not None:
            data[key.text] = read
        seen.setdefault(key.text, key)
    return data


_MEANT = {
    "string": "text",
    "str": "text",
    "integer": "number",
    "int": "number",
    "float": "number",
    "bool": "boolean",
}
"""What other languages call our types."""


def unknown(what: str, word: str, known: Collection[str]) -> str:
    """A mistake about a word that is not in a list: the word that was meant, or the list."""
    meant = _MEANT.get(word)
    close = f' did you mean "{meant}"?' if meant in known else did_you_mean(word, known)
    hint = close or f" use one of {', '.join(known)}"
    return f'{what} "{word}" is not known;{hint}'


def _some(keys: Keys) -> str:
    return ", ".join(f"{key}:" for key in list(keys)[:3])


# --- readers of one value -------------------------------------------------------------------------


def text(node: Node, report: Report) -> str | None:
    """Text as written, so that `yes` and `17:30` are text; runs of white space become a space."""
    if node.kind != "scalar":
        report.add(node.place, "one text is needed here, not a list or a mapping; quote it")
        return None
    return " ".join(node.text.split())


def exact(node: Node, report: Report) -> str | None:
    """Text whose white space counts, such as a pattern."""
    return node.text if node.kind == "scalar" else text(node, report)


def texts(node: Node, report: Report) -> tuple[str, ...] | None:
    """One text, or a list of them."""
    items = node.items if node.kind == "list" else (node,)
    read = [text(item, report) for item in items]
    return tuple(item for item in read if item) or None


_YES_NO = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def yes_no(node: Node, report: Report) -> bool | None:
    """true or false; YAML 1.1's yes, no, on and off are taken as well."""
    answer = _YES_NO.get(node.text.lower()) if node.kind == "scalar" else None
    if answer is None:
        report.add(node.place, "true or false is needed here")
    return answer


def one_of(what: str, known: tuple[str, ...]) -> Reader:
    """A reader of one of the given words."""

    def read(node: Node, report: Report) -> str | None:
        word = text(node, report)
        if word is None or word in known:
            return word
        report.add(node.place, unknown(what, word, known))
        return None

    return read


def duration(node: Node, report: Report) -> timedelta | None:
    found = parse_duration(node.text) if node.kind == "scalar" else None
    if found is None:
        shown = f'"{node.text}"' if node.kind == "scalar" else "this"
        report.add(node.place, f"{shown} is not a duration; write it like {EXAMPLES}")
    return found


def count(node: Node, report: Report) -> int | None:
    """A whole number over 0."""
    if type(node.value) is int and node.value > 0:
        return node.value
    report.add(node.place, "a whole number over 0 is needed here")
    return None


_RANGE = re.compile(r"(\d{1,6})\s*(?:\.\.|-)\s*(\d{1,6})", re.ASCII)


def length(node: Node, report: Report) -> int | tuple[int, int] | None:
    """`6`, or `4..8`, or `[4, 8]`."""
    if node.kind == "scalar" and re.fullmatch(r"\d{1,6}", node.text, re.ASCII):
        return int(node.text)
    if match := _RANGE.fullmatch(node.text):
        return int(match[1]), int(match[2])
    ends = [item.value for item in node.items]
    match ends:
        case [int() as fewest, int() as most] if fewest >= 0:
            return fewest, most
    report.add(node.place, "a length is a whole number, or from..to, such as 6 or 4..8")
    return None


def scalar(node: Node, report: Report) -> Node | None:
    """A value whose type depends on the field's: kept as a node until that is known."""
    if node.kind != "scalar":
        report.add(node.place, "one value is needed here, not a list or a mapping")
        return None
    return node


def choices(node: Node, report: Report) -> tuple[dict[str, object], ...] | None:
    """`[a, b]`, or `{a: [synonym, ...]}`, or `[{value: a, synonyms: [...]}, ...]`."""
    if node.kind == "scalar":
        report.add(node.place, "choices are a list, such as [collision, theft]")
        return None
    read = [_choice(item, report) for item in node.items]
    read += [_with_synonyms(value, words, report) for value, words in node.pairs]
    return tuple(choice for choice in read if choice)


def _choice(node: Node, report: Report) -> dict[str, object]:
    if node.kind == "mapping":
        data = read_mapping(node, CHOICE_KEYS, report)
        return data if data.get("value") else _no_value(node, report)
    value = text(node, report)
    return {"value": value} if value else _no_value(node, report)


def _with_synonyms(value: Node, words: Node, report: Report) -> dict[str, object]:
    if not value.text.strip():
        return _no_value(value, report)
    synonyms = None if words.is_null else texts(words, report)
    return {"value": text(value, report), "synonyms": synonyms or ()}


def _no_value(node: Node, report: Report) -> dict[str, object]:
    hint = "such as {value: theft, synonyms: [stolen]}"
    report.add(node.place, f'a choice needs a "value", {hint}')
    return {}


def shorthand(key: str, read_key: Reader, keys: Keys) -> Reader:
    """A reader of a mapping that may be written as the value of its one needed key."""

    def read(node: Node, report: Report) -> dict[str, object] | None:
        if node.kind != "mapping":
            value = read_key(node, report)
            return None if value is None else {key: value}
        data = read_mapping(node, keys, report)
        if node.get(key) is None:
            report.add(node.place, f'"{key}" is missing here; add it')
        return data if key in data else None

    return read


def nodes(node: Node, report: Report) -> tuple[Node, ...] | None:
    """A list whose items are read later."""
    if node.kind != "list":
        report.add(node.place, 'fields are a list: each begins with "- name:"')
        return None
    return node.items


# --- the tables -----------------------------------------------------------------------------------

CHOICE_KEYS: Keys = {"value": text, "synonyms": texts}

STALE_KEYS: Keys = {
    "after": duration,
    "policy": one_of("policy", get_args(StalePolicy)),
}

RESUME_KEYS: Keys = {
    "verify": texts,
    "attempts": count,
    "again_after": duration,
    "then": one_of("then", get_args(ResumeThen)),
}

DELIVER_KEYS: Keys = {"url": text, "authorization": text, "give_up_after": duration}

FIELD_KEYS: Keys = {
    "name": text,
    "type": one_of("type", get_args(FieldType)),
    "label": text,
    "prompt": texts,
    "help": text,
    "required": yes_no,
    "when": exact,
    "default": scalar,
    "choices": choices,
    "min": scalar,
    "max": scalar,
    "whole": yes_no,
    "length": length,
    "pattern": exact,
    "confirm": one_of("confirm", get_args(ConfirmPolicy)),
    "personal": yes_no,
    "secret": yes_no,
}

FORM_KEYS: Keys = {
    "form": text,
    "version": text,
    "title": text,
    "language": text,
    "region": text,
    "timezone": text,
    "greeting": text,
    "welcome_back": text,
    "goodbye": text,
    "fields": nodes,
    "confirm": yes_no,
    "deliver": shorthand("url", text, DELIVER_KEYS),
    "stale": shorthand("after", duration, STALE_KEYS),
    "resume": shorthand("verify", texts, RESUME_KEYS),
    "hand_off": text,
    "abandon_after": duration,
    "expire_after": duration,
    "keep_for": duration,
    "again": one_of("again", get_args(AgainPolicy)),
    "migrates_from": texts,
}
