"""What the Temporal UI shows of a session: how it stands, never an answer."""

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import SearchAttributeKey

from turnkeeper.contract import (
    ATTRIBUTE_FIELD,
    ATTRIBUTE_FORM,
    ATTRIBUTE_STATUS,
    ATTRIBUTE_TENANT,
    ATTRIBUTE_TRANSPORT,
    searched_transport,
)
from turnkeeper.session import Session

SETTLING = timedelta(minutes=2)
"""How far the asked field in a list of sessions may be behind a caller who is on the line."""


class Display:
    """Current details and search attributes.

    Details change with the status and the asked field, and cost nothing. An upsert of search
    attributes is an event in history, an action on the bill and a write to the visibility store
    (2.4 of a turn's 26 ms on the embedded server), so the asked field of a caller who talks is not
    upserted at each turn: it is when the caller goes, when the status changes, and when it is
    `SETTLING` behind. A call's own id is when it comes in.
    """

    def __init__(
        self, session: Session, tenant: str, *, searchable: bool, transports: bool, renewed: bool
    ) -> None:
        self._session = session
        self._tenant = tenant
        self._searchable = searchable
        self._transports = transports
        self._shown: dict[str, str] = self._attributes() if renewed else {}
        self.due: datetime | None = None
        """When `refresh(settle=True)` is wanted; None when nothing is behind."""
        if renewed:  # Search attributes go over continue-as-new, current details do not.
            workflow.set_current_details(details_of(session))

    def refresh(self, *, settle: bool = False) -> None:
        """Show what changed since the last time; with `settle`, the asked field too."""
        changed = {k: v for k, v in self._attributes().items() if self._shown.get(k) != v}
        if changed:
            workflow.set_current_details(details_of(self._session))
        if changed.keys() == {ATTRIBUTE_FIELD} and not settle:
            self.due = self.due or workflow.now() + SETTLING
            return
        self.due = None
        if changed and self._searchable:
            workflow.upsert_search_attributes(
                [SearchAttributeKey.for_keyword(k).value_set(v) for k, v in changed.items()]
            )
        self._shown |= changed

    def _attributes(self) -> dict[str, str]:
        session = self._session
        transport = searched_transport(session.ledger.transport) if self._transports else ""
        return {
            ATTRIBUTE_FORM: session.form.form,
            ATTRIBUTE_TENANT: self._tenant,
            ATTRIBUTE_STATUS: session.dialogue.status,
            ATTRIBUTE_FIELD: (session.dialogue.field if session.is_open else None) or "-",
            **({ATTRIBUTE_TRANSPORT: transport} if transport else {}),
        }


def details_of(session: Session) -> str:
    """Markdown: form, status, the asked field, and which fields are answered."""
    state = session.dialogue
    rows = [
        f"**{session.form.spoken_title}** (`{session.form.form}`, version {session.form.version})",
        "",
        f"- status: **{state.status}**",
        f"- asked: {f'`{state.field}`' if session.is_open and state.field else 'nothing'}",
        f"- turns: {state.turns}, legs: {session.ledger.leg}",
    ]
    if session.delivery:
        rows.append(f"- delivery: {session.delivery.state}")
    rows += ["", "| field | |", "|---|---|"]
    rows += [f"| `{field.name}` | {_mark(session, field.name)} |" for field in session.form.fields]
    return "\n".join(rows)


def _mark(session: Session, field: str) -> str:
    if field in session.dialogue.answers:
        return "answered"
    return "skipped" if field in session.dialogue.skipped else "open"
