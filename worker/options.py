"""Settings as command-line options, made from the settings themselves so that both say the same."""

from collections.abc import Callable
from typing import TypeVar

import click

from turnkeeper.settings import SettingHelp, Settings, describe_settings

DEFAULT_PORT, DEFAULT_UI_PORT, DEFAULT_GATEWAY_PORT = 7233, 8233, 8080
"""The first two are those of the Temporal command's own server, which it finds without options."""
DEFAULT_CODEC_PORT = 8081
DEFAULT_DATA: str = str(Settings.model_fields["data"].default)
"""Where clients look for a server's keys without a setting."""

Command = TypeVar("Command", bound=Callable[..., object])


def setting_options(*names: str) -> Callable[[Command], Command]:
    """Adds an option for each of the named settings; one that is not given is None."""
    described = {setting.name: setting for setting in describe_settings()}

    def add(command: Command) -> Command:
        for name in reversed(names):
            command = _option(described[name])(command)
        return command

    return add


def _option(setting: SettingHelp) -> Callable[[Command], Command]:
    default = f"; default {setting.default}" if setting.default else ""
    return click.option(
        f"--{setting.name.replace('_', '-')}",
        setting.name,
        metavar="VALUE",
        help=f"{setting.about} [{' or '.join(setting.variables)}{default}]",
    )
