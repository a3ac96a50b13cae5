"""Whether an environment and a command line are such as the code reads."""

from collections.abc import Mapping, Sequence

import pytest
from click.testing import CliRunner

from turnkeeper.settings import describe_settings, read_settings
from worker.__main__ import main

PENDING: frozenset[str] = frozenset()
"""Settings that the manifests have before the code has them."""

KNOWN = frozenset(name for setting in describe_settings() for name in setting.variables)


def check(environment: Mapping[str, str]) -> None:
    """Asserts that each TURNKEEPER_* is a setting, and that all of them are valid together."""
    assert not PENDING & KNOWN, f"no longer pending: {PENDING & KNOWN}"
    unknown = {name for name in environment if name.startswith("TURNKEEPER_")} - KNOWN - PENDING
    assert not unknown, f"no setting: {unknown}"
    with pytest.MonkeyPatch.context() as patch:
        for name in KNOWN:
            patch.delenv(name, raising=False)
        for name, value in environment.items():
            patch.setenv(name, value)
        read_settings()


def check_command(arguments: Sequence[str]) -> None:
    """Asserts that `python -m worker` has the command and its options."""
    result = CliRunner().invoke(main, [*arguments, "--help"])
    assert result.exit_code == 0, result.output
