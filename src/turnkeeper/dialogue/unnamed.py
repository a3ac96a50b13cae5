"""Corrections without a name: "no wait, it's friday", "oops, 9875".

Which field is meant, the words have to tell: the one that was filled last goes first, then the only
one of an earlier turn that they are a value of. Types that take any words are corrected by their
name only.
"""

from turnkeeper.dialogue.correct import (
    Correction,
    after_regret,
    new_value,
    without_denied,
    without_pause,
)
from turnkeeper.dialogue.draft import Draft
from turnkeeper.dialogue.meaning import Hypothesis, Meaning
from turnkeeper.dialogue.process import Offer
from turnkeeper.forms.model import Field
from turnkeeper.values import TYPES, Reading, read
from turnkeeper.values.numerals import figures
from turnkeeper.values.utterance import says_nothing, without_carrier, without_fillers

MAX_SECRET_WORDS = 30
"""The longest secret said digit by digit, a card number, has nineteen."""


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


def of_secret(draft: Draft, heard: Hypothesis, correction: Correction) -> Meaning | None:
    """ "no wait, 9875" and "oops, 9875" after a secret: taken for another field's answer it would
    be kept and said. What is nothing but a secret is its new value. What may be meant for the
    asked field as well, or may hold a secret, asks it again; but "no wait, june third 1984" does
    not: a date takes more of it than the secret."""
    secret, asked = secret_just_given(draft), draft.asked()
    is_correction = correction.marked or correction.plain_no
    said = correction.body if is_correction else after_regret(heard.text)
    words = new_value(without_denied(without_pause(said)))
    if secret is None or not words:
        return None
    if correction.plain_no and asked is not None and asked.type == "boolean":
        return None
    reading = _nothing_but(draft, secret, words)
    if reading is not None and not _answers(draft, asked, words):
        return Meaning(offers=(Offer(secret, reading, "text", heard.confidence),))
    part = _part_of(draft, secret, words)
    if reading is None and not (correction.marked or (correction.plain_no and part)):
        return None

    def is_others(part: str) -> bool:
        return _answers(draft, asked, part) or _earlier(draft, heard, part) is not None

    others = is_others(words) and not is_others(part)
    return None if others else Meaning(revisit=secret)


def _answers(draft: Draft, asked: Field | None, words: str) -> bool:
    """Whether they are what was asked for; of a field that takes any words nothing tells."""
    fields = strict([asked] if asked else [])
    return any(read(field, words, draft.context).kind == "value" for field in fields)


def _nothing_but(draft: Draft, field: Field, words: str) -> Reading | None:
    """The value that the words are, each of them: without any one of them it would be another."""
    said = without_carrier(without_fillers(words)).split()
    if not TYPES[field.type].strict or not 0 < len(said) <= MAX_SECRET_WORDS:
        return None
    whole = read(field, words, draft.context)
    less = (" ".join(said[:at] + said[at + 1 :]) for at in range(len(said)))
    counts = (read(field, part, draft.context).value != whole.value for part in less)
    return whole if whole.kind == "value" and all(counts) else None


def _part_of(draft: Draft, secret: Field, words: str) -> str:
    """What of the words may be the secret: digits tell no words that they left."""
    if not TYPES[secret.type].strict:
        return words
    parts = words.split() if secret.type == "digits" else [words]
    return " ".join(part for part in parts if read(secret, part, draft.context).kind != "none")


def unnamed(draft: Draft, heard: Hypothesis, correction: Correction) -> Meaning | None:
    """ "no wait, it's friday": a field that was filled before, if the words are nothing but its
    value. Types that take any words are corrected by their name only."""
    if not (correction.marked or correction.plain_no) or not correction.body:
        return None
    asked = draft.asked()
    if correction.plain_no and asked is not None and asked.type == "boolean":
        return None
    words = new_value(without_denied(without_pause(correction.body)))
    if _clears_up(draft, asked, words):
        return None
    newest = [field for field in strict(latest(draft)) if not field.secret]
    for field in [*newest, *strict([asked] if asked else [])]:
        reading = read(field, words, draft.context)
        if reading.kind == "value" and (field == asked or is_all(field, reading, words)):
            return Meaning(offers=(Offer(field, reading, "text", heard.confidence),))
    return _earlier(draft, heard, words) if correction.marked else None


def _clears_up(draft: Draft, asked: Field | None, words: str) -> bool:
    """Whether the words are a value of the asked field, of which one was heard already and not
    taken: "is that 8:00 AM or 8:00 PM?", "no, half past nine"."""
    if asked is None or not draft.state.misses.get(asked.name):
        return False
    return any(read(field, words, draft.context).kind != "none" for field in strict([asked]))


def _earlier(draft: Draft, heard: Hypothesis, words: str) -> Meaning | None:
    """The only field of an earlier turn that the words are a value of."""
    fields = [field for field in draft.form.fields if field.name in draft.state.answers]
    offers = [
        Offer(field, reading, "text", heard.confidence)
        for field in strict(fields)
        if field.type != "boolean" and not field.secret
        if (reading := read(field, words, draft.context)).kind != "none"
        if is_all(field, reading, words)
    ]
    if len(offers) != 1 or offers[0].reading.kind != "value":
        return None
    return Meaning(offers=tuple(offers))


def is_all(field: Field, reading: Reading, words: str) -> bool:
    """Whether a value is all that was said. A bare number is no choice by its place: it counts
    something."""
    placed = field.type == "choice" and figures(words).strip(" .,!").isdigit()
    return says_nothing(reading.rest) and not placed


def latest(draft: Draft) -> list[Field]:
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


def strict(fields: list[Field]) -> list[Field]:
    return [field for field in fields if TYPES[field.type].strict]
