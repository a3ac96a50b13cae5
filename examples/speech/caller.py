"""The caller: knows what happened, answers what is asked, and listens to what is read back.

No line of the call is written down. The caller says the answer to whatever is asked, hears each
read-back to its end, says no when a value in it is another than was meant, and then says it again,
in other words or at another pace, as a person does.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

from examples.speech.grammars import ORDINALS
from examples.speech.voices import Pace
from turnkeeper.contract import Reply
from turnkeeper.forms.model import Field, Form, Scalar
from turnkeeper.values import mask

DAYS_AGO = 5
"""When it happened: within the week, so that "last Tuesday" is the day."""

PACES = (
    Pace(words_a_minute=130, gap=3),
    Pace(words_a_minute=150, gap=0),
    Pace(words_a_minute=160, gap=3),
    Pace(words_a_minute=130, gap=0),
)
"""In turn, each time that something is said again. The first is word for word, as a number is read
off a card: it sounds clear, and is where digits are misheard, since stops sound like digits. The
others run on."""

FIGURES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


class Answer(NamedTuple):
    """What the caller means, and the ways to say it, the likeliest first."""

    meant: tuple[Scalar, ...]
    """Any of these. Several for a free text, which has other words for the same; none for what
    the caller leaves out."""
    wordings: tuple[str, ...]


class Spoken(NamedTuple):
    """One line of the caller's."""

    words: str
    pace: Pace


class Caller:
    """Somebody with a claim. `answers` has every field that may be asked, by name."""

    def __init__(self, form: Form, answers: Mapping[str, Answer]) -> None:
        self._form = form
        self._answers = answers
        self._wrong: Field | None = None
        self._said: Counter[str] = Counter()

    def reply_to(self, reply: Reply) -> Spoken:
        """What the caller says to it."""
        if reply.confirming is not None:
            self._wrong = self._wrong_in(reply)
            return self._say("no" if self._wrong else "yes")
        if reply.field is not None:
            return self._say(*self._answers[reply.field].wordings)
        if self._wrong is not None:  # What should I change?
            return self._say(f"the {self._wrong.spoken_name}")
        return self._say("repeat that")

    def misses(self, answers: Mapping[str, Scalar]) -> list[str]:
        """The fields of a form's answers that are not as the caller meant them."""
        return [
            name
            for name, answer in self._answers.items()
            if (answers[name] not in answer.meant if name in answers else bool(answer.meant))
        ]

    def _wrong_in(self, reply: Reply) -> Field | None:
        """The first field that is read back with a value that was not meant, or not at all."""
        only = reply.confirming["field"] if reply.confirming else None
        fields = [field for field in self._form.fields if only in (None, field.name)]
        return next((one for one in fields if not self._is_right(one, reply.say, only)), None)

    def _is_right(self, field: Field, said: str, only: str | None) -> bool:
        """Whether a read-back has what was meant: compared as words, as it is heard."""
        label = "" if only else f"{field.spoken_name[:1].upper()}{field.spoken_name[1:]}:"
        meant = self._answers[field.name].meant
        if not meant:
            return label not in said
        return any(f"{label} {mask(field, one, self._form.language)}." in said for one in meant)

    def _say(self, *wordings: str) -> Spoken:
        times = self._said[wordings[0]]
        self._said[wordings[0]] += 1
        return Spoken(wordings[times % len(wordings)], PACES[times % len(PACES)])


def roadside_claim(today: date) -> dict[str, Answer]:
    """What happened to the caller of forms/roadside_claim.yaml; `today` is in its time zone."""
    day = today - timedelta(days=DAYS_AGO)
    behind = "someone ran into the back of my car at a red light"
    briefly = "another car hit the back of my car"
    return {
        "policy_number": Answer(("44129907",), (digit_by_digit("44129907"),)),
        "what_happened": Answer(("collision",), ("it was a collision", "a collision")),
        "incident_date": Answer((day.isoformat(),), (f"last {day:%A}".lower(), named(day))),
        "incident_time": Answer(
            ("14:30",), ("around two thirty in the afternoon", "half past two in the afternoon")
        ),
        "postal_code": Answer(("94110",), (digit_by_digit("94110"),)),
        "injured": Answer((False,), ("no nobody was", "no")),
        "police_report": Answer((), ("skip",)),
        "drivable": Answer((False,), ("no it can not", "no")),
        "callback_number": Answer(("+14155550123",), (digit_by_digit("4155550123"),)),
        "email": Answer((), ("skip",)),
        "description": Answer((behind, briefly), (behind, briefly)),
    }


def digit_by_digit(digits: str) -> str:
    return " ".join(FIGURES[int(digit)] for digit in digits)


def named(day: date) -> str:
    """`november the seventeenth`."""
    return f"{day:%B} the {ORDINALS[day.day - 1]}".lower()
