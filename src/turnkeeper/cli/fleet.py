"""Many sessions at once: which ones are meant, and the same done to each, one failure at a time.

`turnkeeper sessions cancel ID` is for one. `cancel --form claim --field day` is for all that stand
there: they are listed, counted, asked about, and then done a few at a time at a pace that leaves
callers their server. One that fails is listed in the end and stops no other; the same command again
does those that are left.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import TYPE_CHECKING, get_args

import click

from turnkeeper.cli.display import print_table, progress
from turnkeeper.contract import Status
from turnkeeper.errors import StoreUnavailable, TurnkeeperError
from turnkeeper.forms.durations import EXAMPLES, parse_duration

if TYPE_CHECKING:
    from turnkeeper.backend import SessionSummary, Sought
    from turnkeeper.cli.reach import Reach

Act = Callable[[str], Awaitable[object]]
"""What is done to the session of an id."""

AT_ONCE = 10
"""Sessions in hand at a time; as many that find no server, one after the other, end it all."""
RATE = 20.0
"""Sessions a second: each is a turn's work, of which two cores do some hundred a second."""


def _duration(ctx: click.Context, param: click.Parameter, text: str | None) -> timedelta | None:
    duration = None if text is None else parse_duration(text)
    if text is not None and duration is None:
        raise click.BadParameter(f"{text!r} is no duration, such as {EXAMPLES}")
    return duration


_FILTERS = (
    click.option("--form", help="Only sessions of this form."),
    click.option(
        "--status", type=click.Choice(get_args(Status)), help="Only sessions that stand so."
    ),
    click.option("--field", help="Only sessions that stand at this field."),
    click.option(
        "--older-than", callback=_duration, help="Only sessions begun longer ago: 12h, 7d."
    ),
    click.option("--query", help="Only sessions that a list filter of Temporal's finds, too."),
)
_DOING = (
    click.option("--all", "everything", is_flag=True, help="Every session of the tenant."),
    click.option("--dry-run", is_flag=True, help="Say which ones it would be, and do nothing."),
    click.option(
        "--rate",
        type=click.FloatRange(min=0, min_open=True),
        default=RATE,
        show_default=True,
        help="At most so many a second.",
    ),
    click.option("--yes", is_flag=True, help="Don't ask."),
)


@dataclass(frozen=True)
class Which:
    """Which sessions are meant."""

    form: str | None = None
    status: Status | None = None
    field: str | None = None
    older_than: timedelta | None = None
    query: str | None = None

    def sought(self, **more: object) -> "Sought":
        """The same with `more` of `Sought`."""
        from turnkeeper.backend import Sought

        begun = None if self.older_than is None else datetime.now(UTC) - self.older_than
        named = {"form": self.form, "status": self.status, "field": self.field, "query": self.query}
        return Sought.model_validate({**named, "begun_before": begun, **more})


@dataclass(frozen=True)
class How:
    """How it is done to many."""

    everything: bool
    dry_run: bool
    rate: float
    yes: bool

    def require_one_meaning(self, session_id: str | None, which: Which) -> None:
        """Raises UsageError where nothing says which sessions are meant, or two things do."""
        meanings = (session_id is not None, which != Which(), self.everything)
        if sum(meanings) != 1:
            raise click.UsageError(
                "say which sessions in one way: one by its ID, or those of --form, --status,"
                " --field, --older-than and --query together, or --all"
            )
        if session_id is not None and self.dry_run:
            raise click.UsageError("--dry-run is for many sessions; `sessions show` shows one")


def filters(command: Callable[..., object]) -> Callable[..., object]:
    """Adds the options that say which sessions are meant; the command takes them as `which`."""
    return _with(_FILTERS, Which, "which", command)


def many(command: Callable[..., object]) -> Callable[..., object]:
    """Adds these, and those of how it is done to many, as `how`."""
    return filters(_with(_DOING, How, "how", command))


def _with(
    options: Sequence[Callable[[Callable[..., object]], Callable[..., object]]],
    kind: type[Which] | type[How],
    name: str,
    command: Callable[..., object],
) -> Callable[..., object]:
    names = [one.name for one in dataclass_fields(kind)]

    @wraps(command)
    def gathering(**given: object) -> object:
        mine = {option: given.pop(option) for option in names}
        return command(**given, **{name: kind(**mine)})  # type: ignore[arg-type]  # click's types

    decorated: Callable[..., object] = gathering
    for option in reversed(options):
        decorated = option(decorated)
    return decorated


@dataclass
class Done:
    """What came of it."""

    done: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    """Why, by session."""
    untried: list[str] = field(default_factory=list)
    """Those that were left alone once the server was gone."""


def do_to_many(
    reach: "Reach",
    sought: "Sought",
    act: Act,
    verb: str,
    how: How,
    *,
    as_json: bool,
    outcome: str = "done",
    **counted: Mapping[str, int],
) -> None:
    """Does `act` to each session that is sought, prints what came of it and what `act` counted
    meanwhile, and exits with status 1 where one failed. `outcome` is what is true of a session
    then."""
    rows = reach.collect(reach.sessions.find(sought))
    if how.dry_run:
        _print_would(rows, verb, as_json=as_json)
        return
    if rows and not how.yes:
        require_yes(f"{verb.capitalize()} {_sessions(len(rows))}?")
    ids = list(dict.fromkeys(row.session_id for row in rows))  # An id may have had several.
    with progress(verb, len(ids), shown=not as_json) as advance:
        done = reach.call(each(ids, act, how.rate, advance))
    _print_done(done, f"{verb}: {_sessions(len(done.done))} {outcome}", counted, as_json=as_json)


async def each(
    ids: Sequence[str], act: Act, rate: float, advance: Callable[[int], None] = lambda _: None
) -> Done:
    """Does `act` to every one: `rate` begun a second at most, `AT_ONCE` in hand at most."""
    done, gone = Done(), 0
    hands = asyncio.Semaphore(AT_ONCE)
    clock = asyncio.get_running_loop().time
    begun = clock()

    async def one(session_id: str) -> None:
        nonlocal gone
        try:
            await act(session_id)
            done.done.append(session_id)
            gone = 0
        except TurnkeeperError as error:
            done.failed[session_id] = str(error)
            gone = gone + 1 if isinstance(error, StoreUnavailable) else 0
        finally:
            hands.release()
            advance(1)

    async with asyncio.TaskGroup() as tasks:
        for number, session_id in enumerate(ids):
            await asyncio.sleep(begun + number / rate - clock())
            await hands.acquire()
            if gone >= AT_ONCE:
                done.untried = list(ids[number:])
                break
            tasks.create_task(one(session_id))
    return done


def require_yes(question: str) -> None:
    """Asks a person. Raises Abort at a no, and UsageError where nobody is there to answer."""
    try:
        click.confirm(question, abort=True, err=True)
    except click.Abort as answer:
        if isinstance(answer.__context__, EOFError):
            raise click.UsageError("nobody answers here: say --yes to do it unasked") from None
        raise


def print_counts(counts: Mapping[str, int], *, as_json: bool) -> None:
    """A row a status."""
    if as_json:
        click.echo(json.dumps(counts, indent=2))
    else:
        print_table(("status", "sessions"), [(name, str(n)) for name, n in counts.items()])


def _print_would(rows: "Sequence[SessionSummary]", verb: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"would": verb, "sessions": [row.session_id for row in rows]}))
        return
    print_table(
        ("session", "status", "asked"),
        [(row.session_id, row.status or "", row.field or "") for row in rows],
    )
    click.echo(f"Would {verb} {_sessions(len(rows))}.", err=True)


def _print_done(
    done: Done, said: str, counted: Mapping[str, Mapping[str, int]], *, as_json: bool
) -> None:
    if as_json:
        failed = [{"session_id": name, "error": why} for name, why in done.failed.items()]
        document = {"done": done.done, "failed": failed, "untried": done.untried, **counted}
        click.echo(json.dumps(document, indent=2))
    else:
        click.echo(f"{said}, {len(done.failed)} failed.")
        for what, counts in counted.items():
            for name, count in sorted(counts.items()):
                click.echo(f"{what.replace('_', ' ')} {name}: {_sessions(count)}")
        for name, why in done.failed.items():
            click.echo(f"error: {name}: {why}", err=True)
        if done.untried:
            click.echo(f"error: the server is gone; {len(done.untried)} were not tried", err=True)
    if done.failed or done.untried:
        sys.exit(1)


def _sessions(count: int) -> str:
    return "1 session" if count == 1 else f"{count} sessions"
