"""What the Temporal UI shows of a session: how it stands, and its answers as far as operators go.

Details are the answer to a query, so they are encrypted where sessions are, and are in no history.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from temporalio import workflow
from temporalio.common import SearchAttributeKey

from turnkeeper.contract import (
    ATTRIBUTE_FIELD,
    ATTRIBUTE_FORM,
    ATTRIBUTE_STATUS,
    ATTRIBUTE_TENANT,
    ATTRIBUTE_TRANSPORT,
    Leg,
)
from turnkeeper.dialogue.view import SECRET
from turnkeeper.forms.model import Field
from turnkeeper.session import Session

PERSONAL = "(personal)"
SHOWN_LEGS = 5
SHOWN_CHARACTERS = 80
SETTLING = timedelta(minutes=2)
"""How far the asked field in a list of sessions may be behind a caller who is on the line."""


class Display:
    """Current details and search attributes.

    Details are always those of now, and cost no event. An upsert of search attributes is an event
    in history, an action on the bill and a write to the visibility store (2.4 of a turn's 26 ms on
    the embedded server), so the asked field of a caller who talks is not upserted at each turn: it
    is when the caller goes, when the status changes, and when it is `SETTLING` behind. The key of a
    call's own id is when it comes in.
    """

    def __init__(
        self, session: Session, tenant: str, *, searchable: bool, transports: bool, renewed: bool
    ) -> None:
        self._session = session
        self._tenant = tenant
        self._searchable = searchable
        self._transports = transports
        self._shown: dict[str, str] = _listed(self._attributes()) if renewed else {}
        self.due: datetime | None = None
        """When `refresh(settle=True)` is wanted; None when nothing is behind."""
        if renewed:  # Search attributes go over continue-as-new, current details do not.
            self.refresh()

    def refresh(self, *, settle: bool = False) -> None:
        """Show what changed since the last time; with `settle`, the asked field too."""
        workflow.set_current_details(details_of(self._session))
        changed = {k: v for k, v in self._attributes().items() if self._shown.get(k) != v}
        if changed.keys() == {ATTRIBUTE_FIELD} and not settle:
            at = self._session.dialogue.updated_at or workflow.now()
            self.due = self.due or at + SETTLING
            return
        self.due = None
        if changed and self._searchable:
            workflow.upsert_search_attributes(
                [SearchAttributeKey.for_keyword(k).value_set(v) for k, v in changed.items()]
            )
        self._shown |= changed

    def _attributes(self) -> dict[str, str]:
        session = self._session
        transport = session.ledger.transport if self._transports else ""
        return {
            ATTRIBUTE_FORM: session.form.form,
            ATTRIBUTE_TENANT: self._tenant,
            ATTRIBUTE_STATUS: session.dialogue.status,
            ATTRIBUTE_FIELD: (session.dialogue.field if session.is_open else None) or "-",
            **({ATTRIBUTE_TRANSPORT: transport} if transport else {}),
        }


def _listed(names: Iterable[str]) -> dict[str, str]:
    """What Temporal's list has of these attributes."""
    attributes = workflow.info().typed_search_attributes
    values = {name: attributes.get(SearchAttributeKey.for_keyword(name)) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def details_of(session: Session) -> str:
    """Markdown: form, status, the asked field, the answers, the newest legs."""
    state = session.dialogue
    at = state.last_turn.at if state.last_turn else state.created_at
    rows = [
        f"**{session.form.spoken_title}** (`{session.form.form}`, version {session.form.version})",
        "",
        f"- status: **{state.status}**",
        f"- asked: {f'`{state.field}`' if session.is_open and state.field else 'nothing'}",
        f"- turns: {state.turns}, the last at {_time(at) if at else '-'}",
    ]
    if session.delivery:
        rows.append(f"- delivery: {session.delivery.state} since {_time(session.delivery.since)}")
    rows += ["", "| field | answer |", "|---|---|"]
    rows += [f"| `{field.name}` | {_answer(session, field)} |" for field in session.form.fields]
    rows += ["", "| call | by | from | to |", "|---|---|---|---|"]
    rows += [_row(leg) for leg in reversed(session.ledger.legs[-SHOWN_LEGS:])]
    return "\n".join(rows)


def _answer(session: Session, field: Field) -> str:
    """A secret is never shown; of what is personal only that it is there."""
    answer = session.dialogue.answers.get(field.name)
    if answer is None:
        return "skipped" if field.name in session.dialogue.skipped else ""
    if field.secret:
        return f"`{SECRET}`"
    return PERSONAL if field.personal else _literal(str(answer.value))


def _row(leg: Leg) -> str:
    to = f"{_time(leg.closed_at)}, {_literal(leg.reason)}" if leg.closed_at else "on the line"
    return f"| {leg.number} | {_literal(leg.channel)} | {_time(leg.opened_at)} | {to} |"


def _literal(text: str) -> str:
    """Text that a caller or a client chose, as code: nothing in it is Markdown."""
    plain = "".join(sign if sign.isprintable() and sign not in "`|" else " " for sign in text)
    return f"`{plain[:SHOWN_CHARACTERS]}`" if plain.strip() else "-"


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
