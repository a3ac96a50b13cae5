"""Metrics of a process: fetched by Prometheus, or pushed over OTLP; see `turnkeeper.instruments`.

The Temporal SDK's core does both, for its own metrics and ours alike. It does one of the two: what
is fetched and pushed would be counted twice.

- `TURNKEEPER_METRICS=host:port`: Prometheus fetches them at `http://host:port/metrics`;
- else, `OTEL_EXPORTER_OTLP_ENDPOINT` set: they are pushed there, unless `OTEL_METRICS_EXPORTER` is
  `none`;
- else they are not counted at all, and cost nothing.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from temporalio.client import WorkflowQueryFailedError, WorkflowUpdateFailedError
from temporalio.common import MetricMeter
from temporalio.runtime import OpenTelemetryConfig, PrometheusConfig, Runtime
from temporalio.service import RPCError

from turnkeeper.errors import SettingsError
from turnkeeper.instruments import (
    STORE_UNAVAILABLE,
    Instrument,
    measure,
    outcome_of,
    set_style,
)
from turnkeeper.settings import Settings

MetricsConfig = PrometheusConfig | OpenTelemetryConfig

TURN_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0)
"""Seconds. A turn takes 0.013; a caller waits 0.3 without noticing, and the deadline is 15."""
PUSH_EVERY = "60000"
"""Milliseconds; what OpenTelemetry's specification has for OTEL_METRIC_EXPORT_INTERVAL."""

TASK_BUCKETS = (0.001, 0.0025, *TURN_BUCKETS, 60.0)
"""Seconds. The SDK's own begin at 0.1 for the wait and have none between 1 and 10 ms for a replay:
where all is well, percentiles of those say nothing."""

_BUCKETS = {
    "turnkeeper.turn.duration": TURN_BUCKETS,
    "turnkeeper_turn_duration": TURN_BUCKETS,
    "workflow_task_schedule_to_start_latency": TASK_BUCKETS,
    "workflow_task_execution_latency": TASK_BUCKETS,
    "workflow_task_replay_latency": (0.0001, 0.00025, 0.0005, *TASK_BUCKETS),
}
"""By the end of a metric's name, as the core matches them."""


class _Meter:
    """The process's meter; counts nothing before `use_runtime`."""

    current: MetricMeter = MetricMeter.noop


def metrics_config(settings: Settings) -> MetricsConfig | None:
    """How the settings and OTEL_* want metrics given out; None: not at all."""
    if settings.metrics is not None:
        return PrometheusConfig(
            bind_address=settings.metrics.replace("localhost", "127.0.0.1"),
            counters_total_suffix=True,
            unit_suffix=True,
            durations_as_seconds=True,
            histogram_bucket_overrides=_BUCKETS,
        )
    endpoint = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    if not endpoint or os.environ.get("OTEL_METRICS_EXPORTER") == "none":
        return None
    over_http = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL") != "grpc"
    return OpenTelemetryConfig(
        url=f"{endpoint.rstrip('/')}/v1/metrics" if over_http else endpoint,
        headers=_headers(os.environ.get("OTEL_EXPORTER_OTLP_HEADERS", "")),
        metric_periodicity=_push_every(),
        durations_as_seconds=True,
        http=over_http,
        histogram_bucket_overrides=_BUCKETS,
    )


def _push_every() -> timedelta:
    given = os.environ.get("OTEL_METRIC_EXPORT_INTERVAL") or PUSH_EVERY
    if not given.isdecimal() or int(given) == 0:
        raise SettingsError(
            f"OTEL_METRIC_EXPORT_INTERVAL is {given!r} and must be a number of milliseconds."
        )
    return timedelta(milliseconds=int(given))


def _headers(text: str) -> dict[str, str]:
    """`name=value,name=value`, as OpenTelemetry's specification writes them."""
    pairs = (pair.partition("=") for pair in text.split(",") if "=" in pair)
    return {name.strip(): value.strip() for name, _, value in pairs}


def use_runtime(runtime: Runtime, config: MetricsConfig | None, *, tenants: bool) -> None:
    """Counts in this runtime from now on; with `tenants` by tenant too, where one is known."""
    set_style(dotted=isinstance(config, OpenTelemetryConfig), tenants=tenants)
    _Meter.current = runtime.metric_meter if config is not None else MetricMeter.noop
    # From zero on: Prometheus sees no increase in a series that begins at one.
    count(STORE_UNAVAILABLE, 0)


def unusable(settings: Settings, error: ValueError) -> SettingsError:
    """What to tell a person when the core turns the configuration down."""
    if settings.metrics is None:
        return SettingsError(f"OTEL_EXPORTER_OTLP_ENDPOINT can't be used for metrics: {error}")
    return SettingsError(
        f"TURNKEEPER_METRICS is {settings.metrics!r}, and metrics can't be served there: another"
        " program may have the port; choose another one."
    )


def counts() -> bool:
    """Whether anybody gets this process's metrics."""
    return _Meter.current is not MetricMeter.noop


def count(instrument: Instrument, value: float = 1, /, *, tenant: str = "", **by: str) -> None:
    """`turnkeeper.instruments.measure`, outside workflows."""
    if counts():
        measure(_Meter.current, instrument, value, tenant=tenant, **by)


@contextmanager
def timed(instrument: Instrument, *, tenant: str = "", **by: str) -> Iterator[None]:
    """Records how long the block took, and how it ended: `outcome` is `answered`, or its error's
    (`turnkeeper.instruments.outcome_of`)."""
    began, outcome = time.perf_counter(), "answered"
    try:
        yield
    except BaseException as error:
        outcome = outcome_of(error)
        raise
    finally:
        took = time.perf_counter() - began
        count(instrument, took, tenant=tenant, outcome=outcome, **by)


def failure_kind(error: Exception | None) -> str:
    """The label `kind` of a sending to Temporal that failed."""
    match error:
        case RPCError():
            return error.status.name.lower()
        case RuntimeError():
            return "no_connection"
        case WorkflowUpdateFailedError():
            return "ending"
        case WorkflowQueryFailedError():
            return "query_failed"
    return "timeout"
