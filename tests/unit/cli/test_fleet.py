"""What is done to many sessions at once, with sessions in memory."""

import asyncio
import json
import time
from datetime import timedelta

import pytest
from click.testing import CliRunner

from tests.unit.cli.test_sessions import ANN, BOB, FORMS, document, kept, run
from turnkeeper.cli import main
from turnkeeper.cli.fleet import AT_ONCE, each
from turnkeeper.errors import SessionClosed, StoreUnavailable
from turnkeeper.testing import MemorySessions

__all__ = ["kept"]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--field", "guests"], [BOB]),
        (["--field", "day"], []),
        (["--status", "confirming", "--form", "booking"], [ANN]),
        (["--older-than", "1h"], [BOB, ANN]),
    ],
)
def test_list_finds_who_stands_where(
    kept: MemorySessions, options: list[str], found: list[str]
) -> None:
    rows = document(run(kept, "list", "--json", *options))
    assert isinstance(rows, list)
    assert [row["session_id"] for row in rows] == found


def test_count_tells_how_many_stand_so(kept: MemorySessions) -> None:
    counts = document(run(kept, "count", "--json"))
    assert isinstance(counts, dict)
    assert (counts["collecting"], counts["confirming"], counts["failed"]) == (1, 1, 0)
    assert counts["all"] == 2
    assert document(run(kept, "count", "--json", "--status", "failed")) == {"failed": 0, "all": 0}


@pytest.mark.parametrize("command", ["cancel", "hand-off", "erase", "migrate"])
@pytest.mark.parametrize(
    "arguments", [[], [ANN, "--all"], ["--form", "booking", "--all"], [ANN, "--status", "failed"]]
)
def test_which_sessions_are_meant_is_said_in_one_way(
    kept: MemorySessions, command: str, arguments: list[str]
) -> None:
    result = run(kept, command, *arguments, "--yes")
    assert result.exit_code == 2
    assert "say which sessions in one way" in result.stderr


@pytest.mark.parametrize("command", ["cancel", "hand-off", "erase", "migrate"])
def test_a_dry_run_does_nothing_and_says_to_whom_it_would(
    kept: MemorySessions, command: str
) -> None:
    before = document(run(kept, "list", "--json"))
    said = document(run(kept, command, "--form", "booking", "--dry-run", "--json"))
    assert said == {"would": command.replace("-", " "), "sessions": [ANN]}
    assert document(run(kept, "list", "--json")) == before


def test_without_yes_many_are_asked_about_and_no_is_an_answer(kept: MemorySessions) -> None:
    arguments = ["sessions", "cancel", "--all"]
    result = CliRunner().invoke(main, arguments, input="n\n", obj=lambda _: kept)
    assert result.exit_code == 1
    assert "Cancel 2 sessions?" in result.stderr
    assert document(run(kept, "count", "--status", "cancelled", "--json"))["all"] == 0  # type: ignore[index]  # any JSON


def test_where_nobody_answers_the_option_is_told(kept: MemorySessions) -> None:
    for arguments in (["cancel", "--all"], ["erase", ANN]):
        refused = run(kept, *arguments)
        assert refused.exit_code == 2
        assert "say --yes" in refused.stderr
    assert document(run(kept, "count", "--json"))["all"] == 2  # type: ignore[index]  # any JSON


def test_one_that_fails_is_listed_and_stops_no_other(kept: MemorySessions) -> None:
    booking = next(form for form in FORMS if form.form == "booking")
    kept.deploy(booking.model_copy(update={"title": "changed and not renumbered"}))
    result = run(kept, "migrate", "--all", "--yes", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert (told["done"], told["version"]) == ([BOB], {"1": 1})
    assert told["already_at_version"] == {"1": 1}
    (failed,) = told["failed"]
    assert failed["session_id"] == ANN
    assert "give it another version" in failed["error"]
    in_words = run(kept, "migrate", "--all", "--yes")
    assert in_words.exit_code == 1
    assert in_words.stdout.splitlines() == [
        "migrate: 1 session done, 1 failed.",
        "version 1: 1 session",
        "already at version 1: 1 session",
    ]
    assert in_words.stderr.count("error: ") == 1


def test_the_same_command_again_does_those_that_are_left(kept: MemorySessions) -> None:
    assert run(kept, "hand-off", ANN).exit_code == 0
    told = document(run(kept, "hand-off", "--all", "--yes", "--json"))
    assert told == {"done": [BOB, ANN], "failed": [], "untried": []}


def test_erase_of_many_erases_all_that_are_found_and_nothing_else(kept: MemorySessions) -> None:
    told = document(run(kept, "erase", "--form", "booking", "--yes", "--json"))
    assert told == {"done": [ANN], "failed": [], "untried": []}
    assert run(kept, "show", ANN).exit_code == 1
    assert run(kept, "show", BOB).exit_code == 0


def test_erase_of_many_says_that_it_is_begun_and_not_done(kept: MemorySessions) -> None:
    assert run(kept, "erase", "--all", "--yes").stdout == "erase: 2 sessions begun, 0 failed.\n"


def test_a_session_that_is_moved_is_not_told_as_one_that_was_there_before(
    kept: MemorySessions,
) -> None:
    booking = next(form for form in FORMS if form.form == "booking")
    kept.deploy(booking.model_copy(update={"version": "2", "migrates_from": ("1",)}))
    kept.clock.advance(timedelta(hours=1))  # Ann is off the line by now.
    told = document(run(kept, "migrate", "--all", "--yes", "--json"))
    assert isinstance(told, dict)
    assert told["version"] == {"1": 1, "2": 1}
    assert told["already_at_version"] == {"1": 1}
    assert run(kept, "migrate", ANN).stdout == f"{ANN} goes by version 2 already.\n"


async def test_once_the_server_is_gone_the_rest_is_left_alone() -> None:
    async def nobody(_: str) -> None:
        raise StoreUnavailable("nobody is there")

    ids = [str(number) for number in range(100)]
    done = await each(ids, nobody, 1e6)
    assert AT_ONCE <= len(done.failed) <= 2 * AT_ONCE
    assert [*done.failed, *done.untried] == ids


async def test_refusals_of_single_sessions_are_no_server_that_is_gone() -> None:
    async def closed(_: str) -> None:
        raise SessionClosed("it has ended")

    assert len((await each([str(n) for n in range(50)], closed, 1e6)).failed) == 50


async def test_no_more_are_begun_than_so_many_a_second_and_so_many_at_once() -> None:
    hands = most = 0

    async def act(_: str) -> None:
        nonlocal hands, most
        hands += 1
        most = max(most, hands)
        await asyncio.sleep(0.01)
        hands -= 1

    begun = time.monotonic()
    done = await each([str(n) for n in range(21)], act, rate=100)
    assert time.monotonic() - begun >= 0.2
    assert len(done.done) == 21
    await each([str(n) for n in range(50)], act, rate=1e6)
    assert most == AT_ONCE


def test_a_duration_that_is_none_is_told_with_one_that_is(kept: MemorySessions) -> None:
    result = run(kept, "list", "--older-than", "soon")
    assert result.exit_code == 2
    assert "'soon' is no duration, such as 90s" in result.stderr


def test_a_list_filter_of_temporals_needs_temporal(kept: MemorySessions) -> None:
    result = run(kept, "list", "--query", "StartTime > '2026-01-01T00:00:00Z'")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: sessions in memory know no list filter")
