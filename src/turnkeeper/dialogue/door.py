"""At the door: the form that lets a caller in, and what its dialogue may tell.

`turnkeeper.dialogue.verify` has the theory.
"""

from turnkeeper.contract import Rejection, Reply
from turnkeeper.dialogue.draft import Draft
from turnkeeper.dialogue.phrases import phrases
from turnkeeper.dialogue.state import DialogueState
from turnkeeper.dialogue.status import takes_turns
from turnkeeper.dialogue.verify import recorded
from turnkeeper.dialogue.view import blank_progress
from turnkeeper.forms.model import Form, Scalar


def entrance(form: Form) -> Form:
    """The form that is asked at the door: the named fields, in the order of `verify`."""
    named = form.resume.verify if form.resume else ()
    fields = tuple(field for name in named if (field := form.field(name)))
    return form.model_copy(update={"fields": fields, "confirm": False, "resume": None})


def agree(form: Form, state: DialogueState, given: DialogueState) -> bool:
    """Whether the answers given at the door are those that were recorded, in normal form."""
    told, known = given.values(), recorded(form, state)
    return bool(known) and all(_same(value, told.get(name)) for name, value in known.items())


def _same(one: Scalar, other: Scalar | None) -> bool:
    """Capitals are the recogniser's choice ("O'Brien", "O'brien"); everything else counts."""
    return other is not None and str(one).casefold() == str(other).casefold()


def neutral(draft: Draft, asked: Reply, said: str) -> Reply:
    """The door's own reply as the session's: nothing counts as recorded, and the progress is that
    of a form which nobody has begun."""
    return asked.model_copy(
        update={
            "say": said,
            "status": "collecting" if takes_turns(draft.state) else draft.state.status,
            "recorded": {},
            "removed": (),
            "rejected": tuple(_not_asked(draft.form, row) for row in asked.rejected),
            "progress": blank_progress(draft.form),
        }
    )


def _not_asked(form: Form, rejected: Rejection) -> Rejection:
    """The door knows the named fields only; of the others of this form it says what it says of a
    field whose condition does not hold."""
    field = form.field(rejected.field)
    if field is None or rejected.code != "unknown_field":
        return rejected
    say = phrases(form.language)["not_applicable"].format(label=field.spoken_name)
    return rejected.model_copy(update={"code": "not_applicable", "say": say})
