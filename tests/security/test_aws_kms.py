"""AWS KMS, against moto's server: a local stand-in that speaks the real API."""

from collections.abc import Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer

from turnkeeper.errors import KeyUnknown, SettingsError, StoreUnavailable
from turnkeeper.security.keys import KeyProvider, WrappedKey, key_provider

DATA_KEY = bytes(range(32))
ALIAS = "alias/voice"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Where KMS answers, with one key under `ALIAS`."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture
def kms(endpoint: str) -> KeyProvider:
    client = boto3.client("kms", region_name="eu-west-1", endpoint_url=endpoint)
    key = client.create_key()["KeyMetadata"]["KeyId"]
    aliases = {alias["AliasName"] for alias in client.list_aliases()["Aliases"]}
    point = client.update_alias if ALIAS in aliases else client.create_alias
    point(AliasName=ALIAS, TargetKeyId=key)
    return key_provider(f"aws-kms:{ALIAS}?region=eu-west-1&endpoint={endpoint}")


async def test_a_data_key_is_wrapped_by_the_service_and_comes_back(kms: KeyProvider) -> None:
    wrapped = await kms.wrap("acme", DATA_KEY)
    assert DATA_KEY not in wrapped.data
    assert await kms.unwrap("acme", wrapped) == DATA_KEY
    assert (await kms.versions()).current == wrapped.version


async def test_another_tenant_cannot_unwrap_it(kms: KeyProvider) -> None:
    wrapped = await kms.wrap("acme", DATA_KEY)
    with pytest.raises(KeyUnknown):
        await kms.unwrap("globex", wrapped)


async def test_keys_go_on_unwrapping_once_the_alias_points_to_another_key(
    kms: KeyProvider, endpoint: str
) -> None:
    before = await kms.wrap("acme", DATA_KEY)
    client = boto3.client("kms", region_name="eu-west-1", endpoint_url=endpoint)
    client.update_alias(AliasName=ALIAS, TargetKeyId=client.create_key()["KeyMetadata"]["KeyId"])
    after = await kms.wrap("acme", DATA_KEY)
    assert before.version != after.version == (await kms.versions()).current
    assert await kms.unwrap("acme", before) == await kms.unwrap("acme", after) == DATA_KEY


async def test_a_key_that_is_disabled_is_unknown_and_not_an_outage(
    kms: KeyProvider, endpoint: str
) -> None:
    wrapped = await kms.wrap("acme", DATA_KEY)
    client = boto3.client("kms", region_name="eu-west-1", endpoint_url=endpoint)
    client.delete_alias(AliasName=ALIAS)
    with pytest.raises(KeyUnknown, match="NotFoundException"):
        await kms.wrap("acme", DATA_KEY)
    with pytest.raises(KeyUnknown):
        await kms.unwrap("acme", WrappedKey("arn:aws:kms:eu-west-1:1:key/none", wrapped.data))


async def test_a_service_that_does_not_answer_is_an_outage_and_not_an_unknown_key() -> None:
    nobody = key_provider(f"aws-kms:{ALIAS}?region=eu-west-1&endpoint=http://127.0.0.1:9")
    with pytest.raises(StoreUnavailable, match="could not be reached"):
        await nobody.wrap("acme", DATA_KEY)


@pytest.mark.parametrize(
    "url", ["aws-kms:?region=eu-west-1", "aws-kms:alias/x?zone=1", "aws-kms:x?region=a&endpoint=b"]
)
def test_a_wrong_url_is_one_sentence(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^TURNKEEPER_KEYS"):
        key_provider(url)
