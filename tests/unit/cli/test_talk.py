"""`turnkeeper talk`: a conversation, with sessions in memory and nothing else replaced."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.ids import id_of
from turnkeeper.cli import main
from turnkeeper.cli.reach import Place, reaching
from turnkeeper.cli.talk import Call
from turnkeeper.cli.talk_view import PlainView, TerminalView
from turnkeeper.contract import Confirming, Progress, Rejection, Reply
from turnkeeper.errors import SupersededLeg
from turnkeeper.forms.load import parse_form
from turnkeeper.testing import MemorySessions

BOOKING = parse_form("""
form: booking
greeting: Hello.
confirm: false
fields:
  - {name: guests, type: number, prompt: "How many?", max: 12}
  - {name: pin, type: digits, length: 4, prompt: "Which PIN?", secret: true}
  - {name: day, type: date, prompt: "Which day?"}
""")
ANN = id_of("booking", "ann")


@pytest.fixture
def sessions() -> MemorySessions:
    return MemorySessions([BOOKING])


def talk(sessions: MemorySessions, *lines: str, options: tuple[str, ...] = ()) -> Result:
    arguments = ["talk", "booking", "--caller", "ann", *options]
    typed = "".join(f"{line}\n" for line in lines)
    return CliRunner().invoke(main, arguments, input=typed, obj=lambda _: sessions)


def replies(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_line_is_a_turn_and_what_it_recorded_is_shown(sessions: MemorySessions) -> None:
    result = talk(sessions, "four")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"-- {ANN}, leg 1",
        "agent: Hello. How many? [0/3]",
        "caller: four",
        "  + guests = 4",
        "agent: Which PIN? [1/3]",
        "-- hung up; the same command carries on",
    ]


def test_the_same_command_again_carries_on(sessions: MemorySessions) -> None:
    talk(sessions, "four")
    result = talk(sessions)
    assert "leg 2" in result.stdout.splitlines()[0]
    assert "Which PIN? [1/3]" in result.stdout.splitlines()[1]


def test_the_call_ends_when_the_agent_hangs_up(sessions: MemorySessions) -> None:
    result = talk(sessions, "four", ":dtmf 1234", "tomorrow", "anybody there?")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].startswith("-- the agent hung up; the form is ")
    assert "anybody" not in result.stdout
    assert sessions.delivered[0].answers["guests"] == 4


def test_json_is_one_object_a_reply_and_nothing_else(sessions: MemorySessions) -> None:
    greeting, turn = replies(talk(sessions, "four", options=("--json",)))
    assert (greeting["field"], greeting["leg"], greeting["restored"]) == ("guests", 1, False)
    assert turn["recorded"] == {"guests": 4}
    assert turn["session_id"] == ANN
    assert "milliseconds" not in turn


def test_times_are_shown_where_they_are_asked_for(sessions: MemorySessions) -> None:
    rows = replies(talk(sessions, "four", options=("--json", "--times")))
    assert all(isinstance(row["milliseconds"], float) for row in rows)
    assert " ms]" in talk(sessions, options=("--times",)).stdout


def test_a_dropped_line_is_a_new_leg_of_the_same_session(sessions: MemorySessions) -> None:
    first, again = replies(talk(sessions, ":drop", options=("--json", "--transport-id", "CA81")))
    assert (first["leg"], again["leg"]) == (1, 2)
    assert first["session_id"] == again["session_id"]
    show = CliRunner().invoke(
        main, ["sessions", "show", str(first["session_id"]), "--json"], obj=lambda _: sessions
    )
    newest_last = json.loads(show.stdout)["legs"]
    assert [leg["reason"] for leg in newest_last] == ["drop", "hang_up"]
    assert {(leg["channel"], leg["transport_id"]) for leg in newest_last} == {("terminal", "CA81")}


def test_answers_of_a_program_and_refusals_are_shown(sessions: MemorySessions) -> None:
    result = talk(sessions, ':answers {"guests": 40, "day": "2026-03-05"}')
    assert "  + day = 2026-03-05" in result.stdout.splitlines()
    assert "  ! guests: too_high" in result.stdout.splitlines()


def test_state_shows_the_answers_but_not_a_secret(sessions: MemorySessions) -> None:
    result = talk(sessions, "four", "1234", ":state")
    lines = result.stdout.splitlines()
    assert "  collecting, 2/3 answered, day is asked" in lines
    assert "  guests = 4" in lines
    assert "  pin = ***" in lines
    state = replies(talk(sessions, ":state", options=("--json",)))[-1]
    assert state["form_answers"] == {"guests": 4, "pin": "***"}


def test_a_wrong_command_is_one_sentence_and_the_call_goes_on(sessions: MemorySessions) -> None:
    result = talk(sessions, ":dance", ":dtmf x", "", "x" * 70_000, "four", options=("--json",))
    assert result.exit_code == 0
    assert [line.partition(":")[0] for line in result.stderr.splitlines()] == ["error"] * 3
    assert json.loads(result.stdout.splitlines()[-1])["recorded"] == {"guests": 4}


def test_help_goes_beside_the_replies(sessions: MemorySessions) -> None:
    result = talk(sessions, ":help", options=("--json",))
    assert len(replies(result)) == 1
    assert ":noinput" in result.stderr


def test_an_unknown_form_is_told_with_those_that_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taxi.yaml").write_text("form: taxi\nfields: [{name: to, prompt: 'Where to?'}]\n")
    monkeypatch.setenv("TURNKEEPER_FORMS", str(tmp_path))
    result = talk(MemorySessions([]))
    assert result.exit_code == 1
    assert result.stderr == (
        "error: no worker has a form 'booking'; workers have those of the folder that they were "
        f"started with (--forms); in {tmp_path} here there are taxi\n"
    )
    monkeypatch.setenv("TURNKEEPER_FORMS", str(tmp_path / "none"))
    assert "a form is a file in the folder" in talk(MemorySessions([])).stderr


def test_a_store_out_of_reach_is_one_sentence_that_says_what_to_start(
    sessions: MemorySessions,
) -> None:
    with sessions.unreachable():
        result = talk(sessions, "four", options=("--address", "localhost:1"))
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "the address is localhost:1" in result.stderr
    assert "`uv run python -m worker dev`" in result.stderr


def test_a_newer_call_takes_over(sessions: MemorySessions) -> None:
    """A second call is made while the first one waits for its caller to speak."""
    context = main.make_context("turnkeeper", ["talk"], obj=lambda _: sessions)
    with context.scope(), reaching(Place()) as reach:
        first = Call(reach, PlainView(times=False), lambda: sessions.open("booking", "ann"))
        reach.call(sessions.open("booking", "ann"))
        with pytest.raises(SupersededLeg, match=r"^taken over by a newer call: leg 1"):
            first.hold(iter(["four\n"]))


def test_a_withheld_number_is_refused_before_anything_is_sent(sessions: MemorySessions) -> None:
    arguments = ["talk", "booking", "--caller", "anonymous"]
    result = CliRunner().invoke(main, arguments, obj=lambda _: sessions)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "identifies nobody" in result.stderr


def test_on_a_terminal_each_line_has_its_speaker_and_the_progress_at_the_right(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    view = TerminalView(times=True, typed=False)
    view.heard("four\x1b[2J")
    reply = Reply(
        say="On which day would you like to come? Please name a weekday.",
        recorded={"guests": 4},
        removed=("wishes",),
        rejected=(Rejection(field="day", code="too_early", say=""),),
        confirming=Confirming(field="name", value="Ann"),
        progress=Progress(done=1, total=3),
    )
    view.replied(reply, 0.0123)
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "   you  four [2J",
        "        + guests = 4",
        "        - wishes",
        "        ! day: too_early",
        "        ? name = Ann",
        " agent  On which day would you like to  12 ms  1/3",
        "        come? Please name a weekday.",
    ]
