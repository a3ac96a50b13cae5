"""What Twilio and Telnyx sign in these tests, as they do."""

import base64
import time
from collections.abc import Mapping
from urllib.parse import urlencode

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from tests.channels.claim import CALLER
from turnkeeper.gateway.signatures import telnyx, twilio
from turnkeeper.testing import MemorySessions

PUBLIC = "https://voice.example.com"
VOICE = f"{PUBLIC}/twilio/voice?form=claim"
ACTION = f"{PUBLIC}/twilio/action?form=claim&failed=0"
RELAY = "wss://voice.example.com/twilio/relay"
TOKEN, NEXT_TOKEN = "8f1d2c0a", "77c0ab31"
KEY, OTHER_KEY = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
CALL = {"CallSid": "CA1", "From": CALLER, "To": "+14155550199", "Direction": "inbound", "Empty": ""}
SPOKEN_AT = f"{PUBLIC}/twilio/action?form=claim&hints=a%3Cb%3E+c&failed=0"
SPOKEN = {
    "CallSid": "CA1",
    "From": CALLER,
    "Empty": "",
    "To": "+14155550199",
    "SpeechResult": 'vier & "fünf"',
}
Headers = Mapping[str, str]


def public(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


ACCOUNTS = {
    "twilio_auth_token": f"{TOKEN},{NEXT_TOKEN}",
    "telnyx_public_key": public(KEY),
}


def by_twilio(token: str = TOKEN, url: str = VOICE, fields: Mapping[str, str] = CALL) -> Headers:
    return {twilio.HEADER: twilio.sign(token, url, tuple(fields.items()))}


def by_telnyx(key: Ed25519PrivateKey = KEY, seconds: int = 0, body: bytes | None = None) -> Headers:
    now = str(int(time.time()) + seconds)
    signature = telnyx.sign(key, urlencode(CALL).encode() if body is None else body, now)
    return {telnyx.HEADER: signature, telnyx.TIME_HEADER: now}


async def post(
    app: FastAPI, headers: Headers, url: str = VOICE, host: str = "voice.example.com"
) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="https://127.0.0.1") as client:
        path = url.removeprefix(PUBLIC)
        return await client.post(path, data=CALL, headers={"host": host, **headers})


async def is_empty(sessions: MemorySessions) -> bool:
    return [session async for session in sessions.list()] == []
