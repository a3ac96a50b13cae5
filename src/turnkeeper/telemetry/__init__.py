"""Logs, metrics and traces: one set-up for every process, `setup_telemetry`.

No answer and no person is in any. Log lines carry only the keys of `logs.KEYS` and of a failure
its type and where it happened, never its message; spans carry only what is listed in `traces`,
metrics only the labels of `turnkeeper.instruments`.
"""

from turnkeeper.settings import Settings
from turnkeeper.telemetry.core import setup_core
from turnkeeper.telemetry.logs import logger, setup_logs
from turnkeeper.telemetry.traces import exports_traces, setup_traces, tracer, turn_span

__all__ = ["exports_traces", "logger", "setup_telemetry", "tracer", "turn_span"]


def setup_telemetry(service: str, settings: Settings) -> None:
    """Sets up logs, metrics and traces for this process; call it once, first thing.

    `service` is OpenTelemetry's service.name, such as `turnkeeper-worker`. Raises SettingsError
    where OTEL_* asks for an exporter that is not installed, or metrics can't be served at the
    address of `TURNKEEPER_METRICS`.
    """
    setup_logs(settings.log_format, settings.log_level)
    setup_core(service, settings)
    setup_traces(service)
