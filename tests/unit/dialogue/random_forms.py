"""Random forms, and random things that people and programs say to them."""

from datetime import timedelta

from hypothesis import strategies as st

from turnkeeper.contract import Alternative, Turn
from turnkeeper.forms.model import Choice, Field, FieldType, Form, Scalar, Stale

GOOD: dict[FieldType, Scalar] = {
    "text": "a tree fell on it",
    "boolean": True,
    "choice": "red",
    "number": 3,
    "digits": "1234",
    "date": "2026-11-17",
    "time": "17:30",
    "phone": "+14155550100",
    "email": "ada@example.com",
    "name": "Ada Lovelace",
    "postal_code": "94103",
}
"""A value that a field of each type takes."""

NAMES = ("colour", "policy_number", "when_happened", "first_name", "callback", "seats", "is_it")
CHOICES = (Choice(value="red", synonyms=("crimson", "help")), Choice(value="dark blue"))


@st.composite
def forms(draw: st.DrawFn) -> Form:
    """A form of up to six fields: any types, conditions on earlier fields, all policies."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6, unique=True))
    fields: list[Field] = []
    for name in names:
        fields.append(draw(_fields(name, tuple(fields))))
    return Form(
        form="random",
        title=draw(st.sampled_from(["", "A form"])),
        fields=tuple(fields),
        confirm=draw(st.booleans()),
        hand_off=draw(st.sampled_from([None, "claims-desk"])),
        welcome_back=draw(
            st.sampled_from([None, "Hi again. I know {known}.", "{title} {summary}"])
        ),
        stale=Stale(
            after=draw(st.sampled_from([None, timedelta(hours=1)])),
            policy=draw(st.sampled_from(["resume", "ask", "restart"])),
        ),
    )


@st.composite
def _fields(draw: st.DrawFn, name: str, earlier: tuple[Field, ...]) -> Field:
    kind = draw(st.sampled_from(sorted(GOOD)))
    required = draw(st.booleans())
    defaults = [None] if required else [None, GOOD[kind]]
    return Field(
        name=name,
        type=kind,
        label=draw(st.sampled_from(["", "", "the " + name[:3], "date"])),
        prompt=tuple(draw(st.lists(st.sampled_from(["First?", "Again?"]), min_size=1, max_size=2))),
        help=draw(st.sampled_from([None, "Some help."])),
        required=required,
        when=draw(_conditions(earlier)),
        default=draw(st.sampled_from(defaults)),
        choices=CHOICES if kind == "choice" else (),
        length=4 if kind == "digits" else None,
        confirm=draw(st.sampled_from(["never", "always", "auto"])),
        personal=draw(st.booleans()),
        secret=draw(st.sampled_from([False, False, True])),
    )


def _conditions(earlier: tuple[Field, ...]) -> st.SearchStrategy[str | None]:
    rows: list[str | None] = [None, None]
    for field in earlier:
        rows += [field.name, f"not {field.name}"]
        if field.type == "choice":
            rows.append(f'{field.name} == "red"')
        if field.type == "number":
            rows.append(f"{field.name} > 2")
    return st.sampled_from(rows)


PHRASES = (
    "yes", "no", "yes but", "no it's friday", "no wait, it's 4321", "actually red", "help", "skip",
    "go back", "start over", "cancel", "repeat", "what", "never mind", "change the colour",
    "change my first name to Grace Hopper", "the policy number is 1234 not 1243",
    "my policy number is 4321 and it happened last tuesday", "tomorrow at five pm", "at five", "pm",
    "one two three", "one two three four", "red", "dark blue", "crimson", "Ada Lovelace",
    "ada at example dot com", "four one five five five five zero one zero zero", "9 4 1 0 3",
    "three", "half past five", "last tuesday", "the date is wrong", "change it to monday",
    "i mean", "no", "um", "operator", "", "   ", "\x00", "🙂🙂", "{name} {{}}", "don't know",
    "a" * 3000, "change " * 200, "no wait " * 200, "my date is " * 200,
)  # fmt: skip

texts = st.one_of(st.sampled_from(PHRASES), st.text(max_size=30))
confidences = st.sampled_from([None, None, 0.1, 0.45, 0.9])
scalars: st.SearchStrategy[Scalar | None] = st.one_of(
    st.sampled_from([*GOOD.values(), None, "", "nonsense", -1, 1e308, False]),
    st.text(max_size=10),
    st.integers(),
    st.floats(allow_nan=False),
)
field_names = st.sampled_from([*NAMES, "unknown", ""])
answers = st.dictionaries(field_names, scalars, max_size=4)
keys = st.one_of(
    st.sampled_from(["1", "2", "1234#", "*", "#", "", "11172026"]), st.text(max_size=6)
)
events = st.sampled_from(
    ["noinput", "nomatch", "help", "repeat", "skip", "back", "start_over", "cancel", "hand_off"]
)


def _alternatives() -> st.SearchStrategy[tuple[Alternative, ...]]:
    row = st.builds(Alternative, text=texts, confidence=confidences)
    return st.lists(row, max_size=3).map(tuple)


def turns() -> st.SearchStrategy[Turn]:
    """Words, keys, values and events, alone (mostly) or all at once."""
    base = {"leg": st.just(1), "utterance_id": st.just("u")}
    return st.one_of(
        st.builds(Turn, **base, text=texts, confidence=confidences),
        st.builds(Turn, **base, text=texts, alternatives=_alternatives()),
        st.builds(Turn, **base, dtmf=keys),
        st.builds(Turn, **base, answers=answers, text=st.none() | texts),
        st.builds(Turn, **base, event=events),
        st.builds(
            Turn,
            **base,
            text=st.none() | texts,
            alternatives=_alternatives(),
            confidence=confidences,
            dtmf=st.none() | keys,
            answers=answers,
            event=st.none() | events,
            said=st.none() | texts,
        ),
    )
