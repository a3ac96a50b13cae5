"""Collect: what an utterance means to the form, before anything is done about it.

The recogniser's hypotheses are tried in order; the first that is a command, a yes or no, or a
value wins, else the first that is nearly one (out of bounds, ambiguous, incomplete).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from turnkeeper.contract import Turn
from turnkeeper.dialogue.commands import command_to, plain
from turnkeeper.dialogue.correct import (
    Correction,
    correction_in,
    new_value,
    says_wrong,
    without_denied,
    without_pause,
)
from turnkeeper.dialogue.draft import Draft
from turnkeeper.dialogue.labels import MAX_COUNT_WORDS, Segment, called, segments, trimmed
from turnkeeper.dialogue.process import Offer
from turnkeeper.forms.model import Field, FieldType
from turnkeeper.values import TYPES, Reading, read

MAX_HEARD = 500
"""Characters of an utterance that the state and the transcript keep."""
MAX_READ = 2_000
"""Characters of an utterance that are interpreted."""
MAX_HYPOTHESES = 10
CAPTURE_ABOVE = 0.40
"""Hypotheses under this count as not understood: Cisco's capture threshold."""

DEFINITE, NEARLY, NOTHING = 2, 1, 0

MAX_BARE_NUMBER_WORDS = 2
MAX_UNNAMED_WORDS = 5
"""A number or a choice in a longer sentence without a name is no correction of one."""

TAKES_REST: frozenset[FieldType] = frozenset({"date", "time", "phone", "email", "postal_code"})
"""Types whose values are told apart from other words: they may take what another field left."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One way to hear an utterance."""

    text: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one hypothesis says; empty where it says nothing to this form."""

    command: str | None = None
    yes: bool | None = None
    offers: tuple[Offer, ...] = ()
    revisit: Field | None = None
    """A field that the caller wants to change without saying to what."""
    denied: bool = False
    """The value is one that the caller said no to before."""

    @property
    def weight(self) -> int:
        """`DEFINITE`, `NEARLY` or `NOTHING`."""
        if self.command or self.revisit or self.yes is not None:
            return DEFINITE
        if any(offer.reading.kind == "value" for offer in self.offers) and not self.denied:
            return DEFINITE
        return NEARLY if self.offers else NOTHING


def hypotheses(turn: Turn) -> list[Hypothesis]:
    """The ways to hear a turn that are sure enough, best first, none of them empty."""
    heard = [Hypothesis(row.text, row.confidence) for row in turn.alternatives]
    if turn.text is not None and turn.text not in [row.text for row in heard]:
        heard.insert(0, Hypothesis(turn.text, turn.confidence))
    return [
        replace(row, text=row.text[:MAX_READ])
        for row in heard[:MAX_HYPOTHESES]
        if row.text.strip() and (row.confidence is None or row.confidence >= CAPTURE_ABOVE)
    ]


def best(heard: list[Hypothesis], mean: Callable[[Hypothesis], Meaning]) -> Meaning:
    """The first definite meaning, else the first near one, else none."""
    nearly = Meaning()
    for hypothesis in heard:
        meaning = mean(hypothesis)
        if meaning.weight == DEFINITE:
            return meaning
        if nearly.weight == NOTHING:
            nearly = meaning
    return nearly


def answer_to_field(draft: Draft, heard: Hypothesis) -> Meaning:
    """What an utterance means while a field is asked: a command, else a correction, else values
    for the asked field and others."""
    asked = draft.asked()
    if command := command_to(draft, heard.text, asked):
        return Meaning(command=command)
    correction = correction_in(heard.text)
    if correction.marked and (command := command_to(draft, correction.body, asked)):
        return Meaning(command=command)
    if asked is not None and _declines(draft, asked, heard.text):
        return Meaning(command="skip")
    return (
        named(draft, heard, correction)
        or _of_secret(draft, heard, correction)
        or _unnamed(draft, heard, correction)
        or _plain(draft, heard, correction)
        or Meaning()
    )


_NO = r"(?:no|nope|nah)"
_NONE = (
    rf"(?:(?:{_NO} )*(?:no|nope|nah|none|nothing|not applicable|not really|nothing (?:else|to add)"
    rf"|(?:no )?(?:thanks|thank you))(?: at all| thanks| thank you)?"
    rf"|(?:{_NO} )*(?:i )?(?:don't|do not|haven't) (?:have|got|want|need|use)"
    rf" (?:one|any|it|that|anything|(?:an? |any |my )?(?P<had>.+))|no (?P<named>.+))"
)
_DECLINED = re.compile(_NONE)


def _declines(draft: Draft, asked: Field, text: str) -> bool:
    """Whether a no leaves an optional field out: "I don't have one", "no email". A no that is a
    value of the field (a number's "none") is that value."""
    declined = _DECLINED.fullmatch(plain(text))
    if declined is None or asked.required or asked.type == "boolean":
        return False
    thing = declined["had"] or declined["named"]
    if thing is not None and (asked.type == "number" or thing not in called(asked)):
        return False
    return not TYPES[asked.type].strict or read(asked, text, draft.context).kind == "none"


# --- fields named in the words --------------------------------------------------------------------


def named(draft: Draft, heard: Hypothesis, correction: Correction) -> Meaning | None:
    """Values, or wishes to change, for fields that the caller names; the words before the first
    name are for the asked field."""
    body, loose = correction.body, correction.marked or correction.change
    kept: list[tuple[Segment, Reading]] = []
    for segment in segments(draft.form.fields, body):
        if not draft.applies(segment.field):
            continue
        if wants_revisit(draft, segment, loose=loose):
            return Meaning(revisit=segment.field)
        reading = _named_reading(draft, segment, loose=loose)
        if reading is not None:
            kept.append((segment, reading))
    if not kept:
        return None
    offers = [Offer(segment.field, reading, "text", heard.confidence) for segment, reading in kept]
    lead = trimmed(body[: kept[0][0].start])
    return Meaning(offers=(*_lead_offer(draft, heard, lead, offers), *offers))


def wants_revisit(draft: Draft, segment: Segment, *, loose: bool) -> bool:
    """Whether a field is named to be asked again: "change the date", "the date is wrong"."""
    if not draft.settled(segment.field) or not says_wrong(segment.words):
        return False
    return loose or (segment.firm and segment.words != "")


def _named_reading(draft: Draft, segment: Segment, *, loose: bool) -> Reading | None:
    """The value that a name introduces; None where the name was only mentioned in passing."""
    if not segment.words or _in_passing(draft, segment, loose=loose):
        return None
    reading = read(segment.field, new_value(segment.words), draft.context)
    sure = reading.kind == "value" or (segment.firm and reading.kind != "none")
    return reading if sure else None


def _in_passing(draft: Draft, segment: Segment, *, loose: bool) -> bool:
    """Whether a name introduces nothing. Types that take any words need a whole name and an "is",
    a story (a text field's answer) is not searched for these at all, and in "two seats to 4287
    Piedmont Avenue" the number is not of seats."""
    field, asked = segment.field, draft.asked()
    if field.type == "number" and not segment.copula:
        told = segment.counted and not loose and _is_story(asked, field)
        return told or len(segment.words.split()) > _max_words(segment)
    if TYPES[field.type].strict:
        return not (loose or segment.firm) and _is_story(asked, field)
    if loose:
        return not segment.copula
    return not (segment.full and segment.firm) or _is_story(asked, field)


def _max_words(segment: Segment) -> int:
    return MAX_COUNT_WORDS if segment.counted else MAX_BARE_NUMBER_WORDS


def _is_story(asked: Field | None, field: Field) -> bool:
    return asked is not None and asked.type == "text" and asked != field


def _lead_offer(
    draft: Draft, heard: Hypothesis, lead: str, offers: list[Offer]
) -> tuple[Offer, ...]:
    asked = None if draft.state.question else draft.asked()
    if asked is None or not lead or any(offer.field == asked for offer in offers):
        return ()
    reading = read(asked, lead, draft.context)
    if reading.kind != "value":
        return ()
    first, named_too = (
        Offer(asked, reading, "text", heard.confidence),
        [row.field for row in offers],
    )
    return (first, *(row for row in _from_rest(draft, first) if row.field not in named_too))


# --- corrections without a name -------------------------------------------------------------------


def secret_just_given(draft: Draft) -> Field | None:
    """The secret field that the turn before this one filled."""
    answers = draft.before.answers
    return next(
        (
            field
            for field in draft.form.fields
            if field.secret and field.name in answers
            if answers[field.name].turn == draft.before.turns
        ),
        None,
    )


def _of_secret(draft: Draft, heard: Hypothesis, correction: Correction) -> Meaning | None:
    """ "no wait, 9875" after a secret asks it again: taken for another field's answer it would be
    kept and said. "No wait, june third 1984" does not: a date takes more of it than the secret."""
    secret, asked = secret_just_given(draft), draft.asked()
    words = new_value(without_denied(without_pause(correction.body)))
    if secret is None or not (correction.marked or correction.plain_no) or not words:
        return None
    if correction.plain_no and asked is not None and asked.type == "boolean":
        return None

    def is_others(part: str) -> bool:
        fields = _strict([asked] if asked else [])
        answers = any(read(field, part, draft.context).kind == "value" for field in fields)
        return answers or _earlier(draft, heard, part) is not None

    others = is_others(words) and not is_others(_part_of(draft, secret, words))
    return None if others else Meaning(revisit=secret)


def _part_of(draft: Draft, secret: Field, words: str) -> str:
    """What of the words may be the secret: digits tell no words that they left."""
    if not TYPES[secret.type].strict:
        return words
    parts = words.split() if secret.type == "digits" else [words]
    return " ".join(part for part in parts if read(secret, part, draft.context).kind != "none")


def _unnamed(draft: Draft, heard: Hypothesis, correction: Correction) -> Meaning | None:
    """ "no wait, it's friday": a field that was filled before, if the words are nothing but its
    value. Types that take any words are corrected by their name only."""
    if not (correction.marked or correction.plain_no) or not correction.body:
        return None
    asked = draft.asked()
    if correction.plain_no and asked is not None and asked.type == "boolean":
        return None
    words = new_value(without_denied(without_pause(correction.body)))
    latest = [field for field in _strict(_latest(draft)) if not field.secret]
    for field in [*latest, *_strict([asked] if asked else [])]:
        reading = read(field, words, draft.context)
        if reading.kind == "value" and (field == asked or _is_all(field, reading, words)):
            return Meaning(offers=(Offer(field, reading, "text", heard.confidence),))
    return _earlier(draft, heard, words) if correction.marked else None


def _earlier(draft: Draft, heard: Hypothesis, words: str) -> Meaning | None:
    """The only field of an earlier turn that the words are a value of."""
    fields = [field for field in draft.form.fields if field.name in draft.state.answers]
    offers = [
        Offer(field, reading, "text", heard.confidence)
        for field in _strict(fields)
        if field.type != "boolean" and not field.secret
        if (reading := read(field, words, draft.context)).kind != "none"
        if _is_all(field, reading, words)
    ]
    if len(offers) != 1 or offers[0].reading.kind != "value":
        return None
    return Meaning(offers=tuple(offers))


def _is_all(field: Field, reading: Reading, words: str) -> bool:
    """Whether a value is all that was said; numbers and choices tell no words that they left."""
    told = field.type in ("number", "choice") and len(words.split()) > MAX_UNNAMED_WORDS
    return not reading.rest and not told


def _latest(draft: Draft) -> list[Field]:
    """The field filled last, then the others that the same turn filled."""
    last = draft.state.answers.get(draft.state.last_filled or "")
    if last is None:
        return []
    together = [
        field
        for field in draft.form.fields
        if (answer := draft.state.answers.get(field.name)) and answer.turn == last.turn
    ]
    return sorted(together, key=lambda field: field.name != draft.state.last_filled)


def _strict(fields: list[Field]) -> list[Field]:
    return [field for field in fields if TYPES[field.type].strict]


# --- the asked field ------------------------------------------------------------------------------


def _plain(draft: Draft, heard: Hypothesis, correction: Correction) -> Meaning | None:
    """The asked field's value, and what its words leave over for the fields after it."""
    asked = draft.asked()
    if asked is None:
        return None
    words = correction.body if correction.marked else heard.text
    if not TYPES[asked.type].strict:
        words = without_pause(words)
    reading = _continued(draft, asked, words) or read(asked, words, draft.context)
    if reading.kind == "none":
        return None
    first = Offer(asked, reading, "text", heard.confidence)
    if asked.type == "boolean" and (other := _other_than_yes_no(draft, first)):
        return other
    denied = reading.value in draft.state.denied.get(asked.name, ())
    return Meaning(offers=(first, *_from_rest(draft, first)), denied=denied)


def _other_than_yes_no(draft: Draft, first: Offer) -> Meaning | None:
    """ "no, thursday" to "is it urgent?": another value of the field before corrects that one; of
    an earlier field it is not understood, nor is the no."""
    words = new_value(without_denied(first.reading.rest))
    if not words or _from_rest(draft, first):
        return None
    latest = _latest(draft)
    filled = [field for field in draft.form.fields if field.name in draft.state.answers]
    for field in _strict([*latest, *(row for row in filled if row not in latest)]):
        reading = read(field, words, draft.context)
        known = draft.state.answers[field.name].value
        new = reading.kind == "value" and reading.value != known and field.type != "boolean"
        if new and _is_all(field, reading, words):
            offer = Offer(field, reading, "text", first.confidence)
            return Meaning(offers=(offer,) if field in latest else ())
    return None


def _continued(draft: Draft, asked: Field, words: str) -> Reading | None:
    """The rest of a value whose beginning the last turn had: "at five", then "pm"."""
    before = draft.before.last_turn
    if (
        before is None
        or draft.before.field != asked.name
        or not draft.before.misses.get(asked.name)
    ):
        return None
    if read(asked, words, draft.context).kind in ("value", "refused"):
        return None
    heard = draft.before.begun or before.heard
    begun = read(asked, heard, draft.context)
    if begun.kind not in ("candidates", "partial"):
        return None
    whole = read(asked, f"{heard} {words}", draft.context)
    return whole if whole.kind == "value" else None


def _from_rest(draft: Draft, first: Offer) -> list[Offer]:
    """ "tomorrow at five": the date field leaves "at five" to the time field after it, which
    may have to ask which five."""
    offers: list[Offer] = []
    rest = first.reading.rest if first.reading.kind == "value" else ""
    for field in draft.missing():
        if not rest:
            break
        if field == first.field or field.type not in TAKES_REST:
            continue
        reading = read(field, rest, draft.context)
        if reading.kind in ("value", "candidates"):
            offers.append(Offer(field, reading, "text", first.confidence))
            rest = reading.rest
    return offers
