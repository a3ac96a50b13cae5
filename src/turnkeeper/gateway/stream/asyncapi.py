"""The AsyncAPI 3.0 document of `/v1/stream`, made from the messages: docs/asyncapi.yaml.

The actions are the gateway's: it receives what a client sends.
"""

import inspect

import yaml
from pydantic.json_schema import JsonSchemaMode, JsonSchemaValue, models_json_schema

from turnkeeper.forms.model import Frozen
from turnkeeper.gateway.stream.closing import CLOSES
from turnkeeper.gateway.stream.messages import CLIENT, SCOPES, SERVER

VERSION = "1.0.0"
"""Of the protocol. New types and new optional fields do not change its first number."""

HEAD = """\
One caller's form on one socket. Send `hello` with your token, then `open`, or `resume` after a lost
connection, then turns; speak the replies. A turn is in the session's history when its reply comes.
All frames are text and hold one JSON object; fields that are not known are to be ignored.

Where a client can set subprotocols, the two `turnkeeper.v1` and `bearer.<token>` are a hello, and
the first is what the gateway answers. In the address a token is refused.
"""

ANSWERS: dict[str, tuple[str, ...]] = {
    "hello": ("welcome", "error"),
    "open": ("opened", "error"),
    "resume": ("opened", "error"),
    "turn": ("reply", "error"),
    "hangup": ("error",),
    "cancel": ("reply", "error"),
    "hand_off": ("reply", "error"),
    "state": ("state", "error"),
    "ping": ("pong",),
}
"""What a message of the client's may be answered with; a `hangup` that went well closes."""

EXAMPLES: dict[str, dict[str, object]] = {
    "hello": {"type": "hello", "token": "tk_4be1_k7Rk0v9nq3"},
    "open": {"type": "open", "form": "roadside_claim", "caller": "+14155550100"},
    "resume": {
        "type": "resume",
        "session_id": "voice:session:default:roadside_claim:4vpcede3a3lvhqdoebqulbd4g4",
        "leg": 2,
        "epoch": "5c9f1f0f2a77",
    },
    "turn": {"type": "turn", "utterance_id": "u1", "text": "a flat tire"},
    "hangup": {"type": "hangup"},
    "cancel": {"type": "cancel", "reason": "duplicate"},
    "hand_off": {"type": "hand_off", "reason": "asked for a person"},
    "state": {"type": "state"},
    "ping": {"type": "ping", "id": "7"},
}


def document() -> dict[str, object]:
    """The document, as plain data."""
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Turnkeeper stream", "version": VERSION, "description": HEAD + _closes()},
        "defaultContentType": "application/json",
        "servers": {"local": {"host": "127.0.0.1:8080", "protocol": "ws"}},
        "channels": {
            "stream": {
                "address": "/v1/stream",
                "messages": {
                    name: _ref("components", "messages", name)
                    for name in (one.__name__ for one in (*CLIENT.values(), *SERVER.values()))
                },
            }
        },
        "operations": {**_received(), "tell": _sent("event")},
        "components": {"messages": _messages(), "schemas": _schemas()},
    }


def _closes() -> str:
    rows = (f"- {code.value}: {close.when}" for code, close in CLOSES.items())
    return "\nThe socket is closed with:\n\n" + "\n".join(rows) + "\n"


def _received() -> dict[str, object]:
    """One operation for each message of the client's, with its answers."""
    return {
        kind: {
            "action": "receive",
            "channel": _ref("channels", "stream"),
            "messages": [_in_channel(CLIENT[kind])],
            "reply": {
                "channel": _ref("channels", "stream"),
                "messages": [_in_channel(SERVER[answer]) for answer in answers],
            },
        }
        for kind, answers in ANSWERS.items()
    }


def _sent(kind: str) -> dict[str, object]:
    return {
        "action": "send",
        "channel": _ref("channels", "stream"),
        "messages": [_in_channel(SERVER[kind])],
    }


def _messages() -> dict[str, object]:
    examples = {CLIENT[kind]: [{"payload": example}] for kind, example in EXAMPLES.items()}
    return {
        model.__name__: {
            "name": kind,
            "summary": " ".join((inspect.getdoc(model) or "").split()),
            **({"description": f"Needs the scope {SCOPES[kind]}."} if kind in SCOPES else {}),
            "payload": _ref("components", "schemas", model.__name__),
            **({"examples": examples[model]} if model in examples else {}),
        }
        for kind, model in (*CLIENT.items(), *SERVER.items())
    }


def _schemas() -> JsonSchemaValue:
    clients: list[tuple[type[Frozen], JsonSchemaMode]] = [
        (model, "validation") for model in CLIENT.values()
    ]
    servers: list[tuple[type[Frozen], JsonSchemaMode]] = [
        (model, "serialization") for model in SERVER.values()
    ]
    _, schema = models_json_schema(
        [*clients, *servers], ref_template="#/components/schemas/{model}"
    )
    schemas: JsonSchemaValue = schema["$defs"]
    for model in (*CLIENT.values(), *SERVER.values()):  # A default would leave out the one field
        schemas[model.__name__].setdefault("required", []).insert(0, "type")  # that must be there.
    return schemas


def _in_channel(model: type[Frozen]) -> dict[str, str]:
    return _ref("channels", "stream", "messages", model.__name__)


def _ref(*path: str) -> dict[str, str]:
    return {"$ref": "#/" + "/".join(path)}


def as_yaml() -> str:
    """The document as YAML, without aliases: each part reads as it stands."""
    return yaml.dump(document(), Dumper=_Plain, sort_keys=False, width=100)


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True

    def represent_str(self, data: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", data, "|" if "\n" in data else None)


_Plain.add_representer(str, _Plain.represent_str)
