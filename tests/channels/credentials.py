"""What a gateway takes, an issuer's tokens and API keys of its own, and each as it must not be."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tests.channels.issuer import Issuer
from turnkeeper.gateway.access.api_keys import ApiKeys
from turnkeeper.gateway.access.principal import Scope
from turnkeeper.gateway.access.tokens import LEEWAY_SECONDS
from turnkeeper.gateway.access.ways import Access, ways_in
from turnkeeper.security.key_file import make_key_file
from turnkeeper.settings import Settings, read_settings

OTHER_TENANT = "another"
CALLER, SOMEBODY_ELSE = "+14155550100", "+14155550111"


@dataclass
class Credentials:
    """Who issues tokens for a gateway, and the gateway's own API keys."""

    settings: Settings
    keys: ApiKeys
    access: Access
    issuer: Issuer

    @classmethod
    def made(cls, folder: Path) -> "Credentials":
        make_key_file(folder / "keys.json")
        issuer = Issuer()
        settings = read_settings(
            keys=f"file:{folder / 'keys.json'}",
            key_store=f"sqlite:{folder / 'keys.db'}",
            **issuer.settings(folder),
        )
        return cls(settings, ApiKeys.of(settings), ways_in(settings), issuer)

    def token(self, scope: str = "talk", *, sub: str | None = None, **claims: object) -> str:
        """A token that is good, but for what `claims` say: a program's, or an end user's."""
        return self.issuer.token(scope, sub=sub, claims=claims)

    async def api_key(self, *, seconds: int | None = None) -> str:
        scopes: tuple[Scope, ...] = ("talk",)
        name = f"tests-{uuid4().hex}"  # Two of a name may be good at once.
        return await self.keys.make(name, self.settings.tenant, scopes, seconds)


Make = Callable[[Credentials], Awaitable[str]]
"""Makes a token."""


async def _revoked(given: Credentials) -> str:
    key = await given.api_key()
    assert await given.keys.revoke(given.settings.tenant, key.split("_")[1])
    return key


async def _of_another(given: Credentials) -> str:
    """A key with the id of one that is good, and somebody else's secret."""
    good, other = await given.api_key(), await given.api_key()
    return "_".join((*good.split("_")[:2], other.split("_")[2]))


def _key(make: Callable[[str], str]) -> Make:
    """Made from one that is good."""

    async def made(given: Credentials) -> str:
        return make(await given.api_key())

    return made


def _by_issuer(make: Callable[[Issuer], str]) -> Make:
    async def made(given: Credentials) -> str:
        return make(given.issuer)

    return made


def _by_another(**headers: object) -> Make:
    return _by_issuer(lambda _: Issuer().token(headers=headers))


def _headed(**headers: object) -> Make:
    return _by_issuer(lambda issuer: issuer.token(headers=headers))


def _saying(**claims: object) -> Make:
    return _by_issuer(lambda issuer: issuer.token(claims=claims))


def _words(text: str) -> Make:
    return _by_issuer(lambda _: text)


NOW = int(time.time())
OTHER_TYPES = (5, "secevent+jwt", "logout+jwt", "dpop+jwt", "application/at+jwt; v=1")

BAD: dict[str, Make] = {
    "made up": _words("let-me-in"),
    "no words": _words(""),
    "nested": _words("W1tb" * 1500 + ".e30.e30"),
    "made by dev": _words(f"td_{'a' * 52}"),
    "expired": _saying(exp=NOW - LEEWAY_SECONDS - 60),
    "not begun": _saying(nbf=2**33),
    "issued in the future": _saying(iat=2**33),
    "issued at a word": _saying(iat="yesterday"),
    "issued at a number in quotes": _saying(iat=str(NOW)),
    "good for a day and a minute": _saying(exp=NOW + 24 * 3600 + 60),
    "good for ever": _saying(exp=2**40),
    "wrong audience": _saying(aud="somebody else"),
    "wrong issuer": _saying(iss="https://evil.example"),
    "no tenant": _saying(tenant=None),
    "a tenant that can't be one": _saying(tenant="a:b"),
    **{f"no {claim}": _saying(**{claim: None}) for claim in ("exp", "iat", "aud", "iss", "sub")},
    "alg none": _by_issuer(Issuer.unsigned),
    "alg none in capitals": _by_issuer(lambda issuer: issuer.unsigned(alg="NoNe")),
    "the wrong algorithm": _by_issuer(Issuer.signed_with_the_public_key),
    "signed by another": _by_another(),
    "a key of its own": _by_another(jwk={}, jku="https://evil.example/jwks"),
    "an unknown kid": _headed(kid="k2"),
    "a kid that is a path": _headed(kid="../../dev/null"),
    "a critical extension": _headed(crit=["x"], x=1),
    **{f"of type {typ}": _headed(typ=typ) for typ in OTHER_TYPES},
    "changed": _by_issuer(lambda issuer: issuer.token()[:-6] + "AAAAAA"),
    "too long": _saying(padding="x" * 9000),
    "a revoked key": _revoked,
    "an expired key": lambda given: given.api_key(seconds=-1),
    "an unknown key": _words(f"tk_{'a' * 12}_{'a' * 52}"),
    "a key with another's secret": _of_another,
    "a key without its end": _key(lambda key: key[:-1]),
}
"""Tokens that are good for nothing."""

KINDS = (
    "made up", "expired", "wrong audience", "wrong issuer", "an unknown kid", "the wrong algorithm",
    "alg none", "a revoked key", "a key with another's secret",
)  # fmt: skip
ON_A_SOCKET: dict[str, Make] = {
    **{name: BAD[name] for name in KINDS},
    "of another tenant": _saying(tenant=OTHER_TENANT),
    "without the scope": _by_issuer(lambda issuer: issuer.token("read decode")),
}
"""One of each kind for every socket, which all ask the same gate; and what is good elsewhere."""
