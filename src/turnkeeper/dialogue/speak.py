"""Say it: prompts, read-backs, summaries, and the reply that an input gets.

What is said is bounded: a value is spoken up to `MAX_VALUE_CHARS`, a reply up to `MAX_SAY_CHARS`.
"""

from datetime import datetime, timedelta

from turnkeeper.contract import Expects, Next, Reply, Status
from turnkeeper.dialogue.draft import Draft
from turnkeeper.dialogue.phrases import PhraseName, phrases
from turnkeeper.dialogue.state import DialogueState, Question
from turnkeeper.dialogue.view import blank_progress, confirming, progress, shown
from turnkeeper.forms.model import Field, Form, Scalar
from turnkeeper.forms.template import fill
from turnkeeper.values import is_told, mask

MAX_VALUE_CHARS = 200
MAX_SAY_CHARS = 3_000

NEXT: dict[Status, Next] = {
    "collecting": "listen",
    "confirming": "listen",
    "submitting": "hang_up",
    "completed": "hang_up",
    "handed_off": "transfer",
    "cancelled": "hang_up",
    "abandoned": "hang_up",
    "expired": "hang_up",
    "failed": "hang_up",
}
"""What the agent does after a reply, by status."""

STANDING: dict[Status, PhraseName] = {
    "submitting": "submitting",
    "completed": "completed",
    "handed_off": "handed_off",
    "cancelled": "cancelled",
    "abandoned": "abandoned",
    "expired": "expired",
    "failed": "failed",
}
"""What is said of a session that takes no turns."""

_DIGITS_OF_TYPE = {"date": (8, 8), "time": (4, 4)}
"""Keys that a date (month, day, year) or a time (hour, minute) takes."""


def reply(draft: Draft, *, restored: bool = False) -> Reply:
    """The reply that a finished draft gives; `say` is what its last `Said` event has."""
    state = draft.state
    listening = NEXT[state.status] == "listen"
    return Reply(
        say=state.said,
        status=state.status,
        next=NEXT[state.status],
        field=asked_name(state) if listening else None,
        expects=expects(draft) if listening else None,
        recorded={name: shown(draft.form, name, v) for name, v in draft.recorded().items()},
        removed=draft.removed(),
        rejected=tuple(draft.rejected),
        confirming=confirming(draft.form, state) if listening else None,
        progress=progress(draft.form, state) if state.door is None else blank_progress(draft.form),
        restored=restored,
        transfer_to=draft.form.hand_off if NEXT[state.status] == "transfer" else None,
    )


def asked_name(state: DialogueState) -> str | None:
    """The field that is asked about: none while a question about the whole form is open."""
    return state.question.field if state.question else state.field


def expects(draft: Draft) -> Expects | None:
    """Hints for the recogniser and the keypad."""
    language = draft.form.language
    question = draft.state.question
    if question and question.kind != "change":
        return Expects(type="confirmation", min_digits=1, max_digits=1, language=language)
    asked = draft.asked()
    if question or asked is None:
        return None
    fewest, most = _digits(asked)
    return Expects(
        type=asked.type,
        choices=tuple(choice.value for choice in asked.choices),
        min_digits=fewest,
        max_digits=most,
        language=language,
    )


def prompt(draft: Draft, asked: Field) -> str:
    """The field's prompt, tapered by the failures since it was first asked."""
    failures = draft.state.misses.get(asked.name, 0)
    return fill(asked.prompt[min(failures, len(asked.prompt) - 1)], _slots(draft))


def help_with(draft: Draft, asked: Field | None) -> str:
    """The field's own help, or what can be said at all."""
    own = fill(asked.help, _slots(draft)) if asked and asked.help else ""
    return own or phrases(draft.form.language)["help"]


def question_prompt(draft: Draft, question: Question) -> str:
    """What an open question asks."""
    table = phrases(draft.form.language)
    if question.kind == "final":
        summary = read_back(draft)
        return table["ask_final"].format(summary=summary) if summary else table["ask_final_empty"]
    if question.kind == "value":
        asked = draft.form.field(question.field or "")
        value = question.answer.value if question.answer else ""
        spoken = say_value(asked, value, draft.form) if asked else str(value)
        return table["ask_value"].format(value=spoken)
    if question.kind == "stale":
        return table["ask_stale"].format(ago=ago(draft.state.created_at, draft.context.now))
    return table[_QUESTIONS[question.kind]]


_QUESTIONS: dict[str, PhraseName] = {
    "change": "ask_change",
    "start_over": "ask_start_over",
    "cancel": "ask_cancel",
}


def read_back(draft: Draft) -> str:
    """Every answer as `Label: value.`, in the form's order; secret ones are left out."""
    return " ".join(
        f"{_capital(field.spoken_name)}: {_told(field, answer.value, draft.form)}."
        for field in draft.form.fields
        if not field.secret and (answer := draft.state.answers.get(field.name))
    )


def summary(draft: Draft) -> str:
    """What is answered, on one line; secret ones are left out."""
    return ", ".join(
        f"{field.spoken_name}: {_told(field, answer.value, draft.form)}"
        for field in draft.form.fields
        if not field.secret and (answer := draft.state.answers.get(field.name))
    )


def greeting(draft: Draft) -> str:
    """The form's greeting, or the standard one with its title."""
    form, table = draft.form, phrases(draft.form.language)
    if form.greeting and (text := fill(form.greeting, _slots(draft))):
        return text
    return (
        table["greeting"].format(title=form.spoken_title)
        if form.title
        else table["greeting_untitled"]
    )


def welcome_back(draft: Draft) -> str:
    """The form's welcome back, or the standard one; short where a read-back follows anyway."""
    table = phrases(draft.form.language)
    if draft.form.welcome_back and (text := fill(draft.form.welcome_back, _slots(draft))):
        return text
    known = summary(draft)
    question = draft.state.question
    if not known or (question and question.kind == "final"):
        return table["welcome_back"]
    return table["welcome_back_summary"].format(summary=known)


def goodbye(draft: Draft) -> str:
    """The form's goodbye, or the standard one."""
    own = fill(draft.form.goodbye, _slots(draft)) if draft.form.goodbye else ""
    return own or phrases(draft.form.language)["goodbye"]


def say_value(field: Field, value: Scalar, form: Form) -> str:
    """A value as it is read back, of bounded length: of a personal one its mask."""
    return _cut(mask(field, value, form.language))


def _told(field: Field, value: Scalar, form: Form) -> str:
    """A value in a list of them, where "address: your address" would be odd."""
    return say_value(field, value, form) if is_told(field) else phrases(form.language)["noted"]


def bounded(pieces: list[str]) -> str:
    """The pieces as one text. The last one is the prompt: the earlier ones are cut for it."""
    *before, last = [piece.strip() for piece in pieces if piece.strip()] or [""]
    room = max(MAX_SAY_CHARS - len(last) - 1, 0)
    return f"{' '.join(before)[:room]} {last[:MAX_SAY_CHARS]}".strip()


def ago(since: datetime | None, now: datetime) -> str:
    """How long ago, in the largest unit that fits: `3 days`, `an hour`."""
    passed = now - since if since else timedelta()
    for unit, name in _UNITS:
        count = int(passed / unit)
        if count:
            return f"{count} {name}" + ("s" if count > 1 else "")
    return "a moment"


_UNITS = (
    (timedelta(days=365), "year"),
    (timedelta(days=30), "month"),
    (timedelta(weeks=1), "week"),
    (timedelta(days=1), "day"),
    (timedelta(hours=1), "hour"),
    (timedelta(minutes=1), "minute"),
)


def _slots(draft: Draft) -> dict[str, str]:
    """What a template may name (`turnkeeper.forms.template`); personal values are masked."""
    form = draft.form
    known = [field for field in form.fields if field.name in draft.state.answers]
    values = {
        field.name: say_value(field, draft.state.answers[field.name].value, form)
        for field in known
        if not field.secret
    }
    labels = [field.spoken_name for field in known]
    return {
        **values,
        "title": form.spoken_title,
        "known": listed(labels, phrases(form.language)["and"]),
        "summary": summary(draft),
    }


def listed(words: list[str], joiner: str) -> str:
    """`a, b and c`."""
    return f" {joiner} ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _digits(field: Field) -> tuple[int | None, int | None]:
    if field.type != "digits":
        return _DIGITS_OF_TYPE.get(field.type, (None, None))
    length = field.length
    return length if isinstance(length, tuple) else (length, length)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_VALUE_CHARS else text[:MAX_VALUE_CHARS].rstrip() + " …"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
