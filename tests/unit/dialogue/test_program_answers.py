"""Values that an agent's own language model extracted, and SessionStore's writes."""

from tests.unit.dialogue.talk import Agent, Caller, field, form, talk
from turnkeeper.contract import Turn
from turnkeeper.forms.model import Form

POLICY = field("policy_number", "digits", length=4)
DAY = field("day", "date", max="today")
THEFT = field("theft", "boolean")
REPORT = field("report", "text", when="theft")
EMAIL = field("email", "email", required=False)
SEATS = field("seats", "number", required=False, default=2)
FORM = form(POLICY, DAY, THEFT, REPORT, EMAIL, SEATS)


def test_values_are_taken_in_any_order_and_the_first_gap_is_asked() -> None:
    caller, agent = talk(FORM)
    caller.program(theft=False, day="2026-11-17")
    agent.recorded(day="2026-11-17", theft=False)
    agent.asks("policy_number")


def test_a_value_for_a_filled_field_corrects_it() -> None:
    caller, agent = talk(FORM)
    caller.program(policy_number="1234")
    caller.program(policy_number="4321")
    agent.recorded(policy_number="4321")


def test_a_value_that_is_known_already_changes_nothing() -> None:
    caller, agent = talk(FORM)
    caller.program(policy_number="1234")
    caller.program(policy_number="1234")
    agent.recorded()
    agent.asks("day")


def test_the_same_value_for_a_field_that_is_asked_again_is_its_answer() -> None:
    caller, agent = talk(FORM)
    caller.program(policy_number="1234")
    caller.event("back")
    agent.asks("policy_number")
    caller.program(policy_number="1234")
    agent.asks("day")


def test_each_value_is_checked_and_the_good_ones_stay() -> None:
    caller, agent = talk(FORM)
    caller.program(policy_number="12", day="2026-11-17", nonsense=1)
    agent.recorded(day="2026-11-17")
    codes = {row.field: row.code for row in agent.reply.rejected}
    assert codes == {"policy_number": "incomplete", "nonsense": "unknown_field"}
    agent.asks("policy_number", again=True)


def test_a_wrong_correction_leaves_the_good_value() -> None:
    caller, agent = talk(FORM)
    caller.program(policy_number="1234")
    caller.program(policy_number="12")
    agent.knows(policy_number="1234")
    agent.asks("day")


def test_a_value_whose_condition_this_turn_fulfils_is_taken() -> None:
    caller, agent = talk(FORM)
    caller.program(report="a report", theft=True)
    agent.recorded(theft=True, report="a report")


def test_a_value_that_is_not_asked_as_things_stand_is_refused() -> None:
    caller, agent = talk(FORM)
    caller.program(report="a report", theft=False)
    agent.refused("report", "not_applicable")
    agent.recorded(theft=False)


def test_nothing_for_an_optional_field_leaves_it_out() -> None:
    caller, agent = talk(FORM)
    caller.program(email="ada@example.com", seats=4)
    caller.program(email=None, seats=None)
    agent.recorded(seats=2)
    assert agent.reply.removed == ("email",)
    assert caller.state.skipped == ("email",)
    caller.program(email="ada@example.com")
    agent.recorded(email="ada@example.com")


def test_nothing_for_a_required_field_is_refused() -> None:
    caller, agent = talk(FORM)
    caller.program(policy_number="1234")
    caller.program(policy_number=None)
    agent.refused("policy_number", "required")
    agent.knows(policy_number="1234")


def test_the_words_of_a_program_turn_are_only_kept() -> None:
    caller, agent = talk(form(field("story"), DAY))
    caller.program(text="it was last tuesday", day="2026-11-17")
    agent.recorded(day="2026-11-17")
    assert caller.state.last_turn is not None
    assert caller.state.last_turn.heard == "it was last tuesday"


def test_words_answer_an_open_question_that_the_values_did_not_touch() -> None:
    caller, agent = talk(form(POLICY, DAY))
    caller.program(policy_number="1234", day="2026-11-17")
    agent.reads_everything_back()
    caller.program(text="yes", policy_number="1234")
    agent.is_done()


def test_known_values_without_words_are_no_silence() -> None:
    caller, agent = talk(form(POLICY, DAY))
    caller.program(policy_number="1234", day="2026-11-17")
    caller.program(policy_number="1234")
    agent.reads_everything_back()
    assert caller.state.noinputs == 0


def test_many_unknown_fields_do_not_make_a_long_reply() -> None:
    caller, agent = talk(FORM)
    answers = {f"x{number}" * 300: number for number in range(200)}
    caller.sends(_turn(answers=answers))
    assert len(agent.reply.model_dump_json()) < 20_000


def test_an_event_beside_values_does_not_lose_them() -> None:
    caller, agent = talk(form(POLICY, DAY))
    caller.sends(_turn(event="nomatch", answers={"policy_number": "1234"}))
    agent.recorded(policy_number="1234")
    assert caller.state.nomatches == 0


def _turn(**content: object) -> Turn:
    return Turn.model_validate({"leg": 1, "utterance_id": "u", **content})


# --- SessionStore ---------------------------------------------------------------------------------


def free() -> tuple[Caller, Agent]:
    return talk(Form(form="store", confirm=False))


def test_a_free_form_holds_exactly_what_was_put() -> None:
    caller, agent = free()
    caller.puts(anything="at all", count=3, off=False)
    agent.knows(anything="at all", count=3, off=False)
    caller.puts(count=4, off=None)
    agent.knows(count=4)
    assert agent.reply.say == ""
    assert agent.reply.status == "collecting"


def test_true_and_one_are_different_answers() -> None:
    caller, _ = free()
    caller.puts(flag=1)
    caller.puts(flag=True)
    assert caller.state.answers["flag"].value is True


def test_a_free_form_says_nothing_and_never_submits() -> None:
    caller, agent = free()
    caller.says("hello")
    assert (agent.reply.say, agent.reply.status) == ("", "collecting")
    caller.connects()
    assert (agent.reply.say, agent.reply.status) == ("", "collecting")


def test_a_put_to_a_form_with_fields_is_checked() -> None:
    caller, agent = talk(FORM)
    caller.puts(policy_number="1234", day="2026-11-17", theft=True, report="x")
    caller.puts(policy_number="12", day="2026-11-16", nonsense=1)
    agent.knows(policy_number="1234", day="2026-11-16")
    codes = {row.field: row.code for row in agent.reply.rejected}
    assert codes == {"policy_number": "incomplete", "nonsense": "unknown_field"}
