"""Whose form a call is: the number at the other end of the line."""

from collections.abc import Mapping

from turnkeeper.errors import InvalidCaller
from turnkeeper.security.identity import normal_caller


def caller_of(caller: str, called: str, direction: str, call_sid: str, region: str) -> str:
    """The person; of a withheld number the call, so the form lives as long as it does.

    Args:
        caller: `From`, `called` is `To`.
        direction: `inbound`; Twilio's `outbound-api` and `outbound-dial`, Telnyx's `outgoing`.
        call_sid: the platform's id of the call.
        region: how a number without a country code is read.
    """
    person = called if direction.lower().startswith("out") else caller
    try:
        normal_caller(person, region)
    except InvalidCaller:
        return call_sid
    return person


def caller_of_webhook(told: Mapping[str, str], region: str) -> str | None:
    """The same from a webhook's form; None where it does not say."""
    if not {"From", "To", "CallSid"} <= told.keys():
        return None
    direction = told.get("Direction", "inbound")
    return caller_of(told["From"], told["To"], direction, told["CallSid"], region)
