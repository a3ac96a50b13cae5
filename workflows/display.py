"""What the Temporal UI shows of a session: how it stands, never an answer."""

from temporalio import workflow
from temporalio.common import SearchAttributeKey

from turnkeeper.contract import (
    ATTRIBUTE_FIELD,
    ATTRIBUTE_FORM,
    ATTRIBUTE_STATUS,
    ATTRIBUTE_TENANT,
)
from turnkeeper.session import Session


class Display:
    """Current details and search attributes.

    They change when the status or the asked field does, and not otherwise: each upsert is an
    event in history and an action on the bill.
    """

    def __init__(self, session: Session, tenant: str, *, searchable: bool, renewed: bool) -> None:
        self._session = session
        self._tenant = tenant
        self._searchable = searchable
        self._shown: dict[str, str] = self._attributes() if renewed else {}
        if renewed:  # Search attributes go over continue-as-new, current details do not.
            workflow.set_current_details(details_of(session))

    def refresh(self) -> None:
        """Show what changed since the last time."""
        attributes = self._attributes()
        changed = {k: value for k, value in attributes.items() if self._shown.get(k) != value}
        if not changed:
            return
        workflow.set_current_details(details_of(self._session))
        if self._searchable:
            workflow.upsert_search_attributes(
                [SearchAttributeKey.for_keyword(k).value_set(v) for k, v in changed.items()]
            )
        self._shown = attributes

    def _attributes(self) -> dict[str, str]:
        session = self._session
        return {
            ATTRIBUTE_FORM: session.form.form,
            ATTRIBUTE_TENANT: self._tenant,
            ATTRIBUTE_STATUS: session.dialogue.status,
            ATTRIBUTE_FIELD: (session.dialogue.field if session.is_open else None) or "-",
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
