"""A command's process: its event loop, its signals, its end.

SIGINT and SIGTERM cancel the command's main coroutine, which cleans up in the order in which it
opened things; a second SIGINT ends the process at once. Mistakes that a person can do something
about (`TurnkeeperError`) end it with one sentence and status 1, never with a traceback.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import NoReturn, TypeAlias

import click
from opentelemetry import trace
from temporalio.contrib.opentelemetry import ReplaySafeTracerProvider

from turnkeeper.errors import TurnkeeperError
from turnkeeper.telemetry import logger

Main: TypeAlias = Callable[[], Coroutine[object, object, None]]

INTERRUPTED = 128 + signal.SIGINT

_log = logger(__name__)


def run_command(main: Main) -> NoReturn:
    """Runs `main` until it returns or a signal asks it to stop, and ends the process.

    Status 0 when it returned or was asked to stop, 1 when it failed, 130 on a second SIGINT.
    """
    status = 1
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_until_signalled(main))
        status = 0
    except TurnkeeperError as error:
        click.echo(f"Error: {error}", err=True)
    except Exception as error:
        _log.error("the command failed in a way that is a defect", exc_info=error)
        click.echo("Error: this is a defect in Turnkeeper; please report the line above.", err=True)
    leave(status)


def leave(status: int) -> NoReturn:
    """Ends the process with everything written.

    At the interpreter's own end the Temporal SDK's threads can abort it (2 in 25 short commands).
    """
    provider = trace.get_tracer_provider()
    if isinstance(provider, ReplaySafeTracerProvider):
        provider.shutdown()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


async def _until_signalled(main: Main) -> None:
    task = asyncio.ensure_future(main())
    asked: list[int] = []

    def ask(number: int) -> None:
        if asked and number == signal.SIGINT:
            os._exit(INTERRUPTED)
        if not asked:
            task.cancel()
        asked.append(number)

    _on_signals(ask)
    try:
        await task
    except asyncio.CancelledError:
        if not asked:
            raise


def _on_signals(call: Callable[[int], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        if sys.platform == "win32":
            signal.signal(number, lambda number, _: loop.call_soon_threadsafe(call, number))
        else:
            loop.add_signal_handler(number, call, number)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's where it is installed (0.9 of the time a turn takes), else asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
