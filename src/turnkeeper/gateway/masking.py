"""What stands for a caller's secrets in a decoded payload.

A payload is JSON of one of our messages. In one of a session whose form has a secret field

- a secret field's value is masked by where it stands: under the field's name wherever that is a key
  (answers, what was recorded, a delivery), and beside `field` where that names it;
- so is all that a caller said or keyed, since a secret may come before anybody asked for it, or be
  refused, and so are digests of it, which for a few digits are as good as these;
- where answers stand, only those of the form's other fields are shown, of any type: what a program
  sent under a name that no field has may be the secret;
- of all other text only what is known to hold none is shown: the keys in `SHOWN`, and the form's
  other fields. A key that a later release adds is masked until it stands here.

Where it is not known what is secret, no answer is shown at all, nor what tells a caller of one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from turnkeeper.dialogue.view import SECRET

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

WORDS = frozenset({"text", "dtmf", "alternatives", "heard", "words", "begun", "content"})
"""Where a message has what a caller said or keyed, or the digest of it (`LedgerRecord.content`)."""
_BESIDE_FIELD = frozenset({"answer", "value"})
"""What holds the value of the field that is named beside it (`events.Filled`, `state.Question`,
`contract.Confirming`)."""
_BY_FIELD = frozenset({
    "answers", "denied", "discarded", "form_answers", "put_aside", "recorded", "shelved",
})  # fmt: skip
"""What holds answers by their fields' names, or these names (`TranscriptEntry.recorded`)."""
_OF_ANSWER = frozenset({"source", "turn", "value"})
"""What is shown of a `state.Answer`."""
_TELLING = frozenset({"detail", "heard_until", "message", "said", "say", "trail"})
"""What speaks of answers: of secret ones it says nothing, so that it may be shown where it is known
that these are."""
_KEYED_BY_DIGESTS = "replies"

SHOWN = frozenset({
    # a form
    "abandon_after", "after", "again", "again_after", "authorization", "choices", "confirm",
    "default", "expire_after", "form", "give_up_after", "goodbye", "greeting", "hand_off", "help",
    "keep_for", "label", "language", "max", "min", "name", "pattern", "policy", "prompt", "region",
    "migrates_from", "synonyms", "timezone", "title", "type", "url", "verify", "version",
    "welcome_back", "when",
    # what was asked and told, and how it went
    "about", "code", "detail", "error", "event", "field", "form_version", "heard_until", "how",
    "from_version", "kind", "last_filled", "message", "next", "reason", "removed", "restored",
    "revisit", "said", "say", "skipped", "source", "state", "status", "to_version", "trail",
    "transfer_to", "value",
    # names and times
    "activity_id", "activity_type", "at", "channel", "closed_at", "connect_id", "created_at",
    "ended_at", "epoch", "failed_at", "idempotency_key", "newest", "now", "opened_at", "request_id",
    "requests", "run_id", "runs", "session_id", "settles_in", "shut_until", "since", "submitted_at",
    "tenant", "transport", "transport_id", "transport_key", "ttl", "updated_at", "utterance_id",
    "utterances",
})  # fmt: skip
"""Where a message has text that is never a caller's own."""


@dataclass(frozen=True, slots=True)
class FieldNames:
    """A form's fields, by name."""

    secret: frozenset[str]
    other: frozenset[str]


def masked(value: Json, fields: FieldNames | None) -> Json:
    """The same without what is secret.

    Args:
        fields: of the form; None where it is not known, which hides every answer.
    """
    if fields is not None and not fields.secret:
        return value
    return _Mask(fields).of(value, "status")


class _Mask:
    """Masks what one session stored."""

    def __init__(self, fields: FieldNames | None) -> None:
        self._known = fields is not None
        self._secret = fields.secret if fields else _BY_FIELD | _BESIDE_FIELD
        self._other = fields.other if fields else frozenset[str]()
        self._shown = (SHOWN | fields.other) - WORDS if fields else SHOWN - _TELLING

    def of(self, value: Json, key: str) -> Json:
        """A value that stands under `key`; a list's items stand where the list does."""
        match value:
            case dict():
                return self._of_object(value, key)
            case list():
                return [self.of(item, key) for item in value]
            case str() if value and key not in self._shown:
                return SECRET
        return value

    def _of_object(self, value: dict[str, Json], key: str) -> Json:
        if key == _KEYED_BY_DIGESTS:
            return [self.of(item, key) for item in value.values()]
        return {name: self._item(item, name, value) for name, item in value.items()}

    def _item(self, item: Json, name: str, owner: Mapping[str, Json]) -> Json:
        if name == "text" and owner.get("kind") == "said" and self._known:
            return item  # What a caller was told.
        if name in self._secret or name in WORDS:
            return _hidden(item)
        if name in _BY_FIELD:
            return self._by_field(item)
        if name in _BESIDE_FIELD and "field" in owner:  # A choice of the form has a `value`, too.
            return self._answer(item) if self._is_shown(owner["field"]) else _hidden(item)
        return self.of(item, name)

    def _is_shown(self, field: Json) -> bool:
        return isinstance(field, str) and field in self._other

    def _by_field(self, value: Json) -> Json:
        """Answers by field, a list of such, or fields' names."""
        match value:
            case dict():
                return dict(self._answer_of(name, item) for name, item in value.items())
            case list():
                return [self._by_field(item) for item in value]
            case str() if value in self._other or value in self._secret:
                return value
        return _hidden(value)

    def _answer_of(self, name: str, item: Json) -> tuple[str, Json]:
        if name in self._other:
            return name, self._answer(item)
        return name if name in self._secret else SECRET, _hidden(item)

    def _answer(self, item: Json) -> Json:
        """A field's value or values, or an `Answer`: without the words that it was heard in."""
        match item:
            case dict():
                return {
                    name: part if name in _OF_ANSWER and _is_scalar(part) else _hidden(part)
                    for name, part in item.items()
                }
            case list():
                return [self._answer(one) for one in item]
        return item


def _is_scalar(item: Json) -> bool:
    return not isinstance(item, (dict, list))


def _hidden(item: Json) -> Json:
    return SECRET if _holds(item) else item


def _holds(item: Json) -> bool:
    """Whether there is anything to hide; `False` and 0 are answers."""
    return item is not None and item not in ("", [], {})
