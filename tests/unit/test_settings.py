"""Settings: read once, from the environment and from options, and clear about what is wrong."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from turnkeeper.errors import InvalidInput, SettingsError
from turnkeeper.settings import SettingHelp, describe_settings, read_settings


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in describe_settings():
        for variable in setting.variables:
            monkeypatch.delenv(variable, raising=False)


def test_nothing_set_gives_a_worker_that_runs_on_a_fresh_machine() -> None:
    settings = read_settings()
    assert (settings.forms, settings.data) == (Path("forms"), Path(".turnkeeper"))
    assert (settings.region, settings.timezone) == ("US", "UTC")
    assert settings.task_queue == "turnkeeper"
    assert not settings.versioned


@pytest.mark.parametrize("setting", describe_settings(), ids=lambda setting: setting.name)
def test_every_setting_is_read_from_each_of_its_variables(
    setting: SettingHelp, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {
        "region": "GB",
        "timezone": "Europe/Berlin",
        "log_format": "console",
        "log_level": "debug",
        "turn_deadline": "7.5",
        "max_cached_sessions": "12",
        "tenant_namespace": "voice-{tenant}",
        "public_url": "https://voice.example.com",
        "health": "127.0.0.1:8090",
        "metrics": "127.0.0.1:9464",
        "metrics_tenant": "true",
        "twilio_auth_token": "8f1d2c, acme:77c0ab",
        "telnyx_public_key": f"{'A' * 43}=, acme:{'B' * 43}=",
        "openai_subject": "call.customer.number, header:X-Caller",
        "openai_call": "header:X-Call",
        "keys": "env:KEYS",
        "key_store": "sqlite:keys.db",
        "accept_plaintext": "true",
        "sandboxed": "false",
        "versioning": "pinned",
        "jwt_jwks": "file:jwks.json",
        "jwt_longest_life": "900",
        "rate": "600/minute",
        "opening_rate": "5/hour",
        "max_streams": "7",
        "origins": "https://shop.example.com, http://localhost:3000",
        "proxies": "10.0.0.0/8, ::1",
        "ui_origin": "https://temporal.example.com",
    }
    together = (
        {"deployment", "build_id"},
        {"keys", "key_store"},
        {"jwt_jwks", "jwt_issuer", "jwt_audience"},
    )
    value = values.get(setting.name, "other")
    partners = {name for group in together if setting.name in group for name in group}
    partners -= {setting.name}
    for variable in setting.variables:
        with monkeypatch.context() as environment:
            environment.setenv(variable, value)
            settings = read_settings(**{name: values.get(name, "x") for name in partners})
        assert str(getattr(settings, setting.name)).lower() == value.lower()


def test_an_option_goes_before_the_environment_and_none_is_not_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TURNKEEPER_REGION", "GB")
    assert read_settings(region="DE").region == "DE"
    assert read_settings(region=None).region == "GB"


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNKEEPER_REGION", "")
    assert read_settings().region == "US"


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        (
            "TURNKEEPER_REGION",
            "UK",
            "TURNKEEPER_REGION is 'UK' and must be a region of two letters (ISO 3166-1), such as"
            " US or GB.",
        ),
        (
            "TURNKEEPER_TIMEZONE",
            "Mars/Olympus",
            "TURNKEEPER_TIMEZONE is 'Mars/Olympus' and must be an IANA time zone, such as"
            " Europe/Berlin.",
        ),
        (
            "TURNKEEPER_TIMEZONE",
            "America",
            "TURNKEEPER_TIMEZONE is 'America' and must be an IANA time zone, such as"
            " Europe/Berlin.",
        ),
        (
            "TURNKEEPER_TENANT",
            "a:b",
            "TURNKEEPER_TENANT is 'a:b' and must be 1 to 64 letters, digits, '.', '_' or '-', with"
            " a letter or digit first.",
        ),
        (
            "TURNKEEPER_LOG_FORMAT",
            "xml",
            "TURNKEEPER_LOG_FORMAT is 'xml' and must be auto, json or console.",
        ),
        (
            "TURNKEEPER_TURN_DEADLINE",
            "soon",
            "TURNKEEPER_TURN_DEADLINE is 'soon' and must be a number of seconds, above 0 and at"
            " most 300.",
        ),
        (
            "TURNKEEPER_MAX_CACHED_SESSIONS",
            "-1",
            "TURNKEEPER_MAX_CACHED_SESSIONS is '-1' and must be a whole number from 0 to 1000000.",
        ),
        ("TURNKEEPER_SANDBOXED", "eh", "TURNKEEPER_SANDBOXED is 'eh' and must be true or false."),
    ],
)
def test_a_wrong_value_is_one_sentence_with_the_variable_and_what_it_must_be(
    variable: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert str(caught.value) == sentence
    assert isinstance(caught.value, InvalidInput)


def test_a_wrong_option_is_named_as_an_option() -> None:
    with pytest.raises(SettingsError, match=r"^--log-format is 'xml' and must be auto, json or"):
        read_settings(log_format="xml")


def test_all_wrong_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNKEEPER_REGION", "UK")
    monkeypatch.setenv("TURNKEEPER_SANDBOXED", "eh")
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert len(str(caught.value).splitlines()) == 2


def test_a_build_without_its_deployment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_WORKER_BUILD_ID", "b1")
    with pytest.raises(SettingsError, match="go together"):
        read_settings()
    monkeypatch.setenv("TEMPORAL_DEPLOYMENT_NAME", "claims")
    assert read_settings().versioned


def test_keys_without_a_place_for_those_of_sessions_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TURNKEEPER_KEYS", "env:KEYS")
    with pytest.raises(SettingsError, match=r"^TURNKEEPER_KEYS and TURNKEEPER_KEY_STORE go toget"):
        read_settings()


def test_a_wrong_value_that_may_hold_a_password_is_not_quoted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TURNKEEPER_KEY_STORE", "postgres:/voice:hunter2@db/keys")
    with pytest.raises(SettingsError) as caught:
        read_settings(keys="env:KEYS")
    assert str(caught.value) == (
        "TURNKEEPER_KEY_STORE can't be used and must be sqlite:PATH or postgresql://HOST/DATABASE."
    )
    settings = read_settings(keys="env:KEYS", key_store="postgresql://voice:hunter2@db/keys")
    assert "hunter2" not in repr(settings)


def test_an_unknown_setting_is_refused_and_not_ignored() -> None:
    with pytest.raises(SettingsError, match="no setting called 'regoin'"):
        read_settings(regoin="US")


def test_settings_do_not_change_once_read() -> None:
    settings = read_settings()
    with pytest.raises(ValidationError):
        settings.region = "GB"  # type: ignore[misc]  # that it is refused is the promise


def test_every_setting_says_what_it_is_and_what_it_must_be() -> None:
    for setting in describe_settings():
        assert setting.about.endswith("."), setting.name
        assert setting.must_be != "something else", setting.name
