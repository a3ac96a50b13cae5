"""Somebody who issues tokens: keys of every kind that is taken, their JWKS, and what they sign."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

ISSUER, AUDIENCE = "https://id.example.com", "turnkeeper"
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

_MAKE: Mapping[str, Callable[[], Key]] = {
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "PS256": lambda: rsa.generate_private_key(65537, 2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


class Issuer:
    """Signs with ES256 unless told otherwise; a key's id is its algorithm's name."""

    def __init__(self, *algorithms: str) -> None:
        self.keys: dict[str, Key] = {name: _MAKE[name]() for name in algorithms or ("ES256",)}

    def jwks(self) -> str:
        described = [
            {**_described(name, key), "kid": name, "alg": name} for name, key in self.keys.items()
        ]
        return json.dumps({"keys": described})

    def settings(self, folder: Path) -> dict[str, str]:
        """The gateway's settings, with the keys in a file of that folder."""
        file = folder / "jwks.json"
        file.write_text(self.jwks())
        return {"jwt_jwks": f"file:{file}", "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE}

    def environment(self, folder: Path) -> dict[str, str]:
        """The same as environment variables."""
        return {f"TURNKEEPER_{k.upper()}": v for k, v in self.settings(folder).items()}

    def token(
        self,
        scope: str = "talk read operate erase",
        *,
        sub: str | None = None,
        algorithm: str = "ES256",
        headers: Mapping[str, object] = {},
        claims: Mapping[str, object] = {},
    ) -> str:
        """A good token of a program of the tenant `default`; with `sub`, of that end user. A claim
        that is None is left out."""
        now = int(time.time())
        said = {"iss": ISSUER, "aud": AUDIENCE, "sub": sub or "agent", "iat": now, "exp": now + 600}
        scope = scope if sub else f"{scope} tenant"
        said = {**said, "tenant": "default", "scope": scope, **claims}
        payload = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(
            payload, self.keys[algorithm], algorithm, headers={"kid": algorithm, **headers}
        )

    def unsigned(self, **header: object) -> str:
        """A good token's claims under `alg: none`."""
        payload = self.token().split(".")[1]
        return f"{_encoded({'alg': 'none', 'kid': 'ES256', **header})}.{payload}."

    def signed_with_the_public_key(self) -> str:
        """Under HS256, with the public key as the secret: what a careless library takes."""
        public = self.keys["ES256"].public_key()
        secret = public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        signed = f"{_encoded({'alg': 'HS256', 'kid': 'ES256'})}.{self.token().split('.')[1]}"
        mac = hmac.digest(secret, signed.encode(), hashlib.sha256)
        return f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def _encoded(header: Mapping[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")


def _described(algorithm: str, key: Key) -> dict[str, object]:
    """The public half of a key as a JSON Web Key."""
    known = jwt.get_algorithm_by_name(algorithm)
    described: dict[str, object] = json.loads(known.to_jwk(key.public_key()))
    return described
