"""The Temporal SDK's core, which is not Python: its log lines, and the metrics it gives out."""

import logging

from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    OpenTelemetryConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)

from turnkeeper.settings import Settings
from turnkeeper.telemetry.metrics import MetricsConfig, metrics_config, unusable, use_runtime


def setup_core(service: str, settings: Settings) -> None:
    """Sets the core's runtime up; call it before the first connection.

    Raises SettingsError where metrics can't be served or pushed as the settings say.
    """
    metrics = metrics_config(settings)
    telemetry = TelemetryConfig(
        logging=_forwarded(),
        metrics=metrics,
        attach_service_name=False,  # It is always "temporal-core-sdk".
        global_tags={_service_tag(metrics): service},
    )
    try:
        runtime = Runtime(telemetry=telemetry)
    except ValueError as error:
        raise unusable(settings, error) from None
    Runtime.set_default(runtime, error_if_already_set=False)
    use_runtime(runtime, metrics, tenants=settings.metrics_tenant)


def _service_tag(metrics: MetricsConfig | None) -> str:
    return "service.name" if isinstance(metrics, OpenTelemetryConfig) else "service_name"


def _forwarded() -> LoggingConfig:
    """The core's warnings and errors through `logging`: else it writes to standard error by itself.

    Its fields are left out: among them are workflow ids and the text of failures.
    """
    forwarding = LogForwardingConfig(
        logger=logging.getLogger("temporalio.core"),
        append_target_to_name=False,
        prepend_target_on_message=False,
        append_log_fields_to_message=False,
    )
    return LoggingConfig(
        filter=TelemetryFilter(core_level="WARN", other_level="ERROR"), forwarding=forwarding
    )
