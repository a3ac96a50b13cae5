"""The corpora's dialogues as sessions that anything taking turns can be driven through.

    caller = Caller(session)
    reply = connect()
    while (turn := caller.next(reply)) is not None:
        reply = send(**turn)
    assert final_answers == session.final

`turn` has the keyword arguments of a `Turn`: `text`, `answers` or `event`. The caller looks at the
reply as a person does: it says yes only to the read-back of what it wants, and skips an optional
question that the recorded caller was never asked.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.corpora.corpus import corpora, json_lines
from turnkeeper.contract import Reply
from turnkeeper.forms.model import Choice, Field, FieldType, Form, Scalar
from turnkeeper.values import Context

_TYPES: dict[str, FieldType] = {"currency": "number", "person_name": "name", "name": "text"}
"""The corpora's names for types, where they differ from ours: their `name` is of a salon, too."""
MAX_SKIPS = 20


@dataclass(frozen=True)
class Exchange:
    """What the recorded caller said in one go, and what it meant by the annotation."""

    words: str
    nbest: tuple[str, ...]
    asked: tuple[str, ...]
    answers: dict[str, Scalar | None]
    """Normal forms; None where the caller did not care."""
    surfaces: dict[str, str]
    """The words that each answer came from."""
    agrees: bool | None
    """Yes or no to a read-back; None where there was none."""


@dataclass(frozen=True)
class Session:
    """One recorded dialogue."""

    id: str
    form: Form
    now: datetime
    prefill: dict[str, Scalar | None]
    exchanges: tuple[Exchange, ...]
    final: dict[str, Scalar | None]

    @property
    def context(self) -> Context:
        return Context(self.now, self.form.region or "US", self.form.language)


def sgd(count: int | None = None, seed: int = 0) -> list[Session]:
    """The 2,062 written dialogues over many forms, or `count` of them drawn with `seed`."""
    return _load("sgd", "US", count, seed)


def evi(count: int | None = None, seed: int = 0) -> list[Session]:
    """The 696 telephone calls: postcode, name and date of birth, three attempts each."""
    return _load("evi", "GB", count, seed)


def _load(name: str, region: str, count: int | None, seed: int) -> list[Session]:
    folder = corpora() / "dialogs"
    forms = _forms(folder, region)
    records = list(json_lines(folder / f"{name}.jsonl.gz"))
    if count is not None:
        records = random.Random(seed).sample(records, count)
    return [_session(record, forms) for record in records]


def _forms(folder: Path, region: str) -> dict[str, Form]:
    definitions = json.loads((folder / "forms.json").read_text(encoding="utf-8"))
    return {key: _form(key, definition, region) for key, definition in definitions.items()}


def _form(key: str, definition: Any, region: str) -> Form:
    return Form(
        form=key.replace("/", "_").lower(),
        title=definition["title"],
        region=region,
        fields=tuple(_field(field) for field in definition["fields"]),
    )


def _field(field: Any) -> Field:
    """Defaults are left out: an answer that nobody gave is not in a record's final form."""
    return Field(
        name=field["name"],
        type=_TYPES.get(field["type"], field["type"]),
        prompt=(field["prompt"],),
        required=field["required"],
        choices=tuple(Choice(value=value) for value in field.get("options") or ()),
    )


def _session(record: Any, forms: dict[str, Form]) -> Session:
    form = forms[record["form"]]
    day = record["ref"] or "2021-06-01"
    now = datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC)
    context = Context(now, form.region or "US", form.language)

    def normal(values: dict[str, str]) -> dict[str, Scalar | None]:
        return {name: _normal(form, name, value, context) for name, value in values.items()}

    return Session(
        id=record["id"],
        form=form,
        now=now,
        prefill=normal(record["prefill"]),
        exchanges=tuple(_exchange(turn, normal) for turn in record["turns"]),
        final=normal(record["final"]),
    )


def _exchange(turn: Any, normal: Any) -> Exchange:
    fill = turn["fill"]
    acts = set(turn["acts"])
    agrees = "AFFIRM" in acts if acts & {"AFFIRM", "NEGATE"} and "conf" in turn else None
    return Exchange(
        words=turn["u"],
        nbest=tuple(turn.get("nb", ())),
        asked=tuple(turn["ask"]),
        answers=normal({**turn.get("host", {}), **{k: value for k, (_, value) in fill.items()}}),
        surfaces={name: surface for name, (surface, _) in fill.items()},
        agrees=agrees,
    )


def _normal(form: Form, name: str, value: str, context: Context) -> Scalar | None:
    """The annotation's value in our normal form; text but for numbers and booleans."""
    if value == "dontcare":
        return None
    field = form.field(name)
    kind = field.type if field else "text"
    if kind == "boolean":
        return value == "True"
    if kind == "number":
        number = float(value)
        return int(number) if number.is_integer() else number
    return value


class Caller:
    """Says what the recorded caller meant, turn by turn, until the form is submitted."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._rest = list(session.exchanges)
        self._started = False
        self._skips = 0

    def next(self, reply: Reply) -> dict[str, Any] | None:
        """The next turn, given the reply to the last one; None when all is said."""
        if reply.next != "listen":
            return None
        if not self._started:
            self._started = True
            if self._session.prefill:
                return {"answers": self._session.prefill}
        while self._rest:
            turn = self._said(self._rest[0], reply)
            if turn is not None:
                return turn
        return self._closing(reply)

    def _said(self, exchange: Exchange, reply: Reply) -> dict[str, Any] | None:
        """This exchange as a turn; None where it says nothing about the form."""
        if exchange.agrees is not None and self._should_skip(reply):
            self._skips += 1
            return {"event": "skip"}
        self._rest.pop(0)
        if exchange.answers:
            return {"text": exchange.words, "answers": exchange.answers}
        if exchange.agrees is None or reply.confirming is None:
            return None
        if exchange.agrees and any(later.answers for later in self._rest):
            return None  # The recorded host failed after this yes, and the form went on.
        return {"text": "yes" if exchange.agrees else "no"}

    def _closing(self, reply: Reply) -> dict[str, Any] | None:
        if self._should_skip(reply):
            self._skips += 1
            return {"event": "skip"}
        return None

    def _should_skip(self, reply: Reply) -> bool:
        """Whether an optional field is asked that the recorded caller did not fill."""
        field = self._session.form.field(reply.field or "")
        return field is not None and not field.required and self._skips < MAX_SKIPS


def oracle_mismatches(session: Session, answers: dict[str, Scalar]) -> Iterator[str]:
    """The names of the fields whose answer is not the recorded one."""
    for name in {*answers, *session.final}:
        if answers.get(name) != session.final.get(name):
            yield name
