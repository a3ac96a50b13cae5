"""The names and messages that workflows and activities share.

Workflows call activities by these names and never import them, so nothing that an activity needs
(an HTTP client, a date parser) is loaded into workflow code.
"""

from datetime import datetime, timedelta

from turnkeeper.contract import Message, Migrate
from turnkeeper.dialogue.events import Event
from turnkeeper.dialogue.state import DialogueState
from turnkeeper.forms.model import Deliver, Form, Frozen, Scalar

LOAD_FORM = "load_form"
DECIDE = "decide"
SETTLE = "settle"
MIGRATE = "migrate"
DELIVER = "deliver"
DISCARD = "discard"
FIND_RUNS = "find_runs"
SHRED_KEYS = "shred_keys"
DELETE_RUNS = "delete_runs"
CERTIFY_ERASURE = "certify_erasure"

UNKNOWN_FORM = "UnknownForm"
DELIVERY_REFUSED = "DeliveryRefused"
MIGRATION_REFUSED = "MigrationRefused"


class LoadForm(Frozen):
    """Which form a session begins with."""

    form: str
    tenant: str


class Loaded(Frozen):
    """The form as it stands in history from now on, and what this namespace can do."""

    form: Form
    searchable: bool
    """Whether the search attributes are registered: an upsert of others fails workflow tasks."""
    transports: bool = False
    """Whether the calls' own ids are among them: a worker that says nothing knows of none."""
    retains: bool = False
    """Whether the session is erased when the form's `keep_for` is over: a worker that says nothing
    can't."""


class Decide(Frozen):
    """One message, and the state that it meets."""

    form: str
    """The digest of the session's form (`turnkeeper.forms.registry`)."""
    state: DialogueState
    message: Message
    now: datetime
    """The workflow's clock, in UTC."""


class MoveForm(Frozen):
    """A session that is to go by another version of its form."""

    wanted: LoadForm
    """Where the deployed version is."""
    ttl: timedelta | None = None
    """Stands in for its `abandon_after`."""
    before: Form | None = None
    """The version to go back to, of a move back."""
    form: str
    """The digest of the form that the session has."""
    state: DialogueState
    message: Migrate
    on_line: bool = False
    """Whether a caller is."""
    now: datetime
    """The workflow's clock, in UTC."""


class MovedForm(Frozen):
    """The form from now on, and what happens to the answers; no event: it has that form."""

    form: Form
    events: tuple[Event, ...] = ()


class Submission(Frozen):
    """A confirmed form, to be sent to its receiver."""

    to: Deliver
    idempotency_key: str
    session_id: str
    form: str
    version: str
    answers: dict[str, Scalar]
    submitted_at: datetime


class Discard(Frozen):
    """A session that nobody could open."""

    session_id: str
    run_id: str


class Found(Frozen):
    """What there is to erase, for the order that asks."""

    runs: tuple[str, ...] = ()
    keys: int = 0
    """Live keys of the session's id: one or none."""
    newer: bool = False
    """Whether another session of this id goes on: the key is its key, too."""
    settles_in: timedelta = timedelta()
    """Time until nothing that is found now can have been overlooked or is still in use."""


class Doomed(Frozen):
    """Runs to be deleted."""

    session_id: str
    runs: tuple[str, ...]
