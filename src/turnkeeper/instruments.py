"""Every metric, as one table: what is measured, in what unit, by which labels.

Data and three small functions, so that workflow code can use it: there the meter is
`workflow.metric_meter()`, which is silent on replay, elsewhere `turnkeeper.telemetry.metrics`. The
meters are those of the Temporal SDK's core, which counts in Rust and gives its own metrics and ours
out together.

No label names a session or a person. Forms, fields and statuses are few and known beforehand.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from turnkeeper.errors import SessionClosed, StoreUnavailable, SupersededLeg, TurnConflict

if TYPE_CHECKING:
    from temporalio.common import MetricMeter

Kind = Literal["counter", "gauge", "histogram"]
_PROMETHEUS_UNITS = {"s": "seconds"}


@dataclass(frozen=True, slots=True)
class Instrument:
    """One metric. `name` and `unit` are OpenTelemetry's (UCUM); a unit in braces is a comment."""

    name: str
    kind: Kind
    unit: str
    about: str
    labels: tuple[str, ...] = ()
    process: Literal["worker", "client", "both"] = "worker"
    """Who has it: workers, or clients such as the gateway and agents."""

    @property
    def series(self) -> str:
        """Its name in Prometheus; a histogram's series have `_bucket`, `_sum`, `_count` behind."""
        unit = _PROMETHEUS_UNITS.get(self.unit)
        total = "total" if self.kind == "counter" else None
        return "_".join(filter(None, (self.name.replace(".", "_"), unit, total)))


TURN_DURATION = Instrument(
    "turnkeeper.turn.duration", "histogram", "s",
    "From a turn's arrival at the client or gateway to its reply, which is in history by then.",
    ("form", "outcome"), "client",
)  # fmt: skip
STORE_ERRORS = Instrument(
    "turnkeeper.store.errors", "counter", "{error}",
    "Sendings to Temporal that failed and were tried again: a status of gRPC, `timeout`, "
    "`no_connection`, `query_failed`, `ending` (the session went on to a new run).",
    ("kind",), "client",
)  # fmt: skip
STORE_UNAVAILABLE = Instrument(
    "turnkeeper.store.unavailable", "counter", "{message}",
    "Messages that ended as StoreUnavailable.", (), "client",
)  # fmt: skip
CODEC_ERRORS = Instrument(
    "turnkeeper.codec.errors", "counter", "{error}",
    "Content that could not be encrypted or decrypted, by the error's type.",
    ("kind",), "both",
)  # fmt: skip
RESTORES = Instrument(
    "turnkeeper.restores", "counter", "{leg}",
    "Legs that were opened: onto answers (`hit`), onto answers begun long ago (`stale`), onto none "
    "(`miss`), or refused since the session is being erased (`erased`, by clients).",
    ("form", "outcome"), "both",
)  # fmt: skip
TURNS = Instrument(
    "turnkeeper.turns", "counter", "{turn}",
    "Turns that reached a session: `accepted`, `duplicate`, `superseded`, `conflict`, `closed`, "
    "`error`.",
    ("form", "outcome"),
)  # fmt: skip
OPENED = Instrument(
    "turnkeeper.sessions.opened", "counter", "{session}", "Sessions that began.", ("form",)
)
FINISHED = Instrument(
    "turnkeeper.sessions.finished", "counter", "{session}",
    "Sessions that ended, by their status and the field that was asked then.",
    ("form", "status", "field"),
)  # fmt: skip
HANDED_OFF = Instrument(
    "turnkeeper.sessions.handed_off", "counter", "{session}",
    "Hand-offs to a person, by the field that was asked.", ("form", "field"),
)  # fmt: skip
HUNG_UP = Instrument(
    "turnkeeper.legs.hung_up", "counter", "{leg}",
    "Legs that ended while the form was open, by the field that was asked.", ("form", "field"),
)  # fmt: skip
ASKED = Instrument(
    "turnkeeper.fields.asked", "counter", "{question}",
    "Fields that were asked; a reprompt is not counted again.", ("form", "field"),
)  # fmt: skip
ANSWERS = Instrument(
    "turnkeeper.fields.answered", "counter", "{answer}",
    "Answers that were taken; corrections are answers too.", ("form", "field", "source"),
)  # fmt: skip
REPROMPTS = Instrument(
    "turnkeeper.fields.reprompted", "counter", "{reprompt}",
    "Questions that led to no answer: `noinput`, `nomatch`, or `refused` (a value that the field "
    "does not take). Of a question that is no field's prompt the field is `?` and its kind.",
    ("form", "field", "reason"),
)  # fmt: skip
DELIVERIES = Instrument(
    "turnkeeper.delivery.attempts", "counter", "{attempt}",
    "Attempts to send a form: `delivered`, `refused` (final), `failed` (tried again).",
    ("form", "outcome"),
)  # fmt: skip
OPEN_SESSIONS = Instrument(
    "turnkeeper.sessions.open", "gauge", "{session}",
    "Sessions that run, by status; counted by each worker every 30 s.", ("status",),
)  # fmt: skip
STALE_SESSIONS = Instrument(
    "turnkeeper.sessions.stale", "gauge", "{session}",
    "Sessions that began over a day ago and are not submitted; counted as the open ones.",
)  # fmt: skip
OLDEST_DELIVERY = Instrument(
    "turnkeeper.delivery.oldest.age", "gauge", "s",
    "Age of the oldest form that was submitted and not delivered; 0 when there is none.",
)  # fmt: skip

INSTRUMENTS = (
    TURN_DURATION, TURNS, RESTORES, OPENED, FINISHED, HANDED_OFF, HUNG_UP, OPEN_SESSIONS,
    STALE_SESSIONS, ASKED, ANSWERS, REPROMPTS, DELIVERIES, OLDEST_DELIVERY, STORE_ERRORS,
    STORE_UNAVAILABLE, CODEC_ERRORS,
)  # fmt: skip

_OUTCOMES: dict[type[BaseException], str] = {
    SupersededLeg: "superseded",
    TurnConflict: "conflict",
    SessionClosed: "closed",
    StoreUnavailable: "unavailable",
}


def outcome_of(error: BaseException) -> str:
    """The label `outcome` of a turn that ended so."""
    return _OUTCOMES.get(type(error), "error")


@dataclass(slots=True)
class _Style:
    dotted: bool = False
    tenants: bool = False


_style = _Style()


def set_style(*, dotted: bool, tenants: bool) -> None:
    """Of this process: OpenTelemetry's names and units (`dotted`) or Prometheus' (the core drops a
    metric with a dot in its name without a word, measured); whether metrics name tenants."""
    _style.dotted, _style.tenants = dotted, tenants


def measure(
    meter: "MetricMeter",
    instrument: Instrument,
    value: float = 1,
    /,
    *,
    tenant: str = "",
    **by: str,
) -> None:
    """Adds to a counter, sets a gauge, records in a histogram.

    Args:
        meter: the workflow's or the process's.
        instrument: what is measured.
        value: in the instrument's unit.
        tenant: whose it is: a label where the setting says so, where it is known.
        by: the other labels' values.
    """
    labels = {**by, "tenant": tenant} if _style.tenants and tenant else by
    name, unit = _spelled(instrument)
    if instrument.kind == "counter":
        meter.create_counter(name, instrument.about, unit).add(int(value), labels)
    elif instrument.kind == "gauge":
        meter.create_gauge_float(name, instrument.about, unit).set(value, labels)
    else:
        meter.create_histogram_float(name, instrument.about, unit).record(value, labels)


def _spelled(instrument: Instrument) -> tuple[str, str | None]:
    """Name and unit for the meter. Serving Prometheus, the core adds unit and total to names by
    itself, but of a gauge."""
    if _style.dotted:
        return instrument.name, instrument.unit
    if instrument.kind == "gauge":
        return instrument.series, None
    return instrument.name.replace(".", "_"), _PROMETHEUS_UNITS.get(instrument.unit)
