"""Logs and spans: useful to an operator, and free of answers and of persons."""

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from turnkeeper.errors import SettingsError
from turnkeeper.telemetry import logger, tracer, turn_span
from turnkeeper.telemetry.logs import REDACTED, setup_logs
from turnkeeper.telemetry.traces import setup_traces

SECRET = "4155550100"
"""What a caller said; it must be in no line and in no span."""

RUN_ID = "019ac1f2-7d7e-7cc1-9a55-0123456789ab"


class Lines:
    """The log lines of a test, as they come out of the one set-up."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def last(self) -> dict[str, object]:
        line: dict[str, object] = json.loads(self.text.splitlines()[-1])
        return line


@pytest.fixture
def lines() -> Iterator[Lines]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    written = Lines()
    setup_logs("json", "debug", written.stream)
    yield written
    root.handlers[:], root.level = before


@pytest.fixture(scope="module")
def exporter() -> InMemorySpanExporter:
    memory = InMemorySpanExporter()
    setup_traces("turnkeeper-test", memory)
    return memory


@pytest.fixture
def spans(exporter: InMemorySpanExporter) -> InMemorySpanExporter:
    exporter.clear()
    return exporter


def test_a_line_is_one_json_object_with_its_level_time_and_logger(lines: Lines) -> None:
    logger("worker.test").info("worker is running", task_queue="turnkeeper", forms=3)
    line = lines.last
    assert line.pop("timestamp")
    assert line == {
        "event": "worker is running",
        "level": "info",
        "logger": "worker.test",
        "task_queue": "turnkeeper",
        "forms": 3,
    }


def test_a_key_that_is_not_listed_is_shown_without_its_value(lines: Lines) -> None:
    logger("x").info("turn applied", field="phone", answer=SECRET)
    assert lines.last["field"] == "phone"
    assert lines.last["answer"] == REDACTED
    assert SECRET not in lines.text


def test_a_failure_is_shown_by_its_type_and_place_and_never_by_its_message(lines: Lines) -> None:
    try:
        try:
            int(f"x{SECRET}")
        except ValueError as error:
            raise RuntimeError(f"cannot read {SECRET}") from error
    except RuntimeError:
        logger("x").exception("turn failed")
    line = lines.last
    assert (line["error"], line["cause"]) == ("RuntimeError", ["ValueError"])
    assert "test_telemetry.py" in str(line["at"])
    assert SECRET not in lines.text


def test_the_console_form_hides_the_same(lines: Lines) -> None:
    setup_logs("console", "info", lines.stream)
    try:
        raise ValueError(SECRET)
    except ValueError:
        logger("x").exception("turn failed", heard=SECRET)
    assert "turn failed" in lines.text
    assert "ValueError" in lines.text
    assert SECRET not in lines.text


def test_lines_below_the_level_are_not_written(lines: Lines) -> None:
    setup_logs("json", "warning", lines.stream)
    logger("x").info("quiet")
    logging.getLogger("y").info("quiet")
    assert lines.text == ""


def test_the_sdks_line_about_a_failed_activity_has_neither_its_message_nor_its_workflow(
    lines: Lines,
) -> None:
    def fail() -> None:
        try:
            raise ApplicationError(f"no such number {SECRET}")
        except ApplicationError:  # what the SDK's activity worker does with it
            activity.logger.warning("Completing activity as failed", exc_info=True)

    environment = ActivityEnvironment()
    environment.info = replace(environment.info, workflow_id=f"voice:session:claim:{SECRET}")
    environment.run(fail)
    line = lines.last
    assert line["event"] == "Completing activity as failed"
    assert (line["error"], line["activity"], line["attempt"]) == ("ApplicationError", "unknown", 1)
    assert SECRET not in lines.text


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            f"Failed activation on workflow VoiceSession with ID voice:session:claim:{SECRET}"
            f" and run ID {RUN_ID}",
            f"Failed activation on workflow VoiceSession with ID {REDACTED} and run ID {RUN_ID}",
        ),
        (
            "Completing as failure during heartbeat with error of type <class 'ValueError'>:"
            f" {SECRET}\nand more",
            "Completing as failure during heartbeat with error of type <class 'ValueError'>:"
            f" {REDACTED}",
        ),
        (
            f"Exception handling failed, original error: {SECRET}",
            f"Exception handling failed, original error: {REDACTED}",
        ),
        (
            f"Task exception was never retrieved\nfuture: <Task exception=ValueError('{SECRET}')>",
            "Task exception was never retrieved",
        ),
    ],
)
def test_what_other_packages_write_into_their_lines_is_cut_out(
    lines: Lines, message: str, shown: str
) -> None:
    logging.getLogger("temporalio.worker._workflow_instance").warning(message)
    assert lines.last["event"] == shown
    assert SECRET not in lines.text


def test_arguments_of_other_packages_lines_are_hidden_but_for_numbers_and_random_ids(
    lines: Lines,
) -> None:
    logging.getLogger("other").warning("%s of %d in run %s", SECRET, 3, RUN_ID)
    assert lines.last["event"] == f"{REDACTED} of 3 in run {RUN_ID}"
    logging.getLogger("other").warning("%(who)s called", {"who": SECRET})
    assert lines.last["event"] == f"{REDACTED} called"


def test_keys_that_come_as_extra_of_a_standard_record_pass_the_same_list(lines: Lines) -> None:
    """Workflow code logs so: structlog renders its keys to `extra` of the SDK's logger."""
    logging.getLogger("workflows.voice_session").info(
        "session closed", extra={"status": "completed", "answer": SECRET}
    )
    assert lines.last["status"] == "completed"
    assert SECRET not in lines.text


def test_a_line_inside_a_span_has_its_ids(lines: Lines, spans: InMemorySpanExporter) -> None:
    with tracer().start_as_current_span("outer") as span:
        logger("x").info("inside")
    assert lines.last["trace_id"] == f"{span.get_span_context().trace_id:032x}"
    assert lines.last["span_id"] == f"{span.get_span_context().span_id:016x}"
    logger("x").info("outside")
    assert "trace_id" not in lines.last


def test_a_turn_is_one_span_with_its_form_field_and_status(spans: InMemorySpanExporter) -> None:
    with turn_span("roadside_claim", "phone") as span:
        span.set_attribute("turnkeeper.status", "collecting")
    [turn] = spans.get_finished_spans()
    assert turn.name == "turnkeeper.turn"
    assert dict(turn.attributes or {}) == {
        "turnkeeper.form": "roadside_claim",
        "turnkeeper.field": "phone",
        "turnkeeper.status": "collecting",
    }
    assert turn.resource.attributes["service.name"] == "turnkeeper-test"


def test_a_failed_turn_is_an_error_span_of_a_type_and_without_a_message(
    spans: InMemorySpanExporter,
) -> None:
    with pytest.raises(ValueError, match=SECRET), turn_span("claim"):
        raise ValueError(SECRET)
    [turn] = spans.get_finished_spans()
    assert not turn.status.is_ok
    assert (turn.attributes or {})["exception.type"] == "ValueError"
    assert SECRET not in turn.to_json()


def test_what_the_sdk_says_of_a_workflow_is_cleared_before_it_is_exported(
    spans: InMemorySpanExporter,
) -> None:
    with (
        pytest.raises(ValueError, match=SECRET),
        tracer().start_as_current_span(
            "StartUpdateWorkflow:turn",
            attributes={"temporalWorkflowID": SECRET, "temporalRunID": RUN_ID},
        ),
    ):
        raise ValueError(SECRET)
    [span] = spans.get_finished_spans()
    assert dict(span.attributes or {}) == {"temporalRunID": RUN_ID}
    assert [dict(event.attributes or {}) for event in span.events] == [
        {"exception.type": "ValueError"}
    ]
    assert SECRET not in span.to_json()


def test_spans_of_one_trace_keep_their_places_when_cleared(spans: InMemorySpanExporter) -> None:
    with tracer().start_as_current_span("caller"), turn_span("claim"):
        pass
    turn, caller = spans.get_finished_spans()
    assert turn.parent is not None
    assert caller.context is not None
    assert turn.parent.span_id == caller.context.span_id


@pytest.mark.parametrize(
    ("protocol", "sentence"),
    [
        ("", "install opentelemetry-exporter-otlp-proto-http, or unset"),
        ("grpc", "install opentelemetry-exporter-otlp-proto-grpc, or unset"),
        ("carrier pigeon", "OTEL_EXPORTER_OTLP_PROTOCOL is 'carrier pigeon' and must be"),
    ],
)
def test_an_exporter_that_is_asked_for_and_not_there_is_one_sentence(
    protocol: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp", None)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    with pytest.raises(SettingsError, match=sentence):
        setup_traces("turnkeeper-test")


def test_in_a_program_that_sets_up_no_logs_nothing_goes_to_standard_output() -> None:
    """An agent that prints its own protocol there, say; warnings go where logging sends them."""
    code = (
        "from turnkeeper.telemetry import logger\n"
        "log = logger('turnkeeper.x')\n"
        "log.info('an information', form='claim')\n"
        "log.warning('a warning', form='claim')\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == ""
    assert "an information" not in ran.stderr
    assert "a warning" in ran.stderr
