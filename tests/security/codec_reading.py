"""Readers of a codec server, and a form with a secret."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx
from fastapi import FastAPI
from google.protobuf.json_format import MessageToDict
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.converter import DataConverter

from tests.security.conftest import Place
from turnkeeper.client import VoiceSessions
from turnkeeper.contract import Connect, Opening
from turnkeeper.errors import Unauthenticated
from turnkeeper.forms.load import parse_form
from turnkeeper.forms.model import Form
from turnkeeper.gateway.access.principal import Principal, Scope
from turnkeeper.gateway.codec import CodecServer, codec_app
from turnkeeper.gateway.doorway import Catalogue
from turnkeeper.gateway.secret_fields import SecretFields
from turnkeeper.security.codec import SessionCodec
from turnkeeper.security.key_store import SessionId
from turnkeeper.testing import Clock, MemoryBackend

UI = "https://temporal.example.com"
FORM_FILE = """
form: claim
fields:
  - {name: story, type: text, prompt: "What happened?"}
  - {name: passcode, type: digits, length: 12, secret: true, prompt: "Your passcode?"}
  - {name: theft, type: boolean, prompt: "Stolen?"}
"""
FORM = parse_form(FORM_FILE)
CLAIM = SessionId("default", "voice:session:acme:claim:" + "a" * 26)


class OneForm:
    """A folder with one form in it."""

    def __init__(self, form: Form = FORM) -> None:
        self._form = form
        self.names = (form.form,)

    def find(self, form: str) -> Form | None:
        return self._form if form == self._form.form else None


class Tokens:
    """Knows principals by their tokens."""

    def __init__(self, principals: Mapping[str, Principal]) -> None:
        self._principals = principals

    async def principal(self, token: str | None) -> Principal:
        try:
            return self._principals[token or ""]
        except KeyError:
            raise Unauthenticated("unknown") from None


def reader(tenant: str = "acme", scopes: Sequence[Scope] = ("decode",)) -> Principal:
    return Principal(tenant, frozenset(scopes))


TOKENS = Tokens(
    {
        "acme": reader(),
        "operator": reader(scopes=("decode", "operate")),
        "other": reader("other", ("decode", "operate")),
        "talker": reader(scopes=("talk", "read", "operate", "erase")),
        "caller": Principal("acme", frozenset({"decode"}), caller="ann"),
    }
)


async def holding(place: Place, form: Form, session: SessionId = CLAIM) -> VoiceSessions:
    """Sessions of which one, under this very id, goes by the form."""
    settings = place.settings()
    backend = MemoryBackend([form], Clock(), settings)
    await backend.connect(
        session.workflow_id, Opening(form=form.form), Connect(connect_id="c", transport_id="t")
    )
    return VoiceSessions(backend, settings)


def app_of(place: Place, sessions: VoiceSessions, forms: Catalogue) -> FastAPI:
    server = CodecServer(place.keyring(), SecretFields(lambda tenant: sessions, forms))
    return codec_app(server, TOKENS, {UI})


@dataclass
class Asking:
    """Asks a codec server as one reader."""

    client: httpx.AsyncClient

    async def post(self, path: str, *sent: Payload, token: str = "", **headers: str) -> object:
        response = await self.raw(path, *sent, token=token, **headers)
        assert response.status_code == 200, response.text
        return response.json()["payloads"]

    async def raw(
        self, path: str, *sent: Payload, token: str = "", **headers: str
    ) -> httpx.Response:
        authorization = {"Authorization": f"Bearer {token}"} if token else {}
        return await self.client.post(
            path, content=body(*sent), headers={**authorization, **headers}
        )

    async def read(self, *sent: Payload, token: str = "acme") -> list[object]:
        """The values that the reader sees."""
        found = await self.post("/default/decode", *sent, token=token)
        assert isinstance(found, list)
        return [json.loads(base64.b64decode(payload["data"])) for payload in found]


def body(*sent: Payload) -> str:
    return json.dumps(MessageToDict(Payloads(payloads=sent)))


def asking(app: FastAPI) -> Asking:
    transport = httpx.ASGITransport(app)
    return Asking(httpx.AsyncClient(transport=transport, base_url="http://codec"))


async def stored(place: Place, value: object, session: SessionId = CLAIM) -> Payload:
    plain, ring = await DataConverter.default.encode([value]), place.keyring()
    await ring.of_session(session)
    return (await SessionCodec(ring).of(session).encode(plain))[0]


def payload_list(*listed: Payload) -> Payloads:
    return Payloads(payloads=listed)
