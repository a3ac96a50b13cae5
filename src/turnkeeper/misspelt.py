"""Variables that were meant as settings: a misspelt one is not read, and nobody would know."""

from collections.abc import Mapping
from difflib import get_close_matches

from structlog.stdlib import BoundLogger

from turnkeeper.settings import ENV_PREFIX, describe_settings

ALIKE = 0.8
"""KEY_STROE is as like KEY_STORE as 0.89, FORM as FORMS too, TIME_ZONE as TIMEZONE as 0.94."""


def misspelt(environment: Mapping[str, str]) -> list[str]:
    """A sentence for each variable that is no setting, and all but named like one."""
    settings = {name for setting in describe_settings() for name in setting.variables}
    own = {name.removeprefix(ENV_PREFIX): name for name in settings if name.startswith(ENV_PREFIX)}
    sentences = []
    for name in sorted(environment.keys() - settings):
        if name.startswith(ENV_PREFIX):
            meant = get_close_matches(name.removeprefix(ENV_PREFIX), own, n=1, cutoff=ALIKE)
            sentences += [f"{name} is no setting: {own[like]} may be meant" for like in meant]
    return sentences


def warn_of_misspelt(environment: Mapping[str, str], log: BoundLogger) -> None:
    """A line in the log for each."""
    for sentence in misspelt(environment):
        log.warning("a variable that looks like a setting is not read", reason=sentence)
