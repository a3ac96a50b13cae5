"""Ways in: what knows tokens. Which of them a token is for is seen by how it begins."""

import base64
import hmac
import secrets
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from turnkeeper.contract import DEFAULT_TENANT
from turnkeeper.errors import SettingsError, Unauthenticated
from turnkeeper.gateway.access.principal import SCOPES, Principal
from turnkeeper.settings import Settings

MADE = "td_"
"""How the token begins that a development set-up makes for itself."""


class Access(Protocol):
    """What knows tokens."""

    async def principal(self, token: str | None) -> Principal:
        """Whom a token speaks for; None is a request that brings none.

        Raises:
            Unauthenticated: it is none of ours, or no longer good.
            StoreUnavailable: that can't be known now.
        """
        ...


@runtime_checkable
class LooksUp(Protocol):
    """What asks a store about tokens that it has not heard of: for a stranger that is free."""

    def is_new(self, token: str) -> bool:
        """Whether the store would be asked."""
        ...


class Open:
    """Lets everyone in, as a program of one tenant with every scope: for tests, and for an
    application that has authenticated the request before it comes here."""

    def __init__(self, tenant: str = DEFAULT_TENANT) -> None:
        self._principal = Principal(tenant, frozenset(SCOPES), key_id="open")

    async def principal(self, token: str | None) -> Principal:
        return self._principal


class Made:
    """One token with every scope of a tenant, which is good while this process lives."""

    def __init__(self, tenant: str) -> None:
        self.token = MADE + base64.b32encode(secrets.token_bytes(32)).decode().rstrip("=").lower()
        self._principal = Principal(tenant, frozenset(SCOPES), key_id="made")

    async def principal(self, token: str | None) -> Principal:
        if not hmac.compare_digest((token or "").encode(), self.token.encode()):
            raise Unauthenticated("it is not the token that this process made")
        return self._principal


class ByBeginning:
    """Several ways in, each for the tokens that begin so; "" is for all others."""

    def __init__(self, ways: Mapping[str, Access]) -> None:
        self._ways = sorted(ways.items(), reverse=True)

    async def principal(self, token: str | None) -> Principal:
        if token is None:
            raise Unauthenticated("there is no token")
        way = self._way(token)
        if way is None:
            raise Unauthenticated("tokens of this kind are not taken here")
        return await way.principal(token)

    def is_new(self, token: str) -> bool:
        return is_new(self._way(token), token)

    def _way(self, token: str) -> Access | None:
        return next((way for begins, way in self._ways if token.startswith(begins)), None)


def is_new(way: object, token: str | None) -> bool:
    """Whether a store would have to be asked about a token."""
    return token is not None and isinstance(way, LooksUp) and way.is_new(token)


def ways_in(settings: Settings, made: Made | None = None) -> Access:
    """What the settings let in, and who has the token that was `made`.

    Raises SettingsError where that is nobody.
    """
    ways: dict[str, Access] = {MADE: made} if made else {}
    if settings.keys is not None:
        from turnkeeper.gateway.access.api_keys import PREFIX, ApiKeys

        ways[PREFIX] = ApiKeys.of(settings)
    if settings.jwt_jwks is not None:
        from turnkeeper.gateway.access.tokens import tokens_of

        ways[""] = tokens_of(settings)
    if not ways:
        raise SettingsError(
            "nobody could come in at this gateway: set TURNKEEPER_KEYS and TURNKEEPER_KEY_STORE and"
            " make an API key (turnkeeper access make NAME --scope talk), or set"
            " TURNKEEPER_JWT_JWKS, TURNKEEPER_JWT_ISSUER and TURNKEEPER_JWT_AUDIENCE."
        )
    return ByBeginning(ways)
