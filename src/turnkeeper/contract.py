"""The names and messages that a client and a session share.

Every message is a frozen model. Unknown fields are ignored and missing ones have defaults, so an
old client talks to a new worker and the other way round. No default is a clock or a random
number: these models are used in workflow code, which is replayed.
"""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field as Discriminated
from typing_extensions import TypedDict

from turnkeeper.forms.model import FieldType, Form, Frozen, Scalar

WORKFLOW = "VoiceSession"
TASK_QUEUE = "turnkeeper"
DEFAULT_PREFIX = "voice:session"
DEFAULT_TENANT = "default"

ATTRIBUTE_FORM = "TurnkeeperForm"
ATTRIBUTE_STATUS = "TurnkeeperStatus"
ATTRIBUTE_FIELD = "TurnkeeperField"
ATTRIBUTE_TENANT = "TurnkeeperTenant"
ATTRIBUTE_TRANSPORT = "TurnkeeperTransport"
SEARCH_ATTRIBUTES = (
    ATTRIBUTE_FORM,
    ATTRIBUTE_STATUS,
    ATTRIBUTE_FIELD,
    ATTRIBUTE_TENANT,
    ATTRIBUTE_TRANSPORT,
)
"""The search attributes of a session, all of Temporal's type Keyword; none is personal."""
MAX_TRANSPORT_ID = 200
"""Characters of a transport's id: a Twilio CallSid has 34."""

SESSION_ENDING = "SessionEnding"
"""The error type of a connect that met a run which is ending: sent anew, the next run has it."""
SESSION_BUSY = "SessionBusy"
"""The error type of an update that was not taken, and is sent again: see `workflows.local`."""
NOT_OPENED = "this session was not opened"
"""The text of a query's failure; any other failure of a query says nothing of the session."""
STORE_FORM = "session-store"
"""The form of `turnkeeper.store.SessionStore`: no questions, any answers."""

MAX_TURN_BYTES = 64 * 1024
"""A message over this is refused before it is sent: at Temporal's own limit (2 MiB a payload) a
session wedges until well after the caller gave up (measured)."""
MAX_PUT_BYTES = 256 * 1024
"""The same of a record in the store: update, marker, state and result each hold all of it."""

Status = Literal[
    "collecting", "confirming", "submitting", "completed",
    "handed_off", "cancelled", "abandoned", "expired", "failed",
]  # fmt: skip
Next = Literal["listen", "hang_up", "transfer"]
TurnEvent = Literal[
    "noinput", "nomatch", "help", "repeat", "skip", "back", "start_over", "cancel", "hand_off",
]  # fmt: skip


# --- in -------------------------------------------------------------------------------------------


class Opening(Frozen):
    """What a session is started with. A start input that cannot be read would fail the workflow
    task for ever, so everything here has a default and is plain text."""

    form: str = ""
    tenant: str = DEFAULT_TENANT
    ttl: timedelta | None = None
    """Stands in for the form's `abandon_after`."""


class Connect(Frozen):
    """A leg begins: a call comes in, a socket opens."""

    kind: Literal["connect"] = "connect"
    connect_id: str
    """Chosen by the client, the same on every retry: one connect makes one leg."""
    transport_id: str = ""
    """The transport's own name for the leg: a Twilio CallSid, a room name."""
    transport_key: str = ""
    """What the leg is found by: `turnkeeper.security.identity.transport_key` of `transport_id`,
    made by the client, which has the tenant's identity key."""
    channel: str = ""


def searched_transport(transport_id: str) -> str:
    """A transport's id as sessions of clients that sent no `transport_key` are indexed: Temporal's
    list filter finds no value with a double quote, a backslash or a quote at its end, however
    escaped (measured, server 1.32)."""
    kept = transport_id[:MAX_TRANSPORT_ID]
    return "".join(sign if sign.isprintable() and sign not in "'\"\\" else "_" for sign in kept)


class Alternative(Frozen):
    """One hypothesis of a recogniser; confidence from 0 to 1."""

    text: str
    confidence: float | None = None


class Turn(Frozen):
    """What a caller said, keyed or did not say, in one go."""

    kind: Literal["turn"] = "turn"
    epoch: str = ""
    """The session's, from its replies: legs of the caller's next session begin at 1 again. Empty:
    not compared."""
    leg: int
    utterance_id: str
    text: str | None = None
    alternatives: tuple[Alternative, ...] = ()
    """The n-best list, best first, when there is one; `text` is then its first."""
    confidence: float | None = None
    dtmf: str | None = None
    answers: dict[str, Scalar | None] = {}
    """Values that the agent's own language model extracted, by field; checked all the same.
    None takes an optional field's answer back."""
    event: TurnEvent | None = None
    said: str | None = None
    """Up to where the caller heard the last reply before barging in."""

    def digest(self) -> str:
        """Sixteen hexadecimal digits of the content, without what names the turn."""
        content = self.model_dump(exclude={"epoch", "leg", "utterance_id"}, exclude_defaults=True)
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    def update_id(self) -> str:
        """The same utterance with the same content, whoever sends it: the stored reply's key. It
        has a digest of what was said, which for a short answer is the answer: it stays inside
        encrypted payloads, and Temporal's own update ids are random."""
        return f"{self.name()}.{self.digest()}"

    def name(self) -> str:
        """The utterance's name, whatever its content."""
        return utterance_name(self.epoch, self.leg, self.utterance_id)


def utterance_name(epoch: str, leg: int, utterance_id: str) -> str:
    """What the query `reply` asks for."""
    return f"{epoch}.{leg}.{utterance_id}"


class Disconnect(Frozen):
    """A leg ended."""

    epoch: str = ""
    leg: int
    reason: str = ""


class Cancel(Frozen):
    """End the session without submitting it."""

    kind: Literal["cancel"] = "cancel"
    request_id: str
    reason: str = ""


class HandOff(Frozen):
    """Leave the caller to a person. The answers wait: a caller who rings back goes on."""

    kind: Literal["hand_off"] = "hand_off"
    request_id: str
    reason: str = ""
    unlock: bool = False
    """Of a form with `resume`: whoever calls has all attempts to show who they are again."""


class Migrate(Frozen):
    """Go on under the version of the form that is deployed now, or under the one before."""

    request_id: str
    reason: str = ""
    back: bool = False


class Put(Frozen):
    """SessionStore's write: the whole of `form_answers` at once, over version `version`."""

    kind: Literal["put"] = "put"
    request_id: str
    version: int
    form_answers: dict[str, Scalar | None] = {}
    last_turn: str | None = None


Message = Annotated[Connect | Turn | Cancel | HandOff | Put, Discriminated(discriminator="kind")]
"""Everything that the dialogue decides on."""


# --- out ------------------------------------------------------------------------------------------


class Expects(Frozen):
    """Hints for the recogniser and the keypad: what the asked field takes."""

    type: FieldType | Literal["confirmation"]
    choices: tuple[str, ...] = ()
    min_digits: int | None = None
    max_digits: int | None = None
    language: str = "en"


class Rejection(Frozen):
    """A value that was offered and not taken."""

    field: str
    code: str
    say: str


class Confirming(TypedDict):
    """A read-back that waits for yes or no; `field` is None for the final one."""

    field: str | None
    value: Scalar | None


class Progress(Frozen):
    """Fields answered or skipped, of those that are asked as things stand."""

    done: int = 0
    total: int = 0


class Reply(Frozen):
    """What a turn, or a connect, led to: a delta, never the whole state."""

    say: str
    epoch: str = ""
    """Which session of this id it is; every turn carries it."""
    leg: int = 0
    utterance_id: str = ""
    status: Status = "collecting"
    next: Next = "listen"
    field: str | None = None
    expects: Expects | None = None
    recorded: dict[str, Scalar] = {}
    """What this turn stored, by field, in normal form."""
    removed: tuple[str, ...] = ()
    """Fields whose answer this turn took away (their condition no longer holds, start over)."""
    rejected: tuple[Rejection, ...] = ()
    confirming: Confirming | None = None
    progress: Progress = Progress()
    restored: bool = False
    """On a connect: whether answers were already there; of a form with `resume`, on the turn that
    shows who it is that calls back."""
    transfer_to: str | None = None
    """With `next` `transfer`: where to, as the form's `hand_off` says; None where it says nothing.
    """


class Outcome(Frozen):
    """How a posted turn ended: its reply, or the type (in `turnkeeper.errors`) and text of its
    error. Neither: it has not been handled yet."""

    reply: Reply | None = None
    error: str | None = None
    message: str = ""


class Leg(Frozen):
    """One phone call or one socket of a session; numbered from 1."""

    number: int
    transport_id: str = ""
    channel: str = ""
    opened_at: datetime
    closed_at: datetime | None = None
    reason: str = ""


class TranscriptEntry(Frozen):
    """One exchange. `heard` is what the caller said or keyed, `said` what was replied."""

    at: datetime
    leg: int
    utterance_id: str = ""
    heard: str = ""
    said: str = ""
    heard_until: str | None = None
    """Up to where the caller heard `said` before barging in; None: nobody said it was cut off."""
    recorded: tuple[str, ...] = ()


class Transcript(Frozen):
    """The newest exchanges, oldest first; `omitted` earlier ones are no longer carried."""

    entries: tuple[TranscriptEntry, ...] = ()
    omitted: int = 0


class LastTurn(Frozen):
    """The newest turn that was applied."""

    utterance_id: str
    leg: int
    heard: str
    at: datetime


class Migration(Frozen):
    """A move of a session to another version of its form."""

    from_version: str
    to_version: str
    at: datetime
    reason: str = ""
    back: bool = False


class Delivery(Frozen):
    """How sending the confirmed form stands."""

    state: Literal["pending", "delivered", "refused", "gave_up"]
    idempotency_key: str
    since: datetime
    detail: str = ""


class Verification(Frozen):
    """How it stands with a form's `resume`."""

    pending: bool = False
    """Somebody called back and has not shown yet who they are."""
    attempts_left: int
    """How often the answers that let a caller in may still be wrong."""
    shut_until: datetime | None = None
    """With no attempt left: when there are attempts again."""


class SessionState(Frozen):
    """What a session holds. `updated_at` is the time of the last turn or connect."""

    session_id: str
    form: str
    form_version: str = ""
    form_answers: dict[str, Scalar] = {}
    last_turn: LastTurn | None = None
    created_at: datetime
    updated_at: datetime
    status: Status = "collecting"
    field: str | None = None
    confirming: Confirming | None = None
    progress: Progress = Progress()
    turns: int = 0
    epoch: str = ""
    """As in the session's replies: what `VoiceSessions.attach` takes."""
    leg: int = 0
    legs: tuple[Leg, ...] = ()
    delivery: Delivery | None = None
    verification: Verification | None = None
    """None of a form without `resume`. While it is pending on an open leg, the state shows what
    that leg may know: no answers, no progress, no earlier turn."""
    discarded: tuple[dict[str, Scalar], ...] = ()
    """What restarts of the session threw away, oldest first."""
    migrations: tuple[Migration, ...] = ()
    """The newest moves to other versions of the form, oldest first."""
    version: int = 0
    """Counts changes; `SessionStore.set` compares it."""
    definition: Form | None = None
    """The form that this session goes by, whatever is deployed now."""
