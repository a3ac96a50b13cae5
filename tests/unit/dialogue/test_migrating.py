"""A waiting session under another version of its form: what stays, what is put aside, what comes
back, and what is refused."""

from datetime import timedelta

import pytest

from tests.unit.dialogue.talk import Caller, field, form, talk
from turnkeeper.contract import Migrate
from turnkeeper.dialogue.evolve import fold
from turnkeeper.dialogue.migrate import migrate
from turnkeeper.errors import MigrationRefused
from turnkeeper.forms.model import Form, Scalar
from turnkeeper.values import Context

POLICY = field("policy", "digits", length=4)
STORY = field("story")
NOTE = field("note", required=False)
CITY = field("city")
OLD = form(POLICY, STORY, NOTE, CITY, version="1")


def newer(*fields: object, **more: object) -> Form:
    return Form.model_validate(
        {"form": "claim", "version": "2", "migrates_from": ("1",), "fields": fields, **more}
    )


def waiting(of: Form = OLD) -> Caller:
    """A caller who gave a policy and a story, skipped the note, and is asked for the city."""
    caller, _ = talk(of)
    for words in ("1234", "it rained", "skip"):
        caller.says(words)
    return caller


def moved(caller: Caller, new: Form, *, back: bool = False) -> dict[str, Scalar]:
    """The answers after the session of `caller` went to `new`."""
    request = Migrate(request_id="r", back=back, reason="why")
    events = migrate(caller.form, new, caller.state, request, Context(now=caller.now))
    caller.state = fold(caller.state, events)
    caller.form = new
    return caller.state.values()


def test_answers_to_fields_that_are_the_same_are_kept_and_the_first_open_field_is_asked() -> None:
    caller = waiting()
    assert moved(caller, newer(field("day", "date"), POLICY, STORY, NOTE)) == {
        "policy": "1234",
        "story": "it rained",
    }
    assert (caller.state.field, caller.state.skipped) == ("day", ("note",))
    (move,) = caller.state.migrations
    assert (move.from_version, move.to_version, move.reason) == ("1", "2", "why")
    assert caller.connects().field == "day"


def test_an_answer_that_a_changed_field_takes_as_it_stands_is_kept() -> None:
    assert moved(waiting(), newer(field("policy", "digits", length=(4, 6)), STORY, CITY)) == {
        "policy": "1234",
        "story": "it rained",
    }


def test_answers_without_a_place_are_put_aside_and_come_back_with_the_version_before() -> None:
    caller = waiting()
    assert moved(caller, newer(field("policy", "digits", length=6), CITY)) == {}
    assert caller.state.put_aside.keys() == {"policy", "story"}
    caller.program(policy="123456")
    assert moved(caller, OLD, back=True) == {"policy": "1234", "story": "it rained"}
    assert caller.state.put_aside["policy"].value == "123456"
    assert (caller.state.field, caller.state.skipped) == ("city", ("note",))


def test_an_answer_that_was_given_meanwhile_stands_before_one_that_was_put_aside() -> None:
    caller = waiting()
    moved(caller, newer(field("policy", "digits", length=4), CITY))
    moved(caller, OLD, back=True)
    caller.program(story="it hailed")
    assert moved(caller, newer(POLICY, STORY, CITY))["story"] == "it hailed"


def test_a_field_that_was_skipped_and_is_required_now_is_asked() -> None:
    caller = waiting()
    moved(caller, newer(POLICY, STORY, field("note"), CITY))
    assert (caller.state.field, caller.state.skipped) == ("city", ())
    assert caller.connects().field == "note"


def test_what_was_put_aside_is_thrown_away_with_the_rest_by_whoever_starts_over() -> None:
    caller = waiting()
    moved(caller, newer(field("policy", "digits", length=6), STORY, CITY))
    caller.says("start over")
    caller.says("yes")
    assert caller.state.discarded == ({"policy": "1234"}, {"story": "it rained"})
    assert moved(caller, OLD, back=True) == {}


def test_what_was_put_aside_is_none_of_those_for_whom_the_form_begins_anew() -> None:
    guarded: dict[str, object] = {"resume": {"verify": ("policy",)}}
    caller, _ = talk(form(POLICY, STORY, version="1", **guarded))
    caller.program(story="it rained")
    old = caller.form
    moved(caller, newer(POLICY, field("story", "number"), **guarded))
    caller.connects()
    assert caller.state.begun_anew is not None
    assert moved(caller, old, back=True) == {}
    assert caller.state.discarded == ({"story": "it rained"},)


def test_an_answer_that_is_taken_back_under_the_new_version_does_not_come_back() -> None:
    caller = waiting()
    moved(caller, newer(field("policy", "digits", length=6), STORY, CITY))
    caller.puts(policy="123456", story="it rained")
    caller.puts(story="it rained")
    assert moved(caller, OLD, back=True) == {"story": "it rained"}


def test_a_final_read_back_is_void_under_another_version() -> None:
    caller = waiting()
    caller.says("Oslo")
    assert caller.state.status == "confirming"
    moved(caller, newer(POLICY, STORY, NOTE, CITY, field("day", "date")))
    assert (caller.state.status, caller.state.question, caller.state.field) == (
        "collecting",
        None,
        "day",
    )


def test_an_answer_whose_condition_fell_is_shelved_and_not_lost() -> None:
    caller = waiting()
    new = newer(POLICY, field("story", when='policy == "9999"'), NOTE, CITY)
    assert moved(caller, new) == {"policy": "1234"}
    assert caller.state.shelved.keys() == {"story"}
    assert moved(caller, OLD, back=True) == {"policy": "1234", "story": "it rained"}


def test_nothing_happens_to_a_session_that_has_the_form() -> None:
    caller = waiting()
    before = caller.state
    moved(caller, OLD)
    assert caller.state == before


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (newer(POLICY, migrates_from=("0",)), "does not have 1 in `migrates_from`"),
        (newer(POLICY, version="1"), "still version 1; give it another version"),
        (newer(STORY), "pin is a secret field in version 1 and not in 2"),
        (newer(field("pin", "digits")), "pin is a secret field in version 1 and not in 2"),
        (
            newer(field("pin", "digits", secret=True), field("story", secret=True)),
            "story is a secret field in version 2, and was none before",
        ),
    ],
)
def test_what_is_refused_is_said_in_a_sentence(new: Form, why: str) -> None:
    caller, _ = talk(form(field("pin", "digits", secret=True), STORY, version="1"))
    with pytest.raises(MigrationRefused, match=why):
        moved(caller, new)


def test_a_field_that_was_put_aside_comes_back_as_no_secret() -> None:
    caller = waiting()
    moved(caller, newer(POLICY, CITY))
    third = newer(POLICY, field("story", secret=True), CITY, version="3", migrates_from=("2",))
    with pytest.raises(
        MigrationRefused, match="story is a secret field in version 3, and was none"
    ):
        moved(caller, third)


RESUMES: dict[str, object] = {"resume": {"verify": ("policy",)}}


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (
            newer(field("policy", "digits", length=6), STORY, CITY, **RESUMES),
            "`resume` of version 2 asks for policy",
        ),
        (newer(POLICY, STORY, CITY, abandon_after="PT1H"), "version 2 it is abandoned by now"),
        (newer(POLICY, STORY, CITY, expire_after="PT1H"), "version 2 it is expired by now"),
    ],
)
def test_a_version_under_which_the_caller_could_not_go_on_is_refused(new: Form, why: str) -> None:
    caller = waiting()
    caller.now += timedelta(hours=2)
    with pytest.raises(MigrationRefused, match=why):
        moved(caller, new)


def test_a_caller_who_is_let_in_by_an_answer_that_stays_goes_on() -> None:
    caller = waiting()
    assert moved(caller, newer(POLICY, STORY, CITY, **RESUMES))["policy"] == "1234"


def test_there_is_nothing_to_refuse_for_a_caller_who_would_begin_anew_all_the_same() -> None:
    caller, _ = talk(form(POLICY, STORY, version="1", **RESUMES))
    caller.program(story="it rained")
    assert moved(caller, newer(POLICY, STORY, CITY, **RESUMES)) == {"story": "it rained"}
