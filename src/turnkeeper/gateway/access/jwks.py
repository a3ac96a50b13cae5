"""The public keys of whoever issues tokens: a JSON Web Key Set (RFC 7517) at an address or in a
file, and nothing else. What a token's header says of keys (`jku`, `x5u`, `jwk`) is not looked at.

Keys are fetched in a thread, and kept:

- older than `FRESH_FOR`, they are fetched again while requests go on with those that are here;
- a key id that is not here has them fetched again, at most every `ASK_EVERY`: whoever sends
  made-up ids cannot make this gateway a burden to the issuer;
- an issuer that cannot be reached takes nobody's access away for `TRUSTED_FOR`.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO
from urllib.request import HTTPRedirectHandler, Request, build_opener

from jwt import PyJWK
from jwt.exceptions import PyJWTError

from turnkeeper.errors import StoreUnavailable
from turnkeeper.telemetry import logger

FRESH_FOR = 300.0
ASK_EVERY = 10.0
TRUSTED_FOR = 24 * 3600.0
FETCH_SECONDS = 5.0
MAX_BYTES = 256 * 1024

ALGORITHMS: Mapping[str, tuple[str, str | None]] = {
    "RS256": ("RSA", None),
    "PS256": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""Those that are taken, with the `kty` and `crv` of their keys (RFC 7518, 6.1; RFC 8037, 2). A
signature that anyone could make who knows the public key (HS256), and none at all, are not here."""

_FILE = "file:"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key, and what it may be used with."""

    jwk: PyJWK
    algorithms: frozenset[str]


Keys = Mapping[str, SigningKey]

_log = logger(__name__)


class Jwks:
    """The keys at `source`, `https://...` or `file:PATH`, fetched when first needed.

    Args:
        source: what the setting `TURNKEEPER_JWT_JWKS` says.
        clock: seconds that only go up; tests have their own.
    """

    def __init__(self, source: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._clock = clock
        self._keys: Keys = {}
        self._fetched_at = self._asked_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, kid: str) -> SigningKey | None:
        """The key of that id; None if the set has none.

        Raises:
            StoreUnavailable: it is not here, and the set could not be had last time.
        """
        now = self._clock()
        if now - self._fetched_at > TRUSTED_FOR:
            self._keys = {}
        known = self._keys.get(kid)
        if known is not None:
            if now - self._fetched_at > FRESH_FOR and self._may_ask(now):
                self._fetch()
            return known
        if self._fetching is not None or self._may_ask(now):
            await asyncio.shield(self._fetch())
        found = self._keys.get(kid)
        if found is None and self._fetched_at < self._asked_at:
            raise StoreUnavailable("the keys that tokens are signed with (JWKS) cannot be had now")
        return found

    def _may_ask(self, now: float) -> bool:
        return self._fetching is None and now - self._asked_at > ASK_EVERY

    def _fetch(self) -> "asyncio.Task[None]":
        """The one that is under way, or a new one."""
        if self._fetching is None:
            self._fetching = asyncio.ensure_future(self._fetched())
            self._fetching.add_done_callback(self._is_done)
        return self._fetching

    def _is_done(self, task: "asyncio.Task[None]") -> None:
        self._fetching = None

    async def _fetched(self) -> None:
        self._asked_at = self._clock()
        try:
            self._keys = await asyncio.to_thread(_read, self._source)
        except (OSError, ValueError, HTTPException) as error:
            _log.warning("the keys for tokens (JWKS) cannot be had", error=type(error).__name__)
        else:
            self._fetched_at = self._asked_at


def _read(source: str) -> Keys:
    """Raises OSError, ValueError, HTTPException."""
    body = _file(source) if source.startswith(_FILE) else _page(source)
    document = json.loads(body)
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        raise ValueError('it is no JSON Web Key Set {"keys": [...]}')
    described = [one for one in document["keys"] if isinstance(one, dict)]
    return {str(one.get("kid")): key for one in described if "kid" in one and (key := _key(one))}


def _key(described: dict[str, object]) -> SigningKey | None:
    """None for a key that is not for this, or of a kind that is not known: a set may have such."""
    kind, meant = (described.get("kty"), described.get("crv")), described.get("alg")
    fitting = {name for name, taken in ALGORITHMS.items() if taken == kind}
    fitting &= {str(meant)} if meant is not None else fitting
    if not fitting or not _is_for_signatures(described) or "d" in described:  # d: a private key
        return None
    try:
        return SigningKey(PyJWK(described, min(fitting)), frozenset(fitting))
    except (PyJWTError, ValueError, TypeError):
        return None


def _is_for_signatures(described: dict[str, object]) -> bool:
    """By `use` and `key_ops`, where it says either (RFC 7517, 4.2 and 4.3)."""
    operations = described.get("key_ops", ["verify"])
    may_verify = isinstance(operations, list) and "verify" in operations
    return described.get("use", "sig") == "sig" and may_verify


def _file(source: str) -> bytes:
    with Path(source.removeprefix(_FILE)).open("rb") as file:
        return _bounded(file)


def _page(url: str) -> bytes:
    request = Request(url, headers={"Accept": "application/json"})
    with _OPENER.open(request, timeout=FETCH_SECONDS) as answer:
        return _bounded(answer)


def _bounded(body: IO[bytes]) -> bytes:
    read = body.read(MAX_BYTES + 1)
    if len(read) > MAX_BYTES:
        raise ValueError("it is over the limit")
    return read


class _NoRedirects(HTTPRedirectHandler):
    """The keys are where the setting says: an answer from elsewhere would be somebody else's."""

    def redirect_request(self, *_: object) -> None:
        return None


_OPENER = build_opener(_NoRedirects)
