"""The accounts of a platform: the secrets or public keys in a setting, each with its tenant.

    TURNKEEPER_TWILIO_AUTH_TOKEN=8f1d...,acme:77c0...

Several of one tenant are for rotation. The tenant of a request is that of the account which signed
it: nothing in the request itself chooses one.
"""

from dataclasses import dataclass, field
from typing import Self

from turnkeeper.errors import SettingsError
from turnkeeper.settings import Settings


@dataclass(frozen=True, slots=True)
class Account:
    """One account at a platform."""

    tenant: str
    secret: str = field(repr=False)
    """What its signatures are checked with."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts that may ring; a platform without any is turned off."""

    twilio: tuple[Account, ...] = ()
    """With their auth tokens, or shared keys."""
    telnyx: tuple[Account, ...] = ()
    """With their public keys: 32 bytes, in base64."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Those that the settings name."""
        return cls(
            twilio=accounts_of(settings.twilio_auth_token, settings.tenant),
            telnyx=accounts_of(settings.telnyx_public_key, settings.tenant),
        )


def accounts_of(setting: str | None, tenant: str) -> tuple[Account, ...]:
    """The accounts of a setting, with commas between: `secret`, of `tenant`, or `tenant:secret`.

    Raises SettingsError for one whose secret is empty: anybody could sign for it.
    """
    named = [part.strip().rpartition(":") for part in (setting or "").split(",") if part.strip()]
    if not all(secret for _, _, secret in named):
        raise SettingsError("an account has no secret: write TENANT:SECRET, or the secret alone")
    return tuple(Account(name or tenant, secret) for name, _, secret in named)
