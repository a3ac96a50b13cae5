"""A waiting session under another version of its form: what becomes of its answers.

An answer whose field is the same stays. One whose field changed stays if the field as it is now
takes the value as it stands. Every other one is put aside, and comes back under a version that has
a place for it: so the way back is the same walk, from the new version to the old one.

A secret field stays a secret field, in both directions. What was said of it is in the session's
history, and readers are told by the form that the session has what to mask.
"""

from turnkeeper.contract import Migrate, Migration
from turnkeeper.dialogue.draft import Draft, settle
from turnkeeper.dialogue.events import Asked, Event, Migrated, Moved
from turnkeeper.dialogue.interpret import same
from turnkeeper.dialogue.state import Answer, DialogueState
from turnkeeper.errors import MigrationRefused
from turnkeeper.forms.model import Form
from turnkeeper.forms.registry import digest_of
from turnkeeper.values import Context, accept


def migrate(
    old: Form, new: Form, state: DialogueState, request: Migrate, context: Context
) -> tuple[Event, ...]:
    """What happens when a session goes from `old` to `new`; nothing if they are the same.

    Args:
        context: that of the new form; the events' time is its.

    Raises:
        MigrationRefused: the new form does not name the old version, has the same, or shows a
            field that is secret.
    """
    if digest_of(old) == digest_of(new):
        return ()
    _require_way(old, new, back=request.back)
    draft = Draft(new, state, context)
    draft.add(_migrated(old, draft, request))
    if draft.state.status == "confirming":
        draft.add(Moved(status="collecting"))
    settle(draft)
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
    secret = {field.name for field in new.fields if field.secret}
    shown = [field.name for field in old.fields if field.secret and field.name not in secret]
    if shown:
        raise MigrationRefused(
            f"{shown[0]} is a secret field in version {old.version} and not in {new.version}"
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
