"""Logs and traces: one set-up for every process, `setup_telemetry`.

No answer and no person is in either. Log lines carry only the keys of `logs.KEYS` and of a failure
its type and where it happened, never its message; spans carry only what is listed in `traces`.
"""

from turnkeeper.settings import Settings
from turnkeeper.telemetry.core import forward_core_logs
from turnkeeper.telemetry.logs import logger, setup_logs
from turnkeeper.telemetry.traces import exports_traces, setup_traces, tracer, turn_span

__all__ = ["exports_traces", "logger", "setup_telemetry", "tracer", "turn_span"]


def setup_telemetry(service: str, settings: Settings) -> None:
    """Sets up logs and traces for this process; call it once, first thing.

    `service` is OpenTelemetry's service.name, such as `turnkeeper-worker`. Raises SettingsError
    where OTEL_* asks for an exporter that is not installed.
    """
    forward_core_logs()
    setup_logs(settings.log_format, settings.log_level)
    setup_traces(service)
