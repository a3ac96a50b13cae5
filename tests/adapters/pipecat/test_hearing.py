"""What is new in a context, whichever frame brings it."""

import pytest

pytest.importorskip("pipecat", reason="scripts/adapters has an environment for it")

from pipecat.processors.aggregators.llm_context import LLMContext, LLMSpecificMessage

from turnkeeper.adapters.pipecat.hearing import Hearing, ends_with_user, heard_until


def context(*said: str) -> LLMContext:
    """Messages written as "u words" (user), "a words" (assistant), "d words" (developer)."""
    made = LLMContext()
    add(made, *said)
    return made


def add(to: LLMContext, *said: str) -> None:
    for one in said:
        who, _, words = one.partition(" ")
        if who == "u":
            to.add_message({"role": "user", "content": words})
        elif who == "a":
            to.add_message({"role": "assistant", "content": words})
        else:
            to.add_message({"role": "developer", "content": words})


def test_each_message_is_new_once() -> None:
    hearing, talk = Hearing(), context("a Hello.", "u one")
    assert hearing.new_words(talk) == ["one"]
    assert hearing.new_words(talk) == []
    add(talk, "a And?", "u two")
    assert hearing.new_words(talk) == ["two"]


def test_a_message_whose_own_frame_was_lost_comes_with_the_next_one() -> None:
    hearing, talk = Hearing(), context("a Hello.")
    assert hearing.new_words(talk) == []
    add(talk, "u one", "a One moment.", "u two")
    assert hearing.new_words(talk) == ["one", "two"]


def test_what_was_there_before_the_call_is_not_new_but_for_its_end() -> None:
    assert Hearing().new_words(context("u old", "a Yes.", "u new", "d be kind")) == ["new"]


def test_a_context_that_was_cut_down_goes_on_with_its_end() -> None:
    hearing = Hearing()
    hearing.new_words(context("u one", "a Yes.", "u two"))
    assert hearing.new_words(context("d summary", "a And?", "u three")) == ["three"]


def test_words_in_parts_are_heard_and_pictures_are_not() -> None:
    talk = LLMContext()
    talk.add_message(
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "this"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,"}},
            ],
        }
    )
    talk.add_message(LLMSpecificMessage("openai", {"role": "user", "content": "not ours"}))
    assert Hearing().new_words(talk) == ["this"]


def test_only_the_reply_right_before_the_words_was_cut_off_by_them() -> None:
    assert heard_until(context("a Was any", "u no")) == "Was any"
    assert heard_until(context("a Was any", "u no", "u no")) == "Was any"
    assert heard_until(context("a Was any", "d hurry", "u no")) is None
    assert heard_until(context("u no")) is None


def test_a_context_waits_for_an_answer_while_the_caller_spoke_last() -> None:
    assert ends_with_user(context("a Hello.", "u one"))
    assert not ends_with_user(context("u one", "a And?"))
    assert not ends_with_user(context())
