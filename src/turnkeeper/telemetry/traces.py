"""Traces: a span a turn, exported where OpenTelemetry's own variables say.

`OTEL_EXPORTER_OTLP_ENDPOINT` set: spans go there over OTLP. `OTEL_TRACES_EXPORTER=console`: they
are printed to standard error. Neither: spans are made, their ids are in the log lines, and nothing
is exported.

The Temporal SDK's own spans name the workflow id, and with it whose session it is; an exception's
message quotes what it choked on. Both are taken out of every span before it leaves the process
(`Cleared`).
"""

import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.baggage import clear
from opentelemetry.context import attach, detach
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    Status,
    StatusCode,
    Tracer,
)
from opentelemetry.util.types import Attributes
from temporalio.contrib.opentelemetry import (
    OpenTelemetryPlugin,
    ReplaySafeTracerProvider,
    create_tracer_provider,
)

from turnkeeper.errors import SettingsError

TURN, OPEN, DECIDE = "turnkeeper.turn", "turnkeeper.open", "turnkeeper.decide"
FORM, FIELD, STATUS = "turnkeeper.form", "turnkeeper.field", "turnkeeper.status"
LEG, EPOCH = "turnkeeper.leg", "turnkeeper.epoch"
"""Which leg of which session: the end of a random run id and a number."""
EXCEPTION = "exception.type"
METHOD, ROUTE = "http.request.method", "http.route"
STATUS_CODE = "http.response.status_code"

ATTRIBUTES: frozenset[str] = frozenset({
    FORM, FIELD, STATUS, LEG, EPOCH, "temporalRunID", "temporalActivityID", EXCEPTION,
    METHOD, ROUTE, STATUS_CODE,
})  # fmt: skip
"""The attributes that leave the process. Left out of the SDK's: `temporalWorkflowID`, and
`temporalUpdateID`, which is random and tells nothing."""

_OTLP = {
    "grpc": "opentelemetry.exporter.otlp.proto.grpc.trace_exporter",
    "http/protobuf": "opentelemetry.exporter.otlp.proto.http.trace_exporter",
}
"""The exporter's module by OTEL_EXPORTER_OTLP_PROTOCOL; the specification's default is
http/protobuf."""


def tracer() -> Tracer:
    """The tracer of all of Turnkeeper's own spans; makes none before `setup_telemetry`."""
    return trace.get_tracer("turnkeeper")


@contextmanager
def turn_span(
    form: str,
    field: str | None = None,
    *,
    name: str = TURN,
    opened_in: SpanContext | None = None,
) -> Iterator[Span]:
    """The span round one turn (or, by `name`, another step of a session): its form and the field
    that was asked, linked to the span in which the leg was opened.

    Set STATUS on it when the reply is there. An exception ends it as an error of that type; the
    message, which may quote the caller, is not recorded.
    """
    with tracer().start_as_current_span(
        name,
        attributes={FORM: form},
        links=[Link(opened_in)] if opened_in is not None and opened_in.is_valid else None,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        if field is not None:
            span.set_attribute(FIELD, field)
        try:
            yield span
        except BaseException as error:
            span.set_attribute(EXCEPTION, type(error).__name__)
            span.set_status(StatusCode.ERROR)
            raise


@contextmanager
def without_baggage() -> Iterator[None]:
    """Within, OpenTelemetry's baggage and trace state are empty: Temporal's headers carry both into
    history in clear, and an agent, or who sent it a request, may have a caller's number in them."""
    bare = NonRecordingSpan(_stateless(trace.get_current_span().get_span_context()))
    attached = attach(trace.set_span_in_context(bare, clear()))
    try:
        yield
    finally:
        detach(attached)


class Cleared(SpanExporter):
    """An exporter that passes on only what no answer and no person can be in."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._exporter.export([_cleared(span) for span in spans])

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def _cleared(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=_stateless(span.context),
        parent=_stateless(span.parent) if span.parent else None,
        resource=span.resource,
        attributes=_listed(span.attributes),
        events=[Event(event.name, _listed(event.attributes), event.timestamp)
                for event in span.events],
        links=[Link(_stateless(link.context), _listed(link.attributes)) for link in span.links],
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )  # fmt: skip


def _stateless(context: SpanContext) -> SpanContext:
    """The same span without what tracing elsewhere added to it (Trace Context's `tracestate`)."""
    return SpanContext(context.trace_id, context.span_id, context.is_remote, context.trace_flags)


def _listed(attributes: Attributes) -> Attributes:
    return {key: value for key, value in (attributes or {}).items() if key in ATTRIBUTES}


def setup_traces(service: str, exporter: SpanExporter | None = None) -> ReplaySafeTracerProvider:
    """Makes the process's tracer provider, or adds an exporter to the one that it made before.

    `exporter` (for tests) goes before the environment's. The provider is the SDK's replay-safe one:
    spans opened in workflow code are not repeated when a session is replayed.
    """
    provider = trace.get_tracer_provider()
    if not isinstance(provider, ReplaySafeTracerProvider):
        provider = create_tracer_provider(resource=Resource.create({SERVICE_NAME: service}))
        trace.set_tracer_provider(provider)
    if exporter is not None:
        provider.add_span_processor(SimpleSpanProcessor(Cleared(exporter)))
        _exporters.append(exporter)
    elif (chosen := _exporter()) is not None:
        provider.add_span_processor(BatchSpanProcessor(Cleared(chosen)))
        _exporters.append(chosen)
    return provider


_exporters: list[SpanExporter] = []
"""Of this process, as its tracer provider is."""


def exports_traces() -> bool:
    """Whether spans go anywhere: Temporal's own cost a worker 2 ms a turn, so it makes none for
    nobody."""
    return bool(_exporters)


def tracing() -> list[OpenTelemetryPlugin]:
    """The plugins of a client whose spans go anywhere; its workers have them from it."""
    return [OpenTelemetryPlugin(add_temporal_spans=True)] if exports_traces() else []


def _exporter() -> SpanExporter | None:
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return _otlp_exporter(os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL") or "http/protobuf")
    if os.environ.get("OTEL_TRACES_EXPORTER") == "console":
        return ConsoleSpanExporter(out=sys.stderr)
    return None


def _otlp_exporter(protocol: str) -> SpanExporter:
    if protocol not in _OTLP:
        raise SettingsError(
            f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol!r} and must be {' or '.join(_OTLP)}."
        )
    try:
        module = importlib.import_module(_OTLP[protocol])
    except ImportError:
        package = f"opentelemetry-exporter-otlp-proto-{protocol.split('/')[0]}"
        raise SettingsError(
            f"OTEL_EXPORTER_OTLP_ENDPOINT is set, but the exporter is not installed: install"
            f" {package}, or unset the variable."
        ) from None
    exporter: SpanExporter = module.OTLPSpanExporter()
    return exporter
