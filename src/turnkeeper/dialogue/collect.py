"""Collect: what an utterance means to the form, before anything is done about it.

The recogniser's hypotheses are tried in order; the first that is a command, a yes or no, or a
value wins, else the first that is nearly one (out of bounds, ambiguous, incomplete).
"""

import re

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
from turnkeeper.dialogue.meaning import Hypothesis, Meaning
from turnkeeper.dialogue.process import Offer
from turnkeeper.dialogue.unnamed import is_all, latest, of_secret, strict, unnamed
from turnkeeper.forms.model import Field, FieldType
from turnkeeper.values import TYPES, Reading, read

MAX_BARE_NUMBER_WORDS = 2
TAKES_REST: frozenset[FieldType] = frozenset({"date", "time", "phone", "email", "postal_code"})
"""Types whose values are told apart from other words: they may take what another field left."""
COUNTED: frozenset[FieldType] = frozenset({"number", "choice"})
"""Types that stand in a sentence about something: what they leave over is rarely an answer."""


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
        or of_secret(draft, heard, correction)
        or unnamed(draft, heard, correction)
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
    newest = {segment.field.name: (segment.field, reading) for segment, reading in kept}
    offers = [Offer(*row, "text", heard.confidence) for row in newest.values()]
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
    an earlier field it is not understood, nor is the no; nor one before "my name is ..."."""
    words = new_value(without_denied(first.reading.rest))
    if not words or _from_rest(draft, first):
        return None
    about = [row.field for row in segments(draft.form.fields, words) if row.firm]
    if any(field != first.field for field in about):
        return Meaning()
    newest = latest(draft)
    filled = [field for field in draft.form.fields if field.name in draft.state.answers]
    for field in strict([*newest, *(row for row in filled if row not in newest)]):
        reading = read(field, words, draft.context)
        known = draft.state.answers[field.name].value
        new = reading.kind == "value" and reading.value != known and field.type != "boolean"
        if new and is_all(field, reading, words):
            offer = Offer(field, reading, "text", first.confidence)
            return Meaning(offers=(offer,) if field in newest else ())
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
    told = first.reading.kind == "value" and first.field.type not in COUNTED
    rest = first.reading.rest if told else ""
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
