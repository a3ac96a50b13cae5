"""Spans of requests: FastAPI's own, in the trace of whoever sent them (W3C Trace Context).

A request is one server span, named by method and route. A WebSocket or an event stream has none: it
is a call, and each of a call's turns is a trace of its own.
"""

from collections.abc import MutableMapping
from typing import Any

from fastapi.telemetry import TelemetryConfig

from turnkeeper.gateway import health
from turnkeeper.telemetry import exports_traces


def telemetry() -> TelemetryConfig:
    """What an app is made with. Spans only where they go anywhere; no log records, which would
    quote what was sent; no metrics: `turnkeeper.instruments` has ours."""
    return TelemetryConfig(
        tracing=exports_traces(),
        metrics=False,
        logs=False,
        operation_spans=False,
        auto_configure=False,
        exclude=_makes_no_span,
    )


def _makes_no_span(scope: MutableMapping[str, Any]) -> bool:
    """Of a call, and of those who watch the process."""
    path = str(scope["path"])
    return scope["type"] == "websocket" or path.endswith((*health.PATHS, "/events"))
