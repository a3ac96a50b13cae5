"""A session as headed lists of name and value: what `turnkeeper sessions show` prints."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from turnkeeper.cli.display import Fact, ago, moment
from turnkeeper.cli.talk_view import shown
from turnkeeper.contract import Delivery, Leg, Migration, SessionState, Verification

if TYPE_CHECKING:
    from turnkeeper.backend import DeliveryAttempts

Section = tuple[str, Sequence[Fact]]


def facts(
    state: SessionState, attempts: "DeliveryAttempts | None", now: datetime
) -> Iterator[Section]:
    """The sections that a session has something in; `now` is what times are told from."""
    yield "session", _session(state, now)
    yield "answers", _answers(state)
    yield "legs", [_leg(leg, now) for leg in reversed(state.legs)]
    if state.delivery:
        yield "delivery", [*_delivery(state.delivery, now), *_attempts(attempts, now)]
    if state.migrations:
        yield "migrations", [_migration(move, now) for move in reversed(state.migrations)]
    for number, thrown_away in enumerate(state.discarded, start=1):
        rows = [(field, shown(value)) for field, value in thrown_away.items()]
        yield f"discarded by start over {number}", rows or [("", "nothing")]


def _session(state: SessionState, now: datetime) -> list[Fact]:
    progress = f"{state.progress.done} of {state.progress.total} answered"
    rows = [
        ("form", f"{state.form}, version {state.form_version}"),
        ("status", f"{state.status}, {progress}"),
    ]
    if state.confirming:
        field, value = state.confirming["field"], state.confirming["value"]
        rows.append(("waits for yes", f"{field} = {shown(value)}" if field else "everything"))
    elif state.field and state.status == "collecting":
        rows.append(("asked", state.field))
    rows += [("begun", moment(state.created_at, now)), ("updated", moment(state.updated_at, now))]
    rows.append(("turns and requests", str(state.turns)))
    if state.verification and (state.verification.pending or not state.verification.attempts_left):
        rows.append(("called back", _verification(state.verification)))
    if state.last_turn and state.last_turn.leg:
        rows.append(("last heard", state.last_turn.heard or "(silence)"))
    elif state.last_turn:  # An operator's or a program's, which is on no leg.
        rows.append(("last request", moment(state.last_turn.at, now)))
    return rows


def _verification(about: Verification) -> str:
    if about.shut_until is None:
        return f"not let in yet, {about.attempts_left} attempts left"
    return (
        f"not let in, no attempt left until {about.shut_until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    )


def _answers(state: SessionState) -> list[Fact]:
    rows = [(field, shown(value)) for field, value in state.form_answers.items()]
    return rows or [("", "none yet")]


def _leg(leg: Leg, now: datetime) -> Fact:
    about = ", ".join(part for part in (leg.channel, leg.transport_id) if part)
    began = f"began {moment(leg.opened_at, now)}"
    ended = f"ended {ago(leg.closed_at, now)}: {leg.reason}" if leg.closed_at else "not hung up"
    return str(leg.number), ", ".join(part for part in (about, began, ended) if part)


def _migration(move: Migration, now: datetime) -> Fact:
    way = f"{'back ' if move.back else ''}from version {move.from_version} to {move.to_version}"
    return moment(move.at, now), f"{way}: {move.reason}" if move.reason else way


def _delivery(delivery: Delivery, now: datetime) -> list[Fact]:
    rows = [
        ("state", delivery.state),
        ("since", moment(delivery.since, now)),
        ("idempotency key", delivery.idempotency_key),
    ]
    return [*rows, ("detail", delivery.detail)] if delivery.detail else rows


def _attempts(attempts: "DeliveryAttempts | None", now: datetime) -> list[Fact]:
    if attempts is None:
        return []
    rows = [("attempts", str(attempts.attempts))]
    if attempts.last_failure:
        rows.append(("last failure", attempts.last_failure))
    if attempts.next_at:
        rows.append(("next attempt", ago(attempts.next_at, now)))
    return rows
