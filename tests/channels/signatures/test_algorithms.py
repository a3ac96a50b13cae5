"""What Twilio and Telnyx sign: their algorithms, by vectors. Those that Twilio has not published
were made with its own library (`twilio` 9.13.0)."""

import time
from collections.abc import Mapping

import pytest

from tests.channels.signatures.signing import (
    KEY,
    NEXT_TOKEN,
    OTHER_KEY,
    RELAY,
    SPOKEN,
    SPOKEN_AT,
    TOKEN,
    VOICE,
    public,
)
from turnkeeper.errors import SettingsError
from turnkeeper.gateway.signatures import telnyx, twilio
from turnkeeper.gateway.signatures.accounts import Account, Accounts, accounts_of
from turnkeeper.settings import read_settings


@pytest.mark.parametrize(
    ("secret", "url", "fields", "algorithm", "signature"),
    [
        pytest.param(
            "12345",
            "https://mycompany.com/myapp.php?foo=1&bar=2",
            {
                "CallSid": "CA1234567890ABCDE",
                "Caller": "+14158675309",
                "Digits": "1234",
                "From": "+14158675309",
                "To": "+18005551212",
            },
            "HMAC_SHA1",
            "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
            id="published by Twilio",
        ),
        ("s3cret", SPOKEN_AT, SPOKEN, "HMAC_SHA1", "O0A8kiBrMao7QbDGOvNKIT9essE="),
        (
            "s3cret",
            SPOKEN_AT,
            SPOKEN,
            "HMAC_SHA256",
            "WBkh2LoPBNirVuhQkKDLkA23at0GQqgkDjKIAeJcyC4=",
        ),
        ("s3cret", RELAY, {}, "HMAC_SHA1", "05qltcpWTy2kMxm0Ke0z1hAY+n0="),
    ],
)
def test_twilios_signature_is_as_twilio_makes_it(
    secret: str, url: str, fields: Mapping[str, str], algorithm: str, signature: str
) -> None:
    assert twilio.sign(secret, url, tuple(fields.items()), algorithm) == signature


@pytest.mark.parametrize("place", ["voice.example.com", "voice.example.com:443", "[::1]:8080"])
@pytest.mark.parametrize("signed", ["voice.example.com", "voice.example.com:443", "[::1]"])
def test_an_address_may_be_signed_with_or_without_its_port(place: str, signed: str) -> None:
    account = Account("acme", TOKEN)
    signature = twilio.sign(TOKEN, f"https://{signed}/twilio/voice?form=claim")
    found = twilio.signer([account], signature, "", f"https://{place}/twilio/voice?form=claim")
    assert (found is account) is (place[:2] == signed[:2])


def test_a_socket_may_be_signed_with_a_slash_at_the_end() -> None:
    account = Account("acme", TOKEN)
    assert twilio.signer([account], twilio.sign(TOKEN, RELAY + "/"), "", RELAY) is account
    assert twilio.signer([account], twilio.sign(TOKEN, VOICE + "/"), "", VOICE) is None


def test_a_shared_keys_signature_is_what_its_header_says_and_no_other() -> None:
    account = Account("acme", TOKEN)
    signature = twilio.sign(TOKEN, VOICE, algorithm="HMAC_SHA256")
    named = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"
    assert twilio.signer([account], signature, named, VOICE) is account
    assert twilio.signer([account], signature, "", VOICE) is None
    assert twilio.signer([account], signature, "algorithm=HMAC_MD5", VOICE) is None


def test_the_accounts_of_a_setting_have_their_tenants_and_hide_their_secrets() -> None:
    found = accounts_of(f"{TOKEN}, {NEXT_TOKEN},acme:5ec2e7", "home")
    assert [(one.tenant, one.secret) for one in found] == [
        ("home", TOKEN),
        ("home", NEXT_TOKEN),
        ("acme", "5ec2e7"),
    ]
    assert accounts_of(None, "home") == ()
    settings = read_settings(twilio_auth_token=TOKEN, telnyx_public_key=public(KEY))
    told = f"{found!r} {Accounts.of(settings)!r} {settings!r}"
    assert not any(secret in told for secret in (TOKEN, NEXT_TOKEN, "5ec2e7", public(KEY)))


@pytest.mark.parametrize("setting", ["acme:", f"{TOKEN},acme:", f"acme:,{TOKEN}", ":", "a:b:"])
def test_an_account_without_a_secret_is_none(setting: str) -> None:
    """What is signed with nothing, anybody can sign."""
    with pytest.raises(SettingsError, match="twilio-auth-token can't be used"):
        read_settings(twilio_auth_token=setting)
    with pytest.raises(SettingsError, match="an account has no secret"):
        accounts_of(setting, "home")


@pytest.mark.parametrize("seconds", [-301, 302])
def test_telnyx_signed_it_just_now(seconds: int) -> None:
    accounts = (Account("acme", public(OTHER_KEY)), Account("home", public(KEY)))
    then, now = str(int(time.time()) + seconds), str(int(time.time()))
    assert telnyx.signer(accounts, telnyx.sign(KEY, b"a=b", now), now, b"a=b") == accounts[1]
    assert telnyx.signer(accounts, telnyx.sign(KEY, b"a=b", then), then, b"a=b") is None
