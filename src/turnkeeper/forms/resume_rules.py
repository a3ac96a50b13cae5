"""Rules on `resume`: what a caller who comes back is asked is worth asking, and can be compared."""

from collections.abc import Iterator

from turnkeeper.forms.drafts import FieldDraft, Finding, FormDraft
from turnkeeper.forms.mistakes import Place, did_you_mean
from turnkeeper.forms.model import FieldType, Resume
from turnkeeper.forms.template import fill

VERIFIES: frozenset[FieldType] = frozenset({
    "digits", "date", "phone", "email", "name", "postal_code", "number", "time",
})  # fmt: skip
"""Types with one normal form, of which nobody guesses the value in a few attempts."""

MAX_ATTEMPTS = 10
MAX_VERIFIED = 5
"""A caller who comes back wants to go on, and not to answer the form again."""


def verified_fields(form: FormDraft) -> Iterator[Finding]:
    """`resume` names one to five fields, each once, that every caller answers (required, without
    `when`), with a normal form to compare and a prompt that needs no answer."""
    resume, known = form.form.resume, form.named()
    if resume is None:
        if form.has("resume"):
            what = "resume names no field to verify by, so it would let anybody in"
            yield form.finding("resume", f"{what}; name one, such as date_of_birth")
        return
    places = _places(form)
    if len(resume.verify) > MAX_VERIFIED:
        yield form.finding("resume", f"verify names over {MAX_VERIFIED} fields; name fewer")
    for index, name in enumerate(resume.verify):
        place = places[index] if index < len(places) else form.place("resume")
        if name not in known:
            hint = did_you_mean(name, known) or " name a field of this form"
            yield place, f'verify: there is no field "{name}";{hint}'
        elif name in resume.verify[:index]:
            yield place, f'verify: "{name}" is there twice; keep one'
        elif why := _unfit(known[name]):
            yield place, f'verify: "{name}" {why}'


def _unfit(draft: FieldDraft) -> str | None:
    """Why a field lets nobody in, as the end of a sentence; None when it may."""
    field = draft.field
    if draft.typed and field.type not in VERIFIES:
        what = "has no normal form to compare" if field.type == "text" else "is guessed too easily"
        return f"is of type {field.type} and {what}; name a date, digits or the like"
    if not field.required or field.when:
        return "may stay unanswered; name a field that is required and has no when"
    if any(not fill(text, {"title": "x"}) for _, text in draft.texts("prompt") if text.strip()):
        return "has a prompt that needs an answer; add a sentence that names no field"
    return None


def _places(form: FormDraft) -> list[Place]:
    """Where each of the names stands."""
    node = form.node.get("resume")
    names = node.get("verify") if node is not None and node.kind == "mapping" else node
    if names is None:
        return []
    items = names.items if names.kind == "list" else (names,)
    return [item.place for item in items]


def attempts(form: FormDraft) -> Iterator[Finding]:
    """`attempts` of `resume` is at most 10, and `then: hand_off` stands in a form that has a
    `hand_off`."""
    resume = form.form.resume or Resume(verify=())
    if resume.attempts > MAX_ATTEMPTS:
        what = f"over {MAX_ATTEMPTS} attempts let a stranger guess; write {MAX_ATTEMPTS} or fewer"
        yield form.finding("resume", f"attempts: {what}")
    if resume.then == "hand_off" and form.form.hand_off is None:
        what = "the form says no place to transfer to; add hand_off, or write then: hang_up"
        yield form.finding("resume", f"then: {what}")
