"""Rules on texts with `{name}` in them: it exists, is known by then, and is no secret."""

from collections.abc import Collection, Iterator

from turnkeeper.forms.drafts import FieldDraft, Finding, FormDraft
from turnkeeper.forms.mistakes import Place, did_you_mean
from turnkeeper.forms.model import Field
from turnkeeper.forms.template import ALWAYS, fill, names_in, stray_braces


def field_texts(draft: FieldDraft, form: FormDraft) -> Iterator[Finding]:
    """A field's prompt and help name earlier fields only, and say something without them."""
    earlier = form.earlier(draft)
    known = {*earlier, *ALWAYS}
    sure = {
        name for name, other in earlier.items() if other.field.required and not other.field.when
    }
    for key in ("prompt", "help"):
        for place, text in draft.texts(key):
            if not text.strip():
                continue
            yield from _names(place, text, known, form, f"{key}: ")
            if known.issuperset(names_in(text)) and not fill(text, dict.fromkeys(sure, "x")):
                hint = "add a sentence that names no field"
                yield place, f"{key}: nothing is left of it while an answer is missing; {hint}"


def _always_answered(field: Field) -> bool:
    return field.required and not field.when


def form_texts(form: FormDraft) -> Iterator[Finding]:
    """A greeting names no field, since nothing is answered yet; other texts may name any."""
    for place, text in form.texts("greeting"):
        yield from _names(place, text, {"title"}, form, "greeting: ")
    for key in ("welcome_back", "goodbye"):
        for place, text in form.texts(key):
            yield from _names(place, text, {*form.named(), *ALWAYS}, form, f"{key}: ")


def _names(
    place: Place, text: str, known: Collection[str], form: FormDraft, about: str
) -> Iterator[Finding]:
    if stray_braces(text):
        yield place, f"{about}a brace that is not around a name; write {{{{ or }}}} for a brace"
    fields = form.named()
    for name in names_in(text):
        if name not in known:
            yield place, f"{about}{_unknown(name, known, late=name in fields or name in ALWAYS)}"
        elif name in fields and fields[name].field.secret:
            yield place, f'{about}"{name}" is secret and is never spoken; leave it out'


def _unknown(name: str, known: Collection[str], *, late: bool) -> str:
    if late:
        return f'"{{{name}}}" has no answer yet when this is said; leave it out'
    return f'there is no field "{name}";{did_you_mean(name, known) or " correct the name"}'
