"""Where Temporal is: its own settings, read as the `temporal` command reads them."""

import os
from pathlib import Path

import pytest
from temporalio.service import ConnectConfig, TLSConfig

from turnkeeper.connection import connect, target, target_namespace
from turnkeeper.errors import SettingsError

PROFILES = """
[profile.default]
address = "one.example.com:7233"
namespace = "voice"

[profile.cloud]
address = "voice.a1b2c.tmprl.cloud:7233"
namespace = "voice.a1b2c"
api_key = "from-the-file"

[profile.mutual]
address = "two.example.com:7233"
[profile.mutual.tls]
server_name = "frontend"
client_cert_path = "CERT"
client_key_path = "KEY"
"""


@pytest.fixture(autouse=True)
def bare_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of this machine's, and a file with profiles."""
    for name in [name for name in os.environ if name.startswith("TEMPORAL_")]:
        monkeypatch.delenv(name)
    certificate, key, file = tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "temporal.toml"
    certificate.write_text("certificate")
    key.write_text("key")
    file.write_text(PROFILES.replace("CERT", str(certificate)).replace("KEY", str(key)))
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(file))


async def connected() -> ConnectConfig:
    """What a client goes by; lazy, so nothing has to be there."""
    return (await connect(lazy=True)).service_client.config


async def test_the_default_profile_holds_where_nothing_else_is_said() -> None:
    assert (target(), target_namespace()) == ("one.example.com:7233", "voice")
    config = await connected()
    assert (config.target_host, config.api_key) == ("one.example.com:7233", None)


async def test_variables_go_before_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "three.example.com:7233")
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "another")
    assert (target(), target_namespace()) == ("three.example.com:7233", "another")
    assert (await connect(lazy=True)).namespace == "another"


async def test_an_api_key_brings_tls_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Temporal Cloud takes."""
    monkeypatch.setenv("TEMPORAL_PROFILE", "cloud")
    config = await connected()
    assert (config.target_host, config.api_key) == ("voice.a1b2c.tmprl.cloud:7233", "from-the-file")
    assert config.tls is True
    monkeypatch.setenv("TEMPORAL_API_KEY", "from-the-environment")
    assert (await connected()).api_key == "from-the-environment"


async def test_certificates_are_read_from_the_files_that_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TEMPORAL_PROFILE", "mutual")
    config = await connected()
    assert config.tls == TLSConfig(
        domain="frontend", client_cert=b"certificate", client_private_key=b"key"
    )


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TEMPORAL_PROFILE", "nobody"),
        ("TEMPORAL_TLS_CLIENT_CERT_PATH", "nowhere.pem"),
    ],
)
async def test_what_cannot_be_read_is_a_sentence(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=r"^Temporal's settings \(TEMPORAL_\* or its TOML"):
        await connect(lazy=True)
