"""Rules on one field: its name, its prompt, its choices, its limits and its default."""

import keyword
import re
from collections.abc import Iterator

from turnkeeper.forms.drafts import FieldDraft, Finding, FormDraft
from turnkeeper.forms.mistakes import Place, did_you_mean
from turnkeeper.forms.model import SPOKEN_IN_PART, Field, Scalar
from turnkeeper.forms.template import ALWAYS
from turnkeeper.forms.typed import LIMITS

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
RESERVED = frozenset({*keyword.kwlist, "true", "false", *ALWAYS})
"""Names that a condition or a template reads as something else."""


def names(draft: FieldDraft, form: FormDraft) -> Iterator[Finding]:
    """A field has a name: lower-case letters, digits and `_`, at most 64, not a reserved word,
    and no two fields have the same."""
    name, node = draft.field.name, draft.node.get("name")
    if node is None:
        yield draft.finding("name", 'it has no name; add one, such as "name: policy_number"')
    elif node.kind == "scalar" and not _NAME.fullmatch(name):
        rule = "use lower-case letters, digits and _, begin with a letter, at most 64 characters"
        yield draft.finding("name", f'name "{name}" is not well formed; {rule}')
    elif name in RESERVED:
        yield draft.finding("name", f'name "{name}" is a reserved word; choose another')
    elif first := form.earlier(draft).get(name):
        line = first.place("name").line
        where = f"the first is in line {line}" if line else "an earlier field has it"
        yield draft.finding("name", f"the name is there twice ({where}); rename one")


def prompts(draft: FieldDraft, _: FormDraft) -> Iterator[Finding]:
    """A field has a prompt, and no empty one."""
    node = draft.node.get("prompt")
    if node is None or (node.kind == "list" and not node.items):
        yield draft.finding("prompt", "it has no prompt; add the question that the caller hears")
    for place, text in draft.texts("prompt"):
        if not text.strip():
            yield place, "a prompt is empty; write what the caller hears, or remove it"


def choices(draft: FieldDraft, _: FormDraft) -> Iterator[Finding]:
    """A choice field, and no other, has choices: two or more, and no word means two of them."""
    if not draft.typed:
        return
    if draft.field.type != "choice":
        if draft.has("choices"):
            what = f"type {draft.field.type} has no choices; use type choice, or remove them"
            yield draft.finding("choices", what)
        return
    node = draft.node.get("choices")
    if node is None:
        yield draft.finding("choices", "a choice field needs choices, such as [collision, theft]")
    elif node.kind != "scalar" and len(draft.field.choices) < 2:
        yield draft.finding("choices", "a choice needs two choices or more; add one")
    yield from _same_words(draft)


def _same_words(draft: FieldDraft) -> Iterator[Finding]:
    meant: dict[str, str] = {}
    places = _choice_places(draft)
    for choice, place in zip(draft.field.choices, places, strict=False):
        for word in (choice.value, *choice.synonyms):
            if (first := meant.get(word.casefold())) is not None:
                yield place, f'"{word}" is there twice (under "{first}"); keep one'
            meant.setdefault(word.casefold(), choice.value)


def _choice_places(draft: FieldDraft) -> list[Place]:
    """Where each choice that could be read stands."""
    node = draft.node.get("choices")
    if node is None:
        return []
    items = [item for item in node.items if item.text.strip() or item.get("value")]
    return [choice.place for choice in (*items, *(key for key, _ in node.pairs if key.text))]


def lengths(draft: FieldDraft, _: FormDraft) -> Iterator[Finding]:
    """`length` stands where the type counts characters or digits, is over 0, and runs upwards."""
    length = draft.field.length
    if length is None or not draft.typed:
        return
    fewest, most = (length, length) if isinstance(length, int) else length
    if not LIMITS[draft.field.type].length_means:
        wrong = f'"length" means nothing for type {draft.field.type}; remove it'
        yield draft.finding("length", wrong)
    elif fewest > most:
        yield draft.finding("length", f"length {fewest}..{most} runs downwards; swap the two")
    elif most == 0:
        yield draft.finding("length", "length 0 takes no answer at all; write 1 or more")


def bounds(draft: FieldDraft, _: FormDraft) -> Iterator[Finding]:
    """`min` and `max` fit the type, and `min` is not over `max`."""
    low, high = draft.field.min, draft.field.max
    if low is not None and high is not None and _over(low, high):
        yield draft.finding("min", f"min {low} is over max {high}; swap the two")


def patterns(draft: FieldDraft, _: FormDraft) -> Iterator[Finding]:
    """`pattern` is a regular expression, and stands on a type whose answer is text."""
    pattern = draft.field.pattern
    if pattern is None or not draft.typed:
        return
    if not LIMITS[draft.field.type].pattern:
        wrong = f'"pattern" means nothing for type {draft.field.type}; remove it'
        yield draft.finding("pattern", wrong)
    elif why := _uncompilable(pattern):
        yield draft.finding("pattern", f"the pattern is no regular expression: {why}; correct it")


def defaults(draft: FieldDraft, _: FormDraft) -> Iterator[Finding]:
    """`default` is an answer that the field would take, and stands on an optional field."""
    default = draft.field.default
    if default is None:
        return
    if draft.field.required:
        hint = 'only a field that may be skipped has a default; add "required: false"'
        yield draft.finding("default", f"{hint}, or remove the default")
    if draft.typed and (why := outside(draft.field, default)):
        yield draft.finding("default", f"default {_shown(default)} {why}")


def whole_numbers(draft: FieldDraft, _: FormDraft) -> Iterator[Finding]:
    """`whole` stands on a number."""
    if draft.field.whole and draft.typed and draft.field.type != "number":
        yield draft.finding(
            "whole", f'"whole" means nothing for type {draft.field.type}; remove it'
        )


def secrets(draft: FieldDraft, _: FormDraft) -> Iterator[Finding]:
    """A secret is not read back, so it has no `confirm: always`; nor has it a default."""
    if not draft.field.secret:
        return
    if draft.field.confirm == "always":
        yield draft.finding("confirm", "a secret is never read back; remove confirm: always")
    if draft.has("default"):
        yield draft.finding("default", "a secret has no default; remove it")


def read_backs(draft: FieldDraft, _: FormDraft) -> Iterator[Finding]:
    """A personal value of which nothing is said aloud has no `confirm: always`."""
    field = draft.field
    silent = draft.typed and field.personal and field.type not in SPOKEN_IN_PART
    if silent and not field.secret and field.confirm == "always":
        what = f"nothing of a personal {field.type} is said aloud, so there is nothing to read back"
        yield draft.finding("confirm", f"{what}; remove confirm: always")


def outside(field: Field, value: Scalar) -> str | None:
    """Why the field never has this value, as the end of a sentence; None when it may."""
    if field.type == "choice":
        known = [choice.value for choice in field.choices]
        close = did_you_mean(str(value), known) or " choose one of them"
        return None if value in known else f"is not among the choices ({', '.join(known)});{close}"
    if field.whole and isinstance(value, float) and not value.is_integer():
        return "is not a whole number; change one of the two"
    if field.pattern is not None and not _matches(field.pattern, str(value)):
        return "does not match the pattern; change one of the two"
    size: Scalar = len(str(value)) if field.type in ("text", "name") else value
    if field.min is not None and _over(field.min, size):
        return f"is under min {field.min}; change one of the two"
    if field.max is not None and _over(size, field.max):
        return f"is over max {field.max}; change one of the two"
    return _wrong_length(field, len(str(value)))


def _wrong_length(field: Field, size: int) -> str | None:
    if field.length is None:
        return None
    fewest, most = (field.length,) * 2 if isinstance(field.length, int) else field.length
    return None if fewest <= size <= most else "does not have the field's length; change one"


def _over(left: Scalar, right: Scalar) -> bool:
    """Whether left is greater; two that do not compare, such as `today` and a date, are not."""
    if isinstance(left, str) or isinstance(right, str):
        texts = isinstance(left, str) and isinstance(right, str)
        return texts and "today" not in (left, right) and str(left) > str(right)
    return left > right


def _uncompilable(pattern: str) -> str | None:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        return str(error)
    return None


def _matches(pattern: str, value: str) -> bool:
    return _uncompilable(pattern) is not None or re.fullmatch(pattern, value) is not None


def _shown(value: Scalar) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
