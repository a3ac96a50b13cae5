"""`turnkeeper sessions`: what an operator sees and does, with sessions in memory."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner, Result

from tests.ids import id_of
from turnkeeper.backend import DeliveryAttempts
from turnkeeper.cli import main
from turnkeeper.cli.session_facts import facts
from turnkeeper.contract import Confirming, Delivery, SessionState, Verification
from turnkeeper.forms.load import parse_form
from turnkeeper.testing import MemorySessions

FORMS = [
    parse_form(f"form: {name}\nfields: [{{name: guests, type: number, prompt: 'How many?'}}]\n")
    for name in ("booking", "event")
]
ANN, BOB = id_of("booking", "ann"), id_of("event", "bob")
RESUMED = """
form: claim
resume: {verify: [pin]}
fields:
  - {name: pin, type: digits, length: 4, prompt: "Which PIN?"}
  - {name: day, type: date, prompt: "Which day?"}
"""
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


@pytest.fixture
def kept() -> MemorySessions:
    """Ann has said four; Bob rang an hour later about an event, and hung up."""
    sessions = MemorySessions(FORMS)

    async def calls() -> None:
        ann = await sessions.open("booking", "ann", channel="twilio", transport_id="CA81")
        await ann.turn("four")
        sessions.clock.advance(timedelta(hours=1))
        bob = await sessions.open("event", "bob")
        await bob.hang_up()

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(calls())
    return sessions


def run(kept: MemorySessions, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["sessions", *arguments], obj=lambda _: kept)


def document(result: Result) -> object:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_list_has_the_newest_first(kept: MemorySessions) -> None:
    heading, *rows = run(kept, "list").stdout.splitlines()
    assert heading.split("\t") == ["session", "status", "asked", "begun", "ended"]
    assert [row.split("\t")[:3] for row in rows] == [
        [BOB, "collecting", "guests"],
        [ANN, "confirming", ""],
    ]


@pytest.mark.parametrize(
    ("options", "forms"),
    [
        (["--form", "booking"], ["booking"]),
        (["--status", "collecting"], ["event"]),
        (["--limit", "1"], ["event"]),
        (["--transport-id", "CA81"], ["booking"]),
        (["--transport-id", "CA8"], []),
        (["--form", "booking", "--status", "expired"], []),
    ],
)
def test_list_keeps_to_what_is_asked_for(
    kept: MemorySessions, options: list[str], forms: list[str]
) -> None:
    rows = document(run(kept, "list", "--json", *options))
    assert isinstance(rows, list)
    assert [row["form"] for row in rows] == forms


def test_a_status_that_there_is_not_is_told_with_those_that_there_are(
    kept: MemorySessions,
) -> None:
    result = run(kept, "list", "--status", "asleep")
    assert result.exit_code == 2
    assert "'collecting'" in result.stderr


def test_show_tells_answers_status_legs_and_times(kept: MemorySessions) -> None:
    rows = [line.split("\t") for line in run(kept, "show", ANN).stdout.splitlines()]
    assert rows[0] == [ANN]
    facts = {(section, name): value for section, name, value in rows[1:]}
    assert facts["session", "status"] == "confirming, 1 of 1 answered"
    assert facts["session", "waits for yes"] == "everything"
    assert facts["session", "last heard"] == "four"
    assert "(2026-03-02 15:00:00 UTC)" in facts["session", "begun"]
    assert facts["answers", "guests"] == "4"
    assert facts["legs", "1"].startswith("twilio, CA81, began ")
    assert facts["legs", "1"].endswith(", not hung up")


def test_a_list_that_stops_at_its_limit_says_so(kept: MemorySessions) -> None:
    assert "more than these 1: see --limit" in run(kept, "list", "--limit", "1").stderr
    assert run(kept, "list", "--limit", "3").stderr == ""


def test_unlocking_says_what_came_of_it(kept: MemorySessions) -> None:
    said = run(kept, "hand-off", ANN, "--unlock").stdout.splitlines()
    assert said[0] == f"{ANN} is handed_off."
    assert "nothing to unlock" in said[1]
    kept.deploy(parse_form(RESUMED))
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        cat = runner.run(kept.open("claim", "cat"))
        runner.run(cat.turn("4711"))
    said = run(kept, "hand-off", cat.id, "--unlock").stdout.splitlines()
    assert said[1] == "Whoever calls has 3 attempts to be let in."


def test_show_takes_no_operator_for_a_silent_caller(kept: MemorySessions) -> None:
    assert run(kept, "hand-off", ANN).exit_code == 0
    shown = run(kept, "show", ANN).stdout
    assert "(silence)" not in shown
    assert "last heard" not in shown
    assert "\tturns and requests\t2\n" in shown
    assert "\tlast request\t" in shown


def test_show_as_json_is_the_state_without_the_form(kept: MemorySessions) -> None:
    state = document(run(kept, "show", ANN, "--json"))
    assert isinstance(state, dict)
    assert state["form_answers"] == {"guests": 4}
    assert state["attempts"] is None
    assert "definition" not in state


def test_a_delivery_under_way_is_told_with_its_attempts_and_what_was_thrown_away() -> None:
    state = SessionState(
        session_id=ANN,
        form="booking",
        created_at=NOW,
        updated_at=NOW,
        status="submitting",
        delivery=Delivery(state="pending", idempotency_key="k", since=NOW),
        discarded=({"guests": 3}, {}),
    )
    attempts = DeliveryAttempts(
        attempts=3, last_failure="HTTP 503", next_at=NOW + timedelta(seconds=12)
    )
    sections = dict(facts(state, attempts, NOW))
    assert sections["delivery"] == [
        ("state", "pending"),
        ("since", "now (2026-03-02 15:00:00 UTC)"),
        ("idempotency key", "k"),
        ("attempts", "3"),
        ("last failure", "HTTP 503"),
        ("next attempt", "in 12 s"),
    ]
    assert sections["discarded by start over 1"] == [("guests", "3")]
    assert sections["discarded by start over 2"] == [("", "nothing")]
    assert sections["answers"] == [("", "none yet")]


def test_a_caller_who_was_not_let_in_is_told_with_the_attempts_that_are_left() -> None:
    left = Verification(pending=True, attempts_left=2)
    none = Verification(pending=False, attempts_left=0, shut_until=NOW + timedelta(days=1))
    for verification, told in (
        (left, "not let in yet, 2 attempts left"),
        (none, "not let in, no attempt left until 2026-03-03 15:00 UTC"),
    ):
        state = SessionState(
            session_id=ANN,
            form="booking",
            created_at=NOW,
            updated_at=NOW,
            verification=verification,
        )
        assert ("called back", told) in dict(facts(state, None, NOW))["session"]


def test_a_read_back_that_waits_is_told_with_its_value() -> None:
    state = SessionState(
        session_id=ANN,
        form="booking",
        created_at=NOW,
        updated_at=NOW,
        confirming=Confirming(field="guests", value=4),
    )
    assert ("waits for yes", "guests = 4") in dict(facts(state, None, NOW))["session"]


def test_turns_has_every_exchange_the_oldest_first(kept: MemorySessions) -> None:
    heading, *rows = run(kept, "turns", ANN).stdout.splitlines()
    assert heading.split("\t") == ["at (UTC)", "leg", "heard", "said", "recorded"]
    connected, said_four = (row.split("\t") for row in rows)
    assert connected[:3] == ["2026-03-02 15:00:00", "1", ""]
    assert (said_four[2], said_four[4]) == ("four", "guests")
    transcript = document(run(kept, "turns", ANN, "--json"))
    assert isinstance(transcript, dict)
    assert [entry["heard"] for entry in transcript["entries"]] == ["", "four"]


def test_cancel_ends_a_session_and_says_so_again(kept: MemorySessions) -> None:
    assert run(kept, "cancel", ANN, "--reason", "test").stdout == f"{ANN} is cancelled.\n"
    again = run(kept, "cancel", ANN)
    assert (again.exit_code, again.stdout) == (0, f"{ANN} is cancelled.\n")
    assert document(run(kept, "cancel", BOB, "--json")) == {
        "session_id": BOB,
        "status": "cancelled",
    }


def test_hand_off_leaves_a_session_to_a_person_and_says_so_again(kept: MemorySessions) -> None:
    assert run(kept, "hand-off", ANN, "--reason", "test").stdout == f"{ANN} is handed_off.\n"
    again = run(kept, "hand-off", ANN)
    assert (again.exit_code, again.stdout) == (0, f"{ANN} is handed_off.\n")
    assert document(run(kept, "hand-off", BOB, "--json")) == {
        "session_id": BOB,
        "status": "handed_off",
    }
    assert run(kept, "cancel", ANN).stdout == f"{ANN} is cancelled.\n"
    late = run(kept, "hand-off", ANN)
    assert late.exit_code == 1
    assert late.stderr == "error: this session takes no more turns: it is cancelled\n"


@pytest.mark.parametrize(
    "address", ["foo bar:1", "localhost", "http://localhost:7233", ":7233", "localhost:99999"]
)
def test_an_address_that_is_none_is_one_sentence(address: str) -> None:
    result = CliRunner().invoke(main, ["sessions", "list", "--address", address])
    assert result.exit_code == 1
    assert result.stderr == (
        f"error: the address {address!r} is not host:port, such as localhost:7233\n"
    )


def test_a_wrong_setting_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNKEEPER_REGION", "Mars")
    result = CliRunner().invoke(main, ["sessions", "list"])
    assert result.exit_code == 1
    assert result.stderr.startswith("error: TURNKEEPER_REGION is 'Mars' and must be ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["show", "turns", "cancel", "hand-off"])
def test_not_found_and_out_of_reach_are_different_sentences(
    kept: MemorySessions, command: str
) -> None:
    missing = run(kept, command, "nobody")
    assert missing.exit_code == 1
    assert missing.stderr == ("error: there is no session nobody; see `turnkeeper sessions list`\n")
    with kept.unreachable():
        away = run(kept, command, ANN)
    assert away.exit_code == 1
    assert away.stderr.count("\n") == 1
    assert "`uv run python -m worker dev`" in away.stderr
