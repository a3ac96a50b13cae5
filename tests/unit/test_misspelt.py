"""A misspelt setting is said to be one."""

import pytest

from turnkeeper.misspelt import misspelt, warn_of_misspelt
from turnkeeper.settings import describe_settings
from turnkeeper.telemetry import logger


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("TURNKEEPER_KEY_STROE", "TURNKEEPER_KEY_STORE"),
        ("TURNKEEPER_KEYSTORE", "TURNKEEPER_KEY_STORE"),
        ("TURNKEEPER_FORM", "TURNKEEPER_FORMS"),
        ("TURNKEEPER_TIME_ZONE", "TURNKEEPER_TIMEZONE"),
    ],
)
def test_a_misspelt_setting_is_named_with_the_one_that_may_be_meant(
    written: str, meant: str
) -> None:
    assert misspelt({written: "x"}) == [f"{written} is no setting: {meant} may be meant"]


def test_settings_and_variables_of_other_programs_are_left_alone() -> None:
    settings = {name: "" for setting in describe_settings() for name in setting.variables}
    others = {"TURNKEEPER_DATA": "", "TURNKEEPER_TOKEN": "", "PATH": "", "KEY_STROE": ""}
    assert misspelt(settings | others) == []


def test_a_process_that_starts_says_so_in_its_log(caplog: pytest.LogCaptureFixture) -> None:
    warn_of_misspelt({"TURNKEEPER_KEY_STROE": "secret"}, logger(__name__))
    assert "TURNKEEPER_KEY_STORE may be meant" in caplog.text
    assert "secret" not in caplog.text
