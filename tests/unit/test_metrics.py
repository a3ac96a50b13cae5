"""Metrics: one table of instruments, given out in each way by the names of that way."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from temporalio.runtime import OpenTelemetryConfig, PrometheusConfig

from turnkeeper.errors import (
    SessionClosed,
    SettingsError,
    StoreUnavailable,
    SupersededLeg,
    TurnConflict,
    TurnFailed,
)
from turnkeeper.instruments import INSTRUMENTS, Instrument, outcome_of
from turnkeeper.settings import read_settings
from turnkeeper.telemetry.metrics import metrics_config

SERVE = """
import socket, urllib.request
from turnkeeper.instruments import INSTRUMENTS
from turnkeeper.settings import read_settings
from turnkeeper.telemetry import setup_telemetry
from turnkeeper.telemetry.metrics import count
with socket.create_server(("127.0.0.1", 0)) as free:
    address = "127.0.0.1:%d" % free.getsockname()[1]
setup_telemetry("turnkeeper-test", read_settings(metrics=address, metrics_tenant={tenants}))
for instrument in INSTRUMENTS:
    count(instrument, 1, tenant="acme", **dict.fromkeys(instrument.labels, "x"))
print(urllib.request.urlopen("http://%s/metrics" % address).read().decode())
"""


PUSH = """
import time
from turnkeeper.instruments import INSTRUMENTS
from turnkeeper.settings import read_settings
from turnkeeper.telemetry.core import setup_core
from turnkeeper.telemetry.metrics import count
setup_core("turnkeeper-test", read_settings())
for instrument in INSTRUMENTS:
    count(instrument, 1, tenant="acme", **dict.fromkeys(instrument.labels, "x"))
time.sleep(30)
"""


def served(*, tenants: bool = False) -> str:
    """What Prometheus gets of a process that counted one of everything."""
    code = textwrap.dedent(SERVE).replace("{tenants}", str(tenants))
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return ran.stdout


@pytest.fixture(scope="module")
def page() -> str:
    return served()


@pytest.fixture(autouse=True)
def no_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=lambda one: one.name)
def test_each_instrument_is_served_under_the_name_that_the_table_says(
    page: str, instrument: Instrument
) -> None:
    assert f"# TYPE {instrument.series} {instrument.kind}\n" in page


def test_a_metric_names_the_service_and_no_tenant_unless_it_is_set(page: str) -> None:
    assert 'service_name="turnkeeper-test"' in page
    assert "tenant" not in re.sub(r"^#.*$", "", page, flags=re.MULTILINE)
    assert 'tenant="acme"' in served(tenants=True)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_what_is_served_is_what_prometheus_calls_good_metrics(page: str) -> None:
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=page, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_names_are_opentelemetrys_and_each_instrument_has_its_own() -> None:
    names = [instrument.name for instrument in INSTRUMENTS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"turnkeeper(\.[a-z_]+)+", name) for name in names)


def test_no_label_can_name_a_session_or_a_person() -> None:
    labels = {label for instrument in INSTRUMENTS for label in instrument.labels}
    assert labels == {"form", "field", "status", "outcome", "source", "reason", "kind"}


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (SupersededLeg("x"), "superseded"),
        (TurnConflict("x"), "conflict"),
        (SessionClosed("x"), "closed"),
        (StoreUnavailable("x"), "unavailable"),
        (TurnFailed("x"), "error"),
    ],
)
def test_a_turn_that_fails_is_counted_by_why(error: Exception, outcome: str) -> None:
    assert outcome_of(error) == outcome


def test_nothing_is_counted_for_nobody() -> None:
    assert metrics_config(read_settings()) is None


def test_metrics_are_pushed_where_opentelemetrys_variables_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=a=b, x-other=c")
    config = metrics_config(read_settings())
    assert isinstance(config, OpenTelemetryConfig)
    assert config.url == "http://collector:4318/v1/metrics"
    assert config.http
    assert config.headers == {"x-key": "a=b", "x-other": "c"}


def test_they_are_not_pushed_when_the_metrics_exporter_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    assert metrics_config(read_settings()) is None


def test_what_is_fetched_is_not_pushed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")
    assert isinstance(metrics_config(read_settings(metrics="localhost:9464")), PrometheusConfig)


def test_an_address_that_is_none_is_one_sentence() -> None:
    with pytest.raises(SettingsError, match=r"--metrics is '9464' and must be an IP address and a"):
        read_settings(metrics="9464")


def test_a_port_that_is_taken_is_one_sentence() -> None:
    code = SERVE[: SERVE.index("with socket")] + textwrap.dedent("""
        taken = socket.create_server(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        try:
            setup_telemetry("turnkeeper-test", read_settings(metrics=address))
        except Exception as error:
            print(type(error).__name__, error)
    """)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert re.match(
        r"SettingsError TURNKEEPER_METRICS is '127\.0\.0\.1:\d+', and metrics can't be served"
        r" there: another program may have the port; choose another one\.\n",
        ran.stdout,
    )


class Collector(ThreadingHTTPServer):
    """What an OTLP collector would have got, in order."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receiving)
        self.requests: Queue[tuple[str, ExportMetricsServiceRequest]] = Queue()


class _Receiving(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if isinstance(self.server, Collector):
            received = ExportMetricsServiceRequest.FromString(body)
            self.server.requests.put((self.path, received))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Standard error is the test's own."""


def test_a_collector_gets_opentelemetrys_names_and_units() -> None:
    with Collector() as collector:
        Thread(target=collector.serve_forever, daemon=True).start()
        environment = {
            **os.environ,
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
            "OTEL_METRIC_EXPORT_INTERVAL": "200",
        }
        with subprocess.Popen([sys.executable, "-c", PUSH], env=environment) as pushing:
            got: dict[str, str] = {}
            try:
                while got != {one.name: one.unit for one in INSTRUMENTS}:
                    path, request = collector.requests.get(timeout=20)
                    [of_process] = request.resource_metrics
                    metrics = [one for scope in of_process.scope_metrics for one in scope.metrics]
                    got = {one.name: one.unit for one in metrics}
            finally:
                pushing.kill()
        collector.shutdown()
    names = {one.key: one.value.string_value for one in of_process.resource.attributes}
    assert (path, names["service.name"]) == ("/v1/metrics", "turnkeeper-test")


@pytest.mark.parametrize("wrong", ["soon", "0"])
def test_an_interval_that_is_none_is_one_sentence(
    wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", wrong)
    with pytest.raises(SettingsError, match="must be a number of milliseconds"):
        metrics_config(read_settings())
