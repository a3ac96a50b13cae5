"""Tokens for the tests of who is let in on a socket: an issuer's, API keys, and each as it must not
be."""

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


async def _revoked(given: Credentials) -> str:
    key = await given.api_key()
    assert await given.keys.revoke(given.settings.tenant, key.split("_")[1])
    return key


async def _of_another(given: Credentials) -> str:
    """A key with the id of one that is good, and somebody else's secret."""
    good, other = await given.api_key(), await given.api_key()
    return "_".join((*good.split("_")[:2], other.split("_")[2]))


def _by_issuer(make: Callable[[Issuer], str]) -> Callable[[Credentials], Awaitable[str]]:
    async def made(given: Credentials) -> str:
        return make(given.issuer)

    return made


def _saying(**claims: object) -> Callable[[Credentials], Awaitable[str]]:
    return _by_issuer(lambda issuer: issuer.token("talk", claims=claims))


BAD: dict[str, Callable[[Credentials], Awaitable[str]]] = {
    "made up": _by_issuer(lambda _: "let-me-in"),
    "expired": _saying(exp=int(time.time()) - LEEWAY_SECONDS - 60),
    "wrong audience": _saying(aud="somebody else"),
    "wrong issuer": _saying(iss="https://evil.example"),
    "an unknown kid": _by_issuer(lambda issuer: issuer.token("talk", headers={"kid": "k2"})),
    "the wrong algorithm": _by_issuer(Issuer.signed_with_the_public_key),
    "alg none": _by_issuer(Issuer.unsigned),
    "of another tenant": _saying(tenant=OTHER_TENANT),
    "without the scope": _by_issuer(lambda issuer: issuer.token("read decode")),
    "a revoked key": _revoked,
    "a key with another's secret": _of_another,
}
"""Tokens that let nobody in, on any socket."""
