"""Tokens that an issuer signs: JSON Web Tokens (RFC 7519), read as RFC 8725 (best current practice)
wants it. What each claim means is in `docs/access.md`.
"""

import re

import jwt
from jwt.exceptions import PyJWTError

from turnkeeper.errors import InvalidCaller, Unauthenticated
from turnkeeper.gateway.access.jwks import ALGORITHMS, Jwks
from turnkeeper.gateway.access.principal import Principal, known_scopes
from turnkeeper.security.identity import MAX_CALLER, is_normal
from turnkeeper.settings import JWT_LONGEST_LIFE, Settings

LEEWAY_SECONDS = 30
"""By how much the issuer's clock may differ."""
MAX_TOKEN = 8 * 1024
"""Characters; a proxy takes no longer headers either."""
TYPES = frozenset({"jwt", "at+jwt", "application/jwt", "application/at+jwt"})
"""What `typ` may be, in any case, where a header has it (RFC 7519, 5.1; RFC 9068, 2.1): what the
issuer signs for another purpose, such as a logout, is no token here (RFC 8725, 3.11)."""
REQUIRED = ("exp", "iat", "aud", "iss", "sub")
PROGRAM = "tenant"
"""The scope of a program's token, which speaks for the tenant. Without it a token is one person's,
its `sub`: an issuer that leaves a word out gives less, not more."""

_NUMBER = (int, float)
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Tokens:
    """Knows the tokens of one issuer.

    Args:
        keys: the issuer's.
        issuer: what `iss` must be.
        audience: what `aud` must be, or have in it.
        tenant: of a token without the claim `tenant`; None refuses such a token.
        region: of numbers without a country code, none of which may be a person's `sub`.
        longest_life: seconds from `iat` to `exp`, at most.
    """

    def __init__(
        self,
        keys: Jwks,
        issuer: str,
        audience: str,
        tenant: str | None = None,
        region: str = "US",
        longest_life: float = JWT_LONGEST_LIFE,
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._tenant = tenant
        self._region = region
        self._longest_life = longest_life

    async def principal(self, token: str | None) -> Principal:
        """Raises Unauthenticated, StoreUnavailable."""
        if token is None or len(token) > MAX_TOKEN:
            raise Unauthenticated("there is no token, or it is too long")
        algorithm, kid = _header(token)
        key = await self._keys.find(kid)
        if key is None or algorithm not in key.algorithms:
            raise Unauthenticated("no key of the issuer's goes with it")
        try:
            claims = jwt.decode(
                token,
                key.jwk.key,
                algorithms=[algorithm],
                issuer=self._issuer,
                audience=self._audience,
                leeway=LEEWAY_SECONDS,
                options={"require": list(REQUIRED), "enforce_minimum_key_length": True},
            )
        except (PyJWTError, OverflowError, RecursionError) as error:
            raise Unauthenticated(type(error).__name__, kid) from None
        return self._of(claims, kid)

    def _of(self, claims: dict[str, object], kid: str) -> Principal:
        tenant = claims.get("tenant", self._tenant)
        scope, sub = claims.get("scope", ""), claims["sub"]
        exp, iat = claims["exp"], claims["iat"]
        if not isinstance(tenant, str) or not _TENANT.fullmatch(tenant):
            raise Unauthenticated("it says no tenant", kid)
        if not (isinstance(scope, str) and isinstance(exp, _NUMBER) and isinstance(iat, _NUMBER)):
            raise Unauthenticated("its claims are not of the right kind", kid)
        if exp - iat > self._longest_life:
            raise Unauthenticated("it was made for longer than TURNKEEPER_JWT_LONGEST_LIFE", kid)
        if not isinstance(sub, str) or not 0 < len(sub) <= MAX_CALLER:
            raise Unauthenticated("its sub is empty or too long", kid)
        named = scope.split()
        caller = None if PROGRAM in named else self._own(sub, kid)
        until = exp + LEEWAY_SECONDS
        return Principal(tenant, known_scopes(named), caller, key_id=kid, expires_at=until)

    def _own(self, sub: str, kid: str) -> str:
        """The issuer tells `4155550100` from `+14155550100`, and `Ann@...` from `ann@...`: two
        people there must not be one caller here."""
        try:
            is_own = is_normal(sub, self._region)
        except InvalidCaller:
            is_own = False
        if not is_own:
            raise Unauthenticated("its sub is not a caller in normal form", kid)
        return sub


def _header(token: str) -> tuple[str, str]:
    """The algorithm and the key's id that a token names; neither is trusted yet."""
    try:
        header = jwt.get_unverified_header(token)
    except (PyJWTError, RecursionError) as error:
        raise Unauthenticated(f"it is no token: {type(error).__name__}") from None
    algorithm, kid = header.get("alg"), header.get("kid")
    named = isinstance(algorithm, str) and isinstance(kid, str)
    if not named or algorithm not in ALGORITHMS or "crit" in header:
        raise Unauthenticated("its algorithm is not allowed, or it names no key")
    if str(header.get("typ", "jwt")).lower() not in TYPES:
        raise Unauthenticated("its typ is another one than JWT or at+jwt")
    return str(algorithm), str(kid)


def tokens_of(settings: Settings) -> Tokens:
    """Those that the settings name: a token need not say the tenant where the setting does."""
    tenant = settings.tenant if "tenant" in settings.model_fields_set else None
    return Tokens(
        Jwks(settings.jwt_jwks or ""),
        settings.jwt_issuer or "",
        settings.jwt_audience or "",
        tenant,
        settings.region,
        settings.jwt_longest_life,
    )
