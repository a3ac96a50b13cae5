"""What callers say about the dialogue itself: one table, a row a command.

A command is recognised when the whole utterance, without politeness, is one of its phrases, so
that "help" is a command and "I was trying to help a friend" is an answer.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from turnkeeper.dialogue.draft import Draft
from turnkeeper.dialogue.events import Answered, Asked, Moved, Questioned, StartedOver
from turnkeeper.dialogue.process import close, leave_out, open_waiting, read_backs, revisit
from turnkeeper.dialogue.speak import help_with
from turnkeeper.dialogue.state import Question, QuestionKind
from turnkeeper.forms.model import Field


@dataclass(frozen=True, slots=True)
class Command:
    """A command's phrases, and what it does to a draft."""

    phrases: tuple[str, ...]
    spoken: Callable[[Draft], None]
    """When a caller says it."""
    sent: Callable[[Draft], None]
    """When a program sends it as `Turn.event`: no confirmation."""


def say_again(draft: Draft) -> None:
    """The last reply again, word for word."""
    draft.repeat = True


def give_help(draft: Draft) -> None:
    """The help of what is asked."""
    draft.says.append(help_with(draft, None if draft.state.question else draft.asked()))


def skip(draft: Draft) -> None:
    """Leave an optional field out; keep the old answer of one that is asked again."""
    question, asked = draft.state.question, draft.asked()
    if question is not None and question.kind == "value":
        asked = draft.form.field(question.field or "")
    elif question is not None:
        _miss(draft)
        return
    if asked is None:
        return
    if asked.name in draft.state.answers:
        _keep(draft, asked)
    elif asked.required:
        draft.say("required", label=asked.spoken_name)
    else:
        leave_out(draft, asked)


def _keep(draft: Draft, asked: Field) -> None:
    if draft.state.question is not None:
        open_waiting(draft, close(draft, None))
    draft.say("kept")
    draft.add(Asked(field=asked.name))


def go_back(draft: Draft) -> None:
    """Ask the field before this one again; its answer stands until there is a new one."""
    before = _before(draft)
    if before is None:
        draft.say("no_way_back")
        return
    revisit(draft, before)


def _before(draft: Draft) -> Field | None:
    """The latest field of the trail before the one that is asked, if it still applies."""
    state, question = draft.state, draft.state.question
    trail = list(state.trail)
    here = question.field if question and question.kind == "value" else state.field
    if not (question and question.kind in ("final", "change")) and here in trail:
        trail = trail[: trail.index(here)]
    fields = (draft.form.field(name) for name in reversed(trail))
    return next((field for field in fields if field and draft.applies(field)), None)


def _asking(kind: QuestionKind) -> Callable[[Draft], None]:
    """A command that is carried out once the caller has said yes."""

    def ask(draft: Draft) -> None:
        waiting = read_backs(draft.state.question)
        draft.add(Questioned(question=Question(kind=kind, then=waiting)))

    return ask


def start_over(draft: Draft) -> None:
    """Throw every answer away (the state keeps them as `discarded`) and begin again."""
    draft.add(StartedOver())
    if draft.state.status != "collecting":
        draft.add(Moved(status="collecting"))
    draft.say("started_over")


def cancel(draft: Draft) -> None:
    """End without submitting."""
    if draft.state.question is not None:
        draft.add(Answered())
    draft.add(Moved(status="cancelled"))


def hand_off(draft: Draft) -> None:
    """Leave the caller to a person, if the form has one; what is asked waits for them."""
    if draft.form.hand_off is None:
        draft.say("no_hand_off")
    else:
        draft.add(Moved(status="handed_off"))


def _noinput(draft: Draft) -> None:
    draft.miss("noinput")


def _miss(draft: Draft) -> None:
    draft.miss("nomatch")


_PERSON = (
    "agent", "human", "human being", "human agent", "real human", "live agent", "live person",
    "operator", "person", "real person", "actual person", "representative", "rep",
    "customer service", "manager", "supervisor",
)  # fmt: skip
_A_PERSON = (
    "someone", "somebody", "someone else", "somebody else", "anyone", "anybody",
    *(f"{article}{who}" for article in ("", "a ", "an ", "the ", "your ") for who in _PERSON),
)  # fmt: skip
_CONNECT = (
    "talk to", "talk with", "speak to", "speak with", "i need to talk to", "i need to speak to",
    "i need to speak with", "connect me to", "connect me with", "transfer me to",
    "put me through to", "put me on to", "hand me over to", "pass me to", "get me",
)  # fmt: skip

COMMANDS: dict[str, Command] = {
    "repeat": Command(
        (
            "repeat", "repeat that", "repeat the question", "say again", "say that again",
            "say it again", "come again", "again", "once more", "one more time", "pardon",
            "pardon me", "excuse me", "what", "what was that", "what did you say",
            "what was the question", "i didn't hear you", "i didn't hear that",
            "i didn't catch that", "i did not catch that", "i didn't get that",
        ),
        say_again,
        say_again,
    ),
    "help": Command(
        (
            "help", "help me", "i need help", "i need some help", "what can i say",
            "what do you mean", "what does that mean", "i don't understand",
            "i do not understand", "what do you need", "where do i find that",
            "where do i find it",
        ),
        give_help,
        give_help,
    ),
    "skip": Command(
        (
            "skip", "skip it", "skip that", "skip this", "skip this question", "skip this one",
            "pass", "next", "next question", "leave it out", "leave it", "leave it blank",
            "move on", "i'd rather not say", "i would rather not say", "i'd rather not",
            "never mind", "nevermind", "doesn't matter", "it doesn't matter",
        ),
        skip,
        skip,
    ),
    "back": Command(
        (
            "back", "go back", "step back", "previous", "previous question", "go back one",
            "the previous one", "the previous question", "go back to the previous question",
            "go to the previous question", "back up", "take me back",
        ),
        go_back,
        go_back,
    ),
    "start_over": Command(
        (
            "start over", "start again", "start from the beginning", "begin again", "restart",
            "let's start over", "start afresh", "start from scratch", "i want to start over",
            "reset",
        ),
        _asking("start_over"),
        start_over,
    ),
    "cancel": Command(
        (
            "cancel", "cancel that", "cancel this", "cancel it", "cancel everything", "quit",
            "exit", "stop", "abort", "forget it", "forget the whole thing", "i want to cancel",
            "i want to stop", "i give up", "end this",
        ),
        _asking("cancel"),
        cancel,
    ),
    "hand_off": Command(
        (
            "operator", "agent", "live agent", "human", "human agent", "real person",
            "representative", "customer service", "transfer me", "connect me", "put me through",
            "is there someone i can talk to",
            "is there someone i can speak to", "is there a person i can talk to",
            "i don't want to talk to a machine", "i don't want to talk to a robot",
            *(f"{connect} {person}" for connect in _CONNECT for person in _A_PERSON),
            *(f"{want} {person}" for want in ("i want", "i need", "i'd like", "give me")
              for person in _A_PERSON if person.endswith(_PERSON)),
        ),
        hand_off,
        hand_off,
    ),
}  # fmt: skip

EVENTS: dict[str, Callable[[Draft], None]] = {
    "noinput": _noinput,
    "nomatch": _miss,
    **{name: command.sent for name, command in COMMANDS.items()},
}
"""What each `Turn.event` does."""

_BY_PHRASE = {phrase: name for name, command in COMMANDS.items() for phrase in command.phrases}

_POLITE = re.compile(
    r"^(?:(?:um+|uh+|er|oh|well|so|okay|ok|sorry|hey|hi|hello|no|wait|please|could you|can you"
    r"|would you|could we|can we|can i|could i|may i|let's|let me|i want to|i'd like to"
    r"|i would like to|just)\s+)+"
    r"|(?:\s+(?:please|thanks|thank you|now|for me|then|um+|uh+|if you can|if possible))+$"
)
_WORDS = re.compile(r"[^\w' ]+")


def command_in(text: str, asked: Field | None) -> str | None:
    """The command that the whole utterance is, if it is one; a choice's own words are not."""
    words = plain(text)
    if asked and any(words in map(plain, (row.value, *row.synonyms)) for row in asked.choices):
        return None
    return _BY_PHRASE.get(words) or _BY_PHRASE.get(bare(text))


def command_to(draft: Draft, text: str, asked: Field | None) -> str | None:
    """The command that the utterance is to this form. Where there is nobody to hand a caller off
    to, "operator" is an answer like any other."""
    command = command_in(text, asked)
    return None if command == "hand_off" and draft.form.hand_off is None else command


def bare(text: str) -> str:
    """The plain words without the politeness and hesitation around them."""
    return _POLITE.sub("", plain(text))


def plain(text: str) -> str:
    """Lower-case words with one space between them, without punctuation."""
    return " ".join(_WORDS.sub(" ", text.lower().replace("’", "'")).split())
