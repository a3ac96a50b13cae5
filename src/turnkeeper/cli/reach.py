"""How a command reaches sessions: the options that say where they are, and errors that say what to
do next.

Commands are not async. `Reach.call` runs the event loop for one call at a time, so between two
calls a prompt may wait for a person as long as it likes, and Ctrl-C there is Python's own.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import click

from turnkeeper.errors import (
    FormError,
    SessionNotFound,
    StoreUnavailable,
    SupersededLeg,
    UnknownForm,
)

if TYPE_CHECKING:  # Temporal's client takes half a second to import: not for a command's --help.
    from turnkeeper.client import VoiceSessions

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Place:
    """Where sessions are and whose; None is what the environment says."""

    address: str | None = None
    namespace: str | None = None
    tenant: str | None = None


class Opener(Protocol):
    """What opens the sessions of a place. The context's `obj` stands in for `open_sessions`: a test
    has sessions in memory so."""

    def __call__(self, place: Place) -> "AbstractAsyncContextManager[VoiceSessions]": ...


def open_sessions(place: Place) -> "AbstractAsyncContextManager[VoiceSessions]":
    """The sessions in Temporal."""
    from turnkeeper.client import VoiceSessions

    return VoiceSessions.connect(
        address=place.address, namespace=place.namespace, tenant=place.tenant
    )


def where(command: Command) -> Command:
    """Adds the options `--address`, `--namespace` and `--tenant`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_NOT_TAKEN = "Workflow Task in failed state"
"""How Temporal (1.32) says that a worker is there and can't go on with a session."""

_HINTS_OF_WORKERS = {
    False: (
        "a worker there does not take what is sent in clear: set TURNKEEPER_KEYS and"
        " TURNKEEPER_KEY_STORE as the worker has them (`python -m worker dev` prints them)"
    ),
    True: (
        "a worker there can't go on with this session. Most often it has other keys than this"
        " command: set TURNKEEPER_KEYS and TURNKEEPER_KEY_STORE alike; `turnkeeper doctor`, run"
        " with the settings of each, says more, and so does the worker's log"
    ),
}
"""By whether what is sent from here is encrypted."""

_OPTIONS = (
    click.option("--address", metavar="HOST:PORT", help="Temporal's frontend. [TEMPORAL_ADDRESS]"),
    click.option("--namespace", help="Temporal namespace. [TEMPORAL_NAMESPACE]"),
    click.option("--tenant", help="Whose sessions. [TURNKEEPER_TENANT]"),
)


class Reach:
    """Sessions within reach of code that is not async."""

    def __init__(self, runner: asyncio.Runner, sessions: "VoiceSessions", place: Place) -> None:
        self._runner = runner
        self._place = place
        self.sessions = sessions

    def call(self, sending: Coroutine[object, object, T]) -> T:
        """The result of one call; its errors say what to do next."""
        try:
            return self._runner.run(sending)
        except StoreUnavailable as error:
            encrypts = self.sessions.settings.keys is not None
            raise StoreUnavailable(_what_to_do(error, self._place, encrypts)) from error
        except UnknownForm as error:
            raise UnknownForm(f"{error}; {_known(self.sessions.settings.forms)}") from error
        except SupersededLeg as error:
            raise SupersededLeg(f"taken over by a newer call: {error}") from error
        except SessionNotFound as error:
            raise SessionNotFound(f"{error}; see `turnkeeper sessions list`") from error

    def collect(self, rows: AsyncIterator[T]) -> list[T]:
        """All that a listing yields."""

        async def read() -> list[T]:
            return [row async for row in rows]

        return self.call(read())


@contextmanager
def reaching(place: Place) -> Iterator[Reach]:
    """The sessions of a place, until the command is over."""
    opener: Opener = click.get_current_context().obj or open_sessions
    # Given a factory, the runner leaves the thread's current event loop as it is.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        stack = AsyncExitStack()
        try:
            sessions = runner.run(stack.enter_async_context(opener(place)))
            yield Reach(runner, sessions, place)
        finally:
            runner.run(stack.aclose())


def _what_to_do(error: StoreUnavailable, place: Place, encrypts: bool) -> str:
    from turnkeeper.connection import target

    cause = str(error).partition(";")[0]  # The rest is for programs that send again.
    where = f"{cause}; the address is {target(place.address)}: "
    if _NOT_TAKEN in cause:
        return where + _HINTS_OF_WORKERS[encrypts]
    return where + (
        "start a server and a worker there with `uv run python -m worker dev`, or give --address"
    )


def _known(folder: Path) -> str:
    """Which forms there are, as far as one can know here: the worker may have another folder."""
    from turnkeeper.forms.load import load_folder

    try:
        names = list(load_folder(folder))
    except FormError:
        names = []
    if not names:
        return "a form is a file in the folder that the worker was started with (--forms)"
    return (
        f"workers have those of the folder that they were started with (--forms); in {folder} here "
        f"there are {', '.join(names)}"
    )
