"""A waiting session under another version of its form: what becomes of its answers.

An answer whose field is the same stays. One whose field changed stays if the field as it is now
takes the value as it stands. Every other one is put aside, and comes back under a version that has
a place for it: so the way back is the same walk, from the new version to the old one.

A secret field stays a secret field, and no other field becomes one, in both directions: what was
said of it is in the session's history, transcript and replies, and readers are told by the form
that the session has what to mask.
"""

from turnkeeper.contract import Migrate, Migration
from turnkeeper.dialogue.draft import Draft, settle
from turnkeeper.dialogue.events import Asked, Event, Migrated, Moved
from turnkeeper.dialogue.interpret import same
from turnkeeper.dialogue.state import Answer, DialogueState
from turnkeeper.dialogue.status import runs_out
from turnkeeper.dialogue.verify import recorded
from turnkeeper.errors import MigrationRefused
from turnkeeper.forms.model import Form
from turnkeeper.forms.registry import digest_of
from turnkeeper.values import Context, accept


def migrate(
    old: Form,
    new: Form,
    state: DialogueState,
    request: Migrate,
    context: Context,
    *,
    on_line: bool = False,
) -> tuple[Event, ...]:
    """What happens when a session goes from `old` to `new`; nothing if they are the same.

    Args:
        context: that of the new form; the events' time is its.
        on_line: whether a caller is; they would be asked what they do not know of.

    Raises:
        MigrationRefused: the new form does not name the old version, has the same, shows a field
            that is secret, or hides one that was shown; or the session does not wait for a caller;
            or its caller could not go on with it.
    """
    if digest_of(old) == digest_of(new):
        return ()
    _require_way(old, new, back=request.back)
    _require_secrecy(old, new, state)
    _require_waiting(state, on_line)
    draft = Draft(new, state, context)
    draft.add(_migrated(old, draft, request))
    if draft.state.status == "confirming":
        draft.add(Moved(status="collecting"))
    settle(draft)
    _require_future(old, draft)
    missing = [field.name for field in draft.missing()]
    asked = state.field if state.field in missing else next(iter(missing), None)
    draft.add(Asked(field=asked))
    return tuple(draft.events)


def _require_way(old: Form, new: Form, *, back: bool) -> None:
    if old.version == new.version:
        raise MigrationRefused(
            f"the form was changed and is still version {new.version}; give it another version"
        )
    if not back and old.version not in new.migrates_from:
        raise MigrationRefused(
            f"version {new.version} of the form does not have {old.version} in `migrates_from`"
        )


def _require_secrecy(old: Form, new: Form, state: DialogueState) -> None:
    was, becomes = ({field.name for field in form.fields if field.secret} for form in (old, new))
    for name in sorted(was - becomes):
        raise MigrationRefused(
            f"{name} is a secret field in version {old.version} and not in {new.version}"
        )
    shown = ({field.name for field in old.fields} | state.put_aside.keys()) - was
    for name in sorted(becomes & shown):
        raise MigrationRefused(
            f"{name} is a secret field in version {new.version}, and was none before"
        )


def _require_waiting(state: DialogueState, on_line: bool) -> None:
    if on_line:
        raise MigrationRefused("a caller is on the line; migrate once they have hung up")
    if state.door is not None:
        raise MigrationRefused("its caller has yet to show who they are; migrate after that")


def _require_future(old: Form, draft: Draft) -> None:
    """Under the new form the caller still has time, and is let in where they were before."""
    new, before, now = draft.form, draft.before, draft.context.now
    due, ended = runs_out(new, draft.state, now)
    if due <= now:
        raise MigrationRefused(f"by the time-outs of version {new.version} it is {ended} by now")
    named = new.resume.verify if new.resume else ()
    lacks = [name for name in named if name not in draft.state.answers]
    anew = old.resume is not None and not recorded(old, before)
    if lacks and not anew and (before.answers or before.shelved):
        raise MigrationRefused(
            f"`resume` of version {new.version} asks for {lacks[0]}, of which there is no answer "
            "that it takes: the caller would have to begin anew"
        )


def _migrated(old: Form, draft: Draft, request: Migrate) -> Migrated:
    state, new = draft.state, draft.form
    held = {**state.shelved, **state.answers}
    removed = [
        name
        for name, answer in held.items()
        if old.field(name) != new.field(name) and not _fits(draft, name, answer)
    ]
    required = {field.name for field in new.fields if field.required}
    skipped = tuple(name for name in state.skipped if name not in required)
    taken = (held.keys() - removed) | set(skipped)
    aside = state.put_aside.items()
    return Migrated(
        migration=Migration(
            from_version=old.version,
            to_version=new.version,
            at=draft.at,
            reason=request.reason,
            back=request.back,
        ),
        removed=tuple(removed),
        restored=tuple(n for n, answer in aside if n not in taken and _fits(draft, n, answer)),
        skipped=skipped,
    )


def _fits(draft: Draft, name: str, answer: Answer) -> bool:
    """Whether the form has the field, and the field takes the value as it stands."""
    field = draft.form.field(name)
    if field is None:
        return False
    reading = accept(field, answer.value, draft.context)
    value = reading.value
    return reading.kind == "value" and value is not None and same(value, answer.value)
