"""What a session counts, in metrics: once, and not on replay (`workflow.metric_meter` sees to it).

What is decided about a message is counted in the activity that decides (`activities.measuring`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from temporalio import workflow

from turnkeeper.instruments import (
    FINISHED,
    HANDED_OFF,
    HUNG_UP,
    OPENED,
    TURNS,
    Instrument,
    measure,
    outcome_of,
)
from turnkeeper.session import Session

NO_FIELD = "-"


@dataclass(slots=True)
class TurnMeasure:
    """How a turn ended; an error says so by itself."""

    outcome: str = "accepted"


class Measures:
    """The counts of one session. `renewed`: it began in an earlier run, where that was counted."""

    def __init__(self, session: Session, tenant: str, *, renewed: bool) -> None:
        self._session = session
        self._tenant = tenant
        self._status = session.dialogue.status
        self._on_line = session.ledger.is_on_line
        self._opened = renewed

    @contextmanager
    def turn(self) -> Iterator[TurnMeasure]:
        """Counts the turn that the block handles, by its outcome."""
        turn = TurnMeasure()
        try:
            yield turn
        except BaseException as error:
            turn.outcome = outcome_of(error)
            raise
        finally:
            self._count(TURNS, outcome=turn.outcome)

    def refresh(self) -> None:
        """Counts what changed since the last time."""
        session = self._session
        if not self._opened and session.ledger.leg:
            self._opened = True
            self._count(OPENED)
        if session.dialogue.status != self._status:
            self._status = session.dialogue.status
            self._moved()
        on_line, self._on_line = self._on_line, session.ledger.is_on_line
        if on_line and not self._on_line and session.is_open:
            self._count(HUNG_UP, field=self._field)

    def _moved(self) -> None:
        if self._session.is_closed:
            self._count(FINISHED, status=self._status, field=self._field)
        elif self._status == "handed_off":
            self._count(HANDED_OFF, field=self._field)

    @property
    def _field(self) -> str:
        return self._session.dialogue.field or NO_FIELD

    def _count(self, instrument: Instrument, **by: str) -> None:
        meter, form = workflow.metric_meter(), self._session.form.form
        measure(meter, instrument, tenant=self._tenant, form=form, **by)
