"""Delivery: a confirmed form is POSTed to its receiver, until it takes it.

The Idempotency-Key (draft-ietf-httpapi-idempotency-key-header) is the same on every attempt, so a
receiver that remembers keys books once, however often the line to it breaks.
"""

import os
import ssl
from functools import cache

import httpx
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.contract import DELIVER, DELIVERY_REFUSED, Submission

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
    headers = headers_of(submission)
    try:
        async with httpx.AsyncClient(verify=_trusted(), timeout=TIMEOUT_SECONDS) as client:
            response = await client.post(
                submission.to.url, content=body_of(submission), headers=headers
            )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ApplicationError(
            f"the receiver could not be reached: {type(error).__name__}", type="DeliveryFailed"
        ) from None
    return _checked(response.status_code)


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
    value = os.environ.get(name)
    if value is None:
        raise ApplicationError(
            f"the worker has no environment variable {name}, which the form's delivery names",
            type="DeliveryFailed",
        )
    return value
