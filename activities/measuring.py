"""What is said of a decision: a log line, and in metrics the funnel of a form.

Said where it is decided, so once and not on replay. (A worker that is killed between deciding and
recording decides again, and says it twice.)
"""

from activities.contract import Decide
from turnkeeper.dialogue.events import Asked, Decision, Event, Filled, Missed, Questioned, Refused
from turnkeeper.forms.model import Form
from turnkeeper.instruments import ANSWERS, ASKED, REPROMPTS, RESTORES, Instrument
from turnkeeper.security.identity import tenant_of
from turnkeeper.telemetry import logger
from turnkeeper.telemetry.metrics import count, counts

Counted = tuple[Instrument, dict[str, str]]

_log = logger(__name__)


def log_decision(form: Form, given: Decide, decision: Decision, run_id: str) -> None:
    """One line for a message: what it was and how the session stands, and not what was said."""
    message, reply = given.message, decision.reply
    of_turn = {"epoch": message.epoch, "leg": message.leg} if message.kind == "turn" else {}
    _log.info(
        "a message was decided",
        event_kind=message.kind,
        form=form.form,
        field=reply.field,
        status=reply.status,
        turn=given.state.turns + (message.kind == "turn"),
        run_id=run_id,
        **of_turn,
    )


def log_migration(old: Form, new: Form, events: tuple[Event, ...], run_id: str) -> None:
    """One line for a session that goes by another version of its form from now on."""
    if events:
        _log.info(
            "a session was migrated",
            form=new.form,
            from_version=old.version,
            form_version=new.version,
            run_id=run_id,
        )


def measure_decision(form: Form, given: Decide, decision: Decision, session_id: str) -> None:
    """Counts what was decided about a message of a session."""
    if not counts():
        return
    tenant = tenant_of(session_id)
    if given.message.kind == "connect":
        count(RESTORES, tenant=tenant, form=form.form, outcome=_restored(given, decision))
    for event in decision.events:
        if counted := _counted(event):
            instrument, labels = counted
            count(instrument, tenant=tenant, form=form.form, **labels)


def _restored(given: Decide, decision: Decision) -> str:
    """Whether answers were there, by what the caller's form was before the leg."""
    if not given.state.answers:
        return "miss"
    asks_whether_to_go_on = any(
        isinstance(event, Questioned) and event.question.kind == "stale"
        for event in decision.events
    )
    return "stale" if asks_whether_to_go_on else "hit"


def _counted(event: Event) -> Counted | None:
    match event:
        case Asked(field=str(field)):
            return ASKED, {"field": field}
        case Filled(field=field, answer=answer):
            return ANSWERS, {"field": field, "source": answer.source}
        case Missed(about=about, how=how):
            return REPROMPTS, {"field": about, "reason": how}
        case Refused(field=field):
            return REPROMPTS, {"field": field, "reason": "refused"}
    return None
