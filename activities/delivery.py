"""Delivery: a confirmed form is POSTed to its receiver, until it takes it.

The Idempotency-Key (draft-ietf-httpapi-idempotency-key-header) is the same on every attempt, so a
receiver that remembers keys books once, however often the line to it breaks.

Of the answer only the status counts: its body is not read, for it may be long or quote the form,
and a redirect is not followed, for it would take the form and its credential somewhere else.
"""

import os
import ssl
from functools import cache

import httpx
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.contract import DELIVER, DELIVERY_REFUSED, Submission
from turnkeeper.forms.form_rules import is_workers_own
from turnkeeper.instruments import DELIVERIES
from turnkeeper.security.identity import tenant_of
from turnkeeper.telemetry.metrics import count

TIMEOUT_SECONDS = 10.0
REFUSED_FOR_GOOD = frozenset({400, 410, 413, 415, 422})
"""Answers that no later attempt can change: the receiver read the form and says no. All others
(a wrong credential, a missing route, a server in trouble) are somebody's to mend meanwhile."""


@activity.defn(name=DELIVER)
async def deliver(submission: Submission) -> int:
    """Send the form; the receiver's status code when it took it.

    Raises:
        ApplicationError: type `DeliveryRefused` (final), or `DeliveryFailed` (tried again).
            Its text has a status code or an error's type, never an answer.
    """
    outcome = "failed"
    try:
        code = await _sent(submission)
        outcome = "delivered"
        return code
    except ApplicationError as error:
        outcome = "refused" if error.type == DELIVERY_REFUSED else "failed"
        raise
    finally:
        tenant = tenant_of(submission.session_id)
        count(DELIVERIES, tenant=tenant, form=submission.form, outcome=outcome)


async def _sent(submission: Submission) -> int:
    headers = headers_of(submission)
    try:
        async with (
            httpx.AsyncClient(verify=_trusted(), timeout=TIMEOUT_SECONDS) as client,
            client.stream(
                "POST", submission.to.url, content=body_of(submission), headers=headers
            ) as response,
        ):
            code = response.status_code
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ApplicationError(
            f"the receiver could not be reached: {type(error).__name__}", type="DeliveryFailed"
        ) from None
    return _checked(code)


@cache
def _trusted() -> ssl.SSLContext:
    """Reading the trusted certificates takes 20 ms: once a process."""
    return ssl.create_default_context()


def _checked(code: int) -> int:
    if 200 <= code < 300:
        return code
    if code in REFUSED_FOR_GOOD:
        raise ApplicationError(
            f"the receiver refused the form: HTTP {code}",
            type=DELIVERY_REFUSED,
            non_retryable=True,
        )
    raise ApplicationError(f"the receiver answered HTTP {code}", type="DeliveryFailed")


def body_of(submission: Submission) -> str:
    """The JSON that a receiver gets: session_id, form, version, answers, submitted_at."""
    return submission.model_dump_json(exclude={"to", "idempotency_key"})


def headers_of(submission: Submission) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": f'"{submission.idempotency_key}"',
    }
    if submission.to.authorization:
        headers["Authorization"] = _secret(submission.to.authorization)
    return headers


def _secret(reference: str) -> str:
    """The value of `env:NAME`."""
    name = reference.removeprefix("env:")
    if is_workers_own(reference) or os.environ.get("TURNKEEPER_KEYS") == reference:
        raise ApplicationError(
            f"the form's delivery names {name}, which is the worker's own: name another variable",
            type=DELIVERY_REFUSED,
            non_retryable=True,
        )
    value = os.environ.get(name)
    if value is None:
        raise ApplicationError(
            f"the worker has no environment variable {name}, which the form's delivery names",
            type="DeliveryFailed",
        )
    return value
