"""Each turn is applied once, by the newest leg, and answered again as often as it is asked."""

from datetime import UTC, datetime

import pytest

from turnkeeper.contract import Connect, Outcome, Reply, Turn
from turnkeeper.errors import SupersededLeg, TurnConflict
from turnkeeper.ledger import KEPT_LEGS, KEPT_REPLIES, Ledger, LedgerRecord, connect_key

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def ledger_with(legs: int = 1) -> Ledger:
    ledger = Ledger(LedgerRecord(epoch="e1"))
    for number in range(1, legs + 1):
        ledger.open_leg(Connect(connect_id=f"c{number}"), Reply(say="hello", leg=number), NOW)
    return ledger


def turn(utterance: str, text: str = "yes", leg: int = 1) -> Turn:
    return Turn(epoch="e1", leg=leg, utterance_id=utterance, text=text)


def reply(utterance: str, say: str = "ok", leg: int = 1) -> Reply:
    return Reply(say=say, epoch="e1", utterance_id=utterance, leg=leg)


def test_a_leg_that_was_fenced_is_over_until_the_next_one_also_after_it_was_carried() -> None:
    ledger = ledger_with()
    ledger.take(turn("u1"), reply("u1"))
    ledger.fence("migrated", NOW)
    ledger = Ledger(LedgerRecord.model_validate_json(ledger.record().model_dump_json()))
    assert (ledger.is_on_line, ledger.legs[-1].reason) == (False, "migrated")
    assert ledger.answered(turn("u1")) == reply("u1")
    with pytest.raises(SupersededLeg, match="leg 1 ended when the form went"):
        ledger.admit(turn("u2"))
    ledger.open_leg(Connect(connect_id="c2"), Reply(say="hello", leg=2), NOW)
    assert ledger.admit(turn("u2", leg=2)) is False


def test_a_new_utterance_of_the_newest_leg_is_applied() -> None:
    assert ledger_with().admit(turn("u1")) is False


def test_the_same_turn_again_has_its_stored_reply() -> None:
    ledger = ledger_with()
    ledger.take(turn("u1"), reply("u1", "first"))
    stored = ledger.stored(turn("u1").update_id())
    assert stored is not None
    assert stored.say == "first"


def test_the_newest_utterance_with_other_words_amends() -> None:
    ledger = ledger_with()
    ledger.take(turn("u1", "my name is"), reply("u1"))
    assert ledger.stored(turn("u1", "my name is Ada").update_id()) is None
    assert ledger.admit(turn("u1", "my name is Ada")) is True


def test_an_older_utterance_with_other_words_is_a_conflict() -> None:
    ledger = ledger_with()
    ledger.take(turn("u1"), reply("u1"))
    ledger.take(turn("u2"), reply("u2"))
    with pytest.raises(TurnConflict, match="already answered"):
        ledger.admit(turn("u1", "something else"))


def test_an_older_leg_is_fenced_even_for_new_words() -> None:
    with pytest.raises(SupersededLeg, match="superseded by leg 2"):
        ledger_with(legs=2).admit(turn("u9", leg=1))


def test_a_leg_that_was_never_opened_is_refused() -> None:
    with pytest.raises(SupersededLeg, match="never opened"):
        ledger_with().admit(turn("u1", leg=7))


def test_an_older_leg_still_hears_its_stored_reply() -> None:
    ledger = ledger_with()
    ledger.take(turn("u1"), reply("u1", "first"))
    ledger.open_leg(Connect(connect_id="c2"), Reply(say="back", leg=2), NOW)
    assert ledger.stored(turn("u1").update_id()) is not None


def test_the_same_utterance_id_on_another_leg_is_another_utterance() -> None:
    ledger = ledger_with()
    ledger.take(turn("u1"), reply("u1"))
    ledger.open_leg(Connect(connect_id="c2"), Reply(say="back", leg=2), NOW)
    assert ledger.admit(turn("u1", leg=2)) is False


def test_a_connect_is_remembered_under_its_id() -> None:
    ledger = ledger_with(legs=2)
    stored = ledger.stored(connect_key("c1"))
    assert stored is not None
    assert stored.leg == 1


def test_a_new_leg_closes_the_one_before() -> None:
    first, second = ledger_with(legs=2).legs
    assert (first.closed_at, first.reason) == (NOW, "superseded")
    assert second.closed_at is None


def test_closing_a_leg_twice_keeps_the_first_reason() -> None:
    ledger = ledger_with()
    assert ledger.close_leg(1, "drop", NOW)
    assert not ledger.close_leg(1, "hang_up", NOW)
    assert ledger.legs[0].reason == "drop"


def test_a_turn_whose_reply_is_no_longer_kept_is_refused_rather_than_applied_twice() -> None:
    ledger = ledger_with()
    for number in range(KEPT_REPLIES + 5):
        ledger.take(turn(f"u{number}"), reply(f"u{number}"))
    assert ledger.stored(turn("u0").update_id()) is None
    with pytest.raises(TurnConflict):
        ledger.admit(turn("u0"))


def test_a_change_from_outside_makes_the_newest_turn_final() -> None:
    ledger = ledger_with()
    ledger.take(turn("u1"), reply("u1"))
    ledger.settle()
    with pytest.raises(TurnConflict):
        ledger.admit(turn("u1", "other words"))


def test_everything_survives_being_carried_as_json() -> None:
    ledger = ledger_with(legs=2)
    ledger.take(turn("u1", leg=2), reply("u1", "first"))
    carried = Ledger(LedgerRecord.model_validate_json(ledger.record().model_dump_json()))
    assert carried.record() == ledger.record()
    assert carried.stored(turn("u1", leg=2).update_id()) == reply("u1", "first")
    assert carried.admit(turn("u1", "amended", leg=2)) is True


def test_legs_and_replies_are_bounded() -> None:
    ledger = ledger_with(legs=200)
    record = ledger.record()
    assert len(record.legs) == KEPT_LEGS
    assert len(record.replies) == KEPT_REPLIES
    assert ledger.leg == 200


def test_a_message_of_the_callers_former_session_is_refused() -> None:
    ledger = ledger_with()
    asked = turn("u1")
    assert ledger.own(asked) == asked
    assert ledger.own(asked.model_copy(update={"epoch": ""})) == asked
    with pytest.raises(SupersededLeg, match="has ended"):
        ledger.own(asked.model_copy(update={"epoch": "e0"}))


def test_an_utterance_that_goes_back_to_its_first_words_amends_again() -> None:
    ledger = ledger_with()
    ledger.take(turn("u1", "4321"), reply("u1"))
    ledger.take(turn("u1", "4322"), reply("u1"))
    carried = Ledger(LedgerRecord.model_validate_json(ledger.record().model_dump_json()))
    for known in (ledger, carried):
        assert known.answered(turn("u1", "4321")) is None
        assert known.admit(turn("u1", "4321")) is True
        assert known.answered(turn("u1", "4322")) == reply("u1")


def test_an_older_utterance_that_goes_back_has_the_reply_that_it_had() -> None:
    ledger = ledger_with()
    ledger.take(turn("u1", "4321"), reply("u1", "first"))
    ledger.take(turn("u1", "4322"), reply("u1", "second"))
    ledger.take(turn("u2"), reply("u2"))
    assert ledger.answered(turn("u1", "4321")) == reply("u1", "first")


def test_a_ledger_of_an_older_release_knows_no_content_and_answers_as_that_did() -> None:
    ledger = ledger_with()
    ledger.take(turn("u1", "4321"), reply("u1"))
    ledger.take(turn("u1", "4322"), reply("u1"))
    old = ledger.record().model_copy(update={"content": None})
    assert Ledger(old).answered(turn("u1", "4321")) == reply("u1")


def test_the_outcome_of_an_utterance_is_its_newest_one_whether_reply_or_error() -> None:
    ledger = ledger_with()
    asked = turn("u1")
    assert ledger.outcome(asked.name()) == Outcome()
    ledger.take(asked, reply("u1", "first"))
    assert ledger.outcome(asked.name()).reply == reply("u1", "first")
    assert ledger.outcome(asked.update_id()).reply == reply("u1", "first")
    ledger.fail(turn("u1", "other"), "TurnConflict", "no")
    carried = Ledger(LedgerRecord.model_validate_json(ledger.record().model_dump_json()))
    assert carried.outcome(asked.name()) == Outcome(error="TurnConflict", message="no")
    ledger.take(turn("u1", "again"), reply("u1", "second"))
    assert ledger.outcome(asked.name()).reply == reply("u1", "second")


def test_the_outcome_on_another_leg_is_another_one() -> None:
    ledger = ledger_with(legs=2)
    ledger.take(turn("u1", leg=2), reply("u1", leg=2))
    assert ledger.outcome(turn("u1", leg=1).name()) == Outcome()


def test_a_request_is_known_again_after_it_was_carried() -> None:
    ledger = ledger_with()
    ledger.take_request("r1")
    carried = Ledger(LedgerRecord.model_validate_json(ledger.record().model_dump_json()))
    assert carried.has_request("r1")
    assert not carried.has_request("r2")
