"""Log lines: structlog through the standard library's logging, so that other packages' lines (the
Temporal SDK's above all) come out in the same form and under the same rules.

The rules, by which no answer and no person gets into a line:

- a key that is not in `KEYS` is shown, its value is `[redacted]`;
- of an exception the type and the places in the code are shown, never the message: a message quotes
  what it choked on, and the SDK logs every failed activity with its exception;
- another package's line is shown as written in its source, up to its first line break, its
  arguments redacted unless they are numbers or random ids (run ids); where the Temporal SDK builds
  a line from a workflow id or a message, that part is cut out.
"""

import logging
import re
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from types import TracebackType
from typing import TextIO

import structlog
from opentelemetry import trace
from structlog.typing import EventDict, Processor, WrappedLogger

from turnkeeper.settings import LogFormat, LogLevel

REDACTED = "[redacted]"

KEYS: frozenset[str] = frozenset({
    # every line
    "event", "level", "timestamp", "logger", "trace_id", "span_id",
    # what it is about: none of these names a person or holds an answer
    "form", "form_version", "field", "status", "event_kind", "epoch", "leg", "turn", "turns",
    "activity", "workflow", "attempt", "run_id", "task_queue", "namespace", "tenant",
    "deployment", "build_id", "from_version",
    # processes
    "address", "ui", "port", "pid", "forms", "folder", "file", "signal", "command",
    "seconds", "milliseconds", "count", "bytes", "version",
    # the gateway: which API key or signing key it was; made by us, or by the issuer
    "key_id",
    # failures
    "error", "at", "cause", "reason", "code",
})  # fmt: skip
"""The keys whose values are shown. A value under any of them must be safe to show to anyone who
reads logs: add a key only if it can hold nothing that a caller said and nothing that names one."""

_FROM_SDK = {
    "temporal_activity": {"activity_type": "activity", "attempt": "attempt"},
    "temporal_workflow": {"workflow_type": "workflow", "run_id": "run_id", "attempt": "attempt"},
}
"""What is kept of the dictionaries that the Temporal SDK hangs on its records: their other entries
hold the workflow id, and with it whose session it is."""

_CUTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?s)( with ID ).*(?= and run ID )"), rf"\1{REDACTED}"),
    (re.compile(r"(?s)(error of type <class '[^']*'>: ).*"), rf"\1{REDACTED}"),
    (re.compile(r"(?s)(original error: ).*"), rf"\1{REDACTED}"),
)
"""The lines of the Temporal SDK (1.35) that carry a workflow id or an exception's message."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_META = frozenset({"_record", "_from_structlog"})
_PLACES = 5


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger for code outside workflows; give it a fixed sentence and `KEYS` as keywords.

    In a program that never calls `setup_logs` lines go to the standard library's logging, and not
    to standard output as structlog's own would.
    """
    bound: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        logging.getLogger(name), wrapper_class=structlog.stdlib.BoundLogger
    )
    return bound


def setup_logs(style: LogFormat, level: LogLevel, stream: TextIO | None = None) -> None:
    """Sends every line of this process to `stream` (standard error when None).

    Replaces whatever handlers the root logger had.
    """
    stream = stream or sys.stderr
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _foreign],
            processors=[_failure, _allow, _renderer(style, stream)],
            use_get_message=False,  # unfilled: `_foreign` fills in what is safe
            pass_foreign_args=True,
            keep_exc_info=False,  # `_failure` has shown what may be
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    _quieten_the_sdk()


def _quieten_the_sdk() -> None:
    """Stops the SDK from appending the workflow id, in clear, to each line."""
    from temporalio import activity, workflow

    activity.logger.activity_info_on_message = False
    workflow.logger.workflow_info_on_message = False


def _renderer(style: LogFormat, stream: TextIO) -> Processor:
    if style == "json" or (style == "auto" and not stream.isatty()):
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=stream.isatty())


def _add_trace(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        line["trace_id"] = trace.format_trace_id(context.trace_id)
        line["span_id"] = trace.format_span_id(context.span_id)
    return line


def _foreign(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    """Another package's record: its text as in its source, and what is safe of its arguments."""
    record: logging.LogRecord = line["_record"]
    line["event"] = _text(str(line["event"]), line.pop("positional_args"))
    for extra, kept in _FROM_SDK.items():
        facts = getattr(record, extra, None)
        if isinstance(facts, MutableMapping):
            line.update({ours: facts[theirs] for theirs, ours in kept.items() if theirs in facts})
    # structlog's own bound loggers write through the adapters of the SDK in workflow code, with
    # their keys as `extra`: they pass the same gate as everywhere.
    line.update({key: value for key, value in vars(record).items() if key in KEYS - line.keys()})
    return line


def _text(text: str, args: object) -> str:
    if args:
        text = _filled_in(text, args)
    for pattern, replacement in _CUTS:
        text = pattern.sub(replacement, text)
    return text.split("\n", 1)[0]


def _filled_in(text: str, args: object) -> str:
    safe: object
    if isinstance(args, tuple):
        safe = tuple(_safe(arg) for arg in args)
    elif isinstance(args, MutableMapping):
        safe = {key: _safe(value) for key, value in args.items()}
    else:
        safe = _safe(args)
    try:
        return text % safe
    except (TypeError, ValueError):  # a `%d` that was given a string: show the text unfilled
        return text


def _safe(value: object) -> object:
    if isinstance(value, (bool, int, float)) or _UUID.fullmatch(str(value)):
        return value
    return REDACTED


def _failure(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    """Replaces an exception by its type, its causes' types, and where it was raised."""
    line.pop("exception", None)
    line.pop("stack_info", None)
    error = _exception(line.pop("exc_info", None))
    if error is None:
        return line
    line["error"] = type(error).__name__
    line["at"] = _places(error.__traceback__)
    causes = [type(cause).__name__ for cause in _causes(error)]
    if causes:
        line["cause"] = causes
    return line


def _exception(exc_info: object) -> BaseException | None:
    if isinstance(exc_info, tuple):
        exc_info = exc_info[1]
    elif exc_info is True:
        exc_info = sys.exc_info()[1]
    return exc_info if isinstance(exc_info, BaseException) else None


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen = {id(error)}
    while (cause := error.__cause__ or error.__context__) and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        error = cause


def _places(tb: TracebackType | None) -> list[str]:
    """`file:line function` of the innermost calls, outermost first."""
    frames = traceback.extract_tb(tb)[-_PLACES:]
    return [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames]


def _allow(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    return {
        key: value if key in KEYS else REDACTED for key, value in line.items() if key not in _META
    }
