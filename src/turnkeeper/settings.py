"""The settings: read once from the environment, then frozen.

Every setting is an environment variable `TURNKEEPER_<NAME>`; a command-line option of the same
name goes before it. Where Temporal is (address, namespace, TLS, API key) is not here: that is
`temporalio.envconfig`'s, shared with the `temporal` command (`TEMPORAL_*` and its TOML profiles).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from turnkeeper.contract import DEFAULT_PREFIX, DEFAULT_TENANT, TASK_QUEUE
from turnkeeper.errors import SettingsError

ENV_PREFIX = "TURNKEEPER_"
RATE, OPENING_RATE, MAX_STREAMS = "200/second", "50/second", 1000
JWT_LONGEST_LIFE = 24 * 3600

LogFormat = Literal["auto", "json", "console"]
LogLevel = Literal["debug", "info", "warning", "error"]
Versioning = Literal["auto_upgrade", "pinned"]


@dataclass(frozen=True, slots=True)
class Must:
    """What a setting's value must be: the second half of the sentence about a wrong one. The
    sentence doesn't quote a `hidden` value: it may hold a password."""

    be: str
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class SettingHelp:
    """One setting as help and docs show it. `variables` are tried in order."""

    name: str
    variables: tuple[str, ...]
    default: str
    about: str
    must_be: str


def _known_region(value: str) -> str:
    # Here and not at the top: the command's --help need not wait for the metadata of all regions.
    from phonenumbers import SUPPORTED_REGIONS

    if value not in SUPPORTED_REGIONS:
        raise ValueError("unknown region")
    return value


def _known_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, OSError) as error:  # OSError: the name of a folder of zones
        raise ValueError("unknown time zone") from error
    return value


_Lower = BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value)
_Upper = BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value)


_PLACE = r"(header:[\w-]+|[\w-]+(\.[\w-]+)*)"
_PLACES = rf"^\s*{_PLACE}(\s*,\s*{_PLACE})*\s*$"
_RATE = r"^[1-9]\d{0,8}/(second|minute|hour)$"
_A_RATE = "a rate such as 200/second, 600/minute or 5000/hour"
_ORIGIN = r"https?://[A-Za-z0-9.\-\[\]:]+"
_NAMED = r"([A-Za-z0-9][A-Za-z0-9._-]{0,63}:)?"
_KEY = r"[A-Za-z0-9+/]{43}="
"""32 bytes, in base64."""
_A_PLACE = "places such as call.customer.number or header:X-Caller, with commas between"


class Settings(BaseSettings):
    """What a worker or a client goes by. `Settings()` reads the environment; use
    `read_settings`, which turns a wrong value into a `SettingsError`."""

    model_config = SettingsConfigDict(
        frozen=True,
        env_prefix=ENV_PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        populate_by_name=True,
        use_attribute_docstrings=True,
    )

    forms: Annotated[Path, Must("a folder")] = Path("forms")
    """The folder with the forms: every *.yaml and *.yml in it."""

    region: Annotated[
        str,
        _Upper,
        AfterValidator(_known_region),
        Must("a region of two letters (ISO 3166-1), such as US or GB"),
    ] = "US"
    """How national phone numbers and postal codes are read where a form names no region."""

    timezone: Annotated[
        str, AfterValidator(_known_zone), Must("an IANA time zone, such as Europe/Berlin")
    ] = "UTC"
    """What "today" is for callers where a form names no time zone."""

    prefix: Annotated[
        str,
        Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"),
        Must("1 to 64 letters, digits, '.', '_', '-' or ':', with a letter or digit first"),
    ] = DEFAULT_PREFIX
    """The first part of every workflow id."""

    tenant: Annotated[
        str,
        Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"),
        Must("1 to 64 letters, digits, '.', '_' or '-', with a letter or digit first"),
    ] = DEFAULT_TENANT
    """Whose sessions these are: the second part of every workflow id."""

    tenant_namespace: Annotated[
        str | None, Field(pattern=r"^[A-Za-z0-9._-]*\{tenant\}[A-Za-z0-9._-]*$"),
        Must("a name with {tenant} in it, such as voice-{tenant}"),
    ] = None  # fmt: skip
    """The Temporal namespace of each tenant, where each has one of its own; unset, all share the
    one that Temporal's settings name."""

    task_queue: Annotated[str, Field(min_length=1, max_length=200), Must("1 to 200 characters")] = (
        TASK_QUEUE
    )
    """The Temporal task queue that clients send to and workers poll."""

    data: Annotated[Path, Must("a folder")] = Path(".turnkeeper")
    """The folder of the embedded server: its database, its keys, its log. `dev` uses it, and
    clients beside it find the keys there."""

    log_format: Annotated[LogFormat, _Lower, Must("auto, json or console")] = "auto"
    """How log lines look; auto is console on a terminal and json elsewhere."""

    log_level: Annotated[LogLevel, _Lower, Must("debug, info, warning or error")] = "info"
    """The least important line that is logged."""

    metrics: Annotated[
        str | None, Field(pattern=r"^(localhost|\d+(\.\d+){3}|\[[0-9A-Fa-f:]+\]):\d{1,5}$"),
        Must("an IP address and a port, such as 127.0.0.1:9464"),
    ] = None  # fmt: skip
    """Where this process serves its metrics to Prometheus, under /metrics."""

    metrics_tenant: Annotated[bool, Must("true or false")] = False
    """Whether metrics have the tenant as a label: with many tenants there are many series."""

    turn_deadline: Annotated[
        float, Field(gt=0, le=300), Must("a number of seconds, above 0 and at most 300")
    ] = 15.0
    """Seconds that a client goes on trying to have a turn answered."""

    health: Annotated[
        str | None, Field(pattern=r"^(\[[0-9A-Fa-f:.]+\]|[\w.-]+):\d{1,5}$"),
        Must("host:port, such as 127.0.0.1:8090"),
    ] = None  # fmt: skip
    """Where the worker answers /livez and /readyz; the gateway and the codec server do so on their
    own ports."""

    public_url: Annotated[
        str | None, Field(pattern=r"^https?://[^/\s]+(/\S*)?$"),
        Must("an address such as https://voice.example.com"),
    ] = None  # fmt: skip
    """Where the gateway is reached from outside: what telephony platforms are told."""

    jwt_jwks: Annotated[
        str | None, Field(pattern=r"^(https://\S+|http://(localhost|127\.0\.0\.1|\[::1\])[:/]\S+|file:\S.*)$"),
        Must("an https:// address (http:// on this machine only) or file:PATH"),
    ] = None  # fmt: skip
    """The public keys (a JSON Web Key Set) of who signs tokens for the gateway."""

    jwt_issuer: Annotated[str | None, Field(min_length=1), Must("what `iss` of a token is")] = None
    """Who issues tokens for the gateway: what `iss` of a token must be."""

    jwt_audience: Annotated[str | None, Field(min_length=1), Must("what `aud` of a token has")] = (
        None
    )
    """Whom tokens are for: what `aud` of a token must be, or have in it."""

    jwt_longest_life: Annotated[
        int, Field(ge=60, le=366 * 24 * 3600),
        Must("a number of seconds, from 60 to 31622400, a year"),
    ] = JWT_LONGEST_LIFE  # fmt: skip
    """Seconds from `iat` to `exp` of a token that is taken, at most."""

    rate: Annotated[str, Field(pattern=_RATE), Must(_A_RATE)] = RATE
    """How many requests and messages a tenant may send to one gateway process."""

    opening_rate: Annotated[str, Field(pattern=_RATE), Must(_A_RATE)] = OPENING_RATE
    """How many legs (calls, sockets) a tenant may open through one gateway process."""

    max_streams: Annotated[
        int, Field(ge=1, le=1_000_000), Must("a whole number from 1 to 1000000")
    ] = MAX_STREAMS
    """Sockets and event streams that a tenant may have at once at one gateway process."""

    origins: Annotated[
        str | None, Field(pattern=rf"^{_ORIGIN}(\s*,\s*{_ORIGIN})*$"),
        Must("origins such as https://shop.example.com, with commas between"),
    ] = None  # fmt: skip
    """The web sites whose pages may use the gateway from a browser, besides its own page."""

    proxies: Annotated[
        str | None, Field(pattern=r"^[0-9A-Fa-f.:/, ]+$"),
        Must("addresses or networks such as 10.0.0.0/8, with commas between"),
    ] = None  # fmt: skip
    """The proxies before the gateway whose X-Forwarded-For is believed."""

    ui_origin: Annotated[
        str | None, Field(pattern=r"^https?://[^/\s]+$"),
        Must("an origin such as https://temporal.example.com"),
    ] = None  # fmt: skip
    """Where Temporal's UI is, which asks the codec server; unset: that of `dev`."""

    twilio_auth_token: Annotated[
        str | None, Field(pattern=rf"^{_NAMED}[^\s,:]+(\s*,\s*{_NAMED}[^\s,:]+)*$", repr=False),
        Must("auth tokens with commas between, of other tenants as TENANT:TOKEN", hidden=True),
    ] = None  # fmt: skip
    """What Twilio's requests are signed with, two while it is rotated; Twilio is off without."""

    telnyx_public_key: Annotated[
        str | None, Field(pattern=rf"^{_NAMED}{_KEY}(\s*,\s*{_NAMED}{_KEY})*$", repr=False),
        Must("public keys (base64) with commas between, others' as TENANT:KEY", hidden=True),
    ] = None  # fmt: skip
    """What Telnyx's requests are checked with, from its portal; Telnyx is off without."""

    openai_subject: Annotated[str | None, Field(pattern=_PLACES), Must(_A_PLACE)] = None
    """Where an OpenAI-compatible request names the caller, besides the places that are known."""

    openai_call: Annotated[str | None, Field(pattern=_PLACES), Must(_A_PLACE)] = None
    """Where an OpenAI-compatible request names the call, besides the places that are known."""

    deployment: Annotated[
        str | None, Field(validation_alias=AliasChoices(
            "TURNKEEPER_DEPLOYMENT", "TEMPORAL_DEPLOYMENT_NAME"
        )), Must("the name of a Worker Deployment"),
    ] = None  # fmt: skip
    """The Temporal Worker Deployment that this worker belongs to; goes with the build id."""

    build_id: Annotated[
        str | None, Field(validation_alias=AliasChoices(
            "TURNKEEPER_BUILD_ID", "TEMPORAL_WORKER_BUILD_ID"
        )), Must("the id of a build"),
    ] = None  # fmt: skip
    """The build of this worker within its deployment."""

    versioning: Annotated[Versioning, _Lower, Must("auto_upgrade or pinned")] = "auto_upgrade"
    """Whether a session goes to the current build at its next turn (auto_upgrade), or stays on its
    own build until that turn is over (pinned); of workers with a build id."""

    keys: Annotated[
        str | None,
        Field(pattern=r"^(file|env|aws-kms):\S", repr=False),
        Must("file:PATH, env:NAME or aws-kms:KEY_ID_OR_ALIAS", hidden=True),
    ] = None
    """Where the tenant's keys are; sessions are not encrypted without. Goes with the key store."""

    key_store: Annotated[
        str | None,
        Field(pattern=r"^(sqlite:\S|postgres(ql)?://\S)", repr=False),
        Must("sqlite:PATH or postgresql://HOST/DATABASE", hidden=True),
    ] = None
    """Where the wrapped keys of sessions are: one place for all workers and clients."""

    accept_plaintext: Annotated[bool, Must("true or false")] = False
    """Whether what is not encrypted is read though keys are set: for sessions begun before."""

    max_cached_sessions: Annotated[
        int, Field(ge=0, le=1_000_000), Must("a whole number from 0 to 1000000")
    ] = 5000
    """Sessions kept in memory, about 0.3 MiB each; others are rebuilt from history."""

    sandboxed: Annotated[bool, Must("true or false")] = True
    """Whether workflow code runs in Temporal's sandbox; costs about 0.5 ms a turn."""

    @property
    def namespace(self) -> str | None:
        """The tenant's own Temporal namespace; None where Temporal's settings say which."""
        template = self.tenant_namespace
        return None if template is None else template.replace("{tenant}", self.tenant)

    @property
    def versioned(self) -> bool:
        """Whether the worker belongs to a Worker Deployment."""
        return self.deployment is not None


_TOGETHER = (
    ("deployment", "build_id"),
    ("keys", "key_store"),
    ("jwt_jwks", "jwt_issuer"),
    ("jwt_jwks", "jwt_audience"),
)


def read_settings(**overrides: object) -> Settings:
    """The settings of this process; `overrides` (None is "not given") go before the environment.

    Raises SettingsError with one sentence for each wrong value.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        settings = Settings(**given)  # type: ignore[arg-type]  # values are checked by pydantic
    except ValidationError as error:
        wrong = [_sentence(detail, given) for detail in error.errors(include_url=False)]
        raise SettingsError("\n".join(wrong)) from None
    for one, other in _TOGETHER:
        if (getattr(settings, one) is None) != (getattr(settings, other) is None):
            pair = f"{ENV_PREFIX}{one.upper()} and {ENV_PREFIX}{other.upper()}"
            raise SettingsError(f"{pair} go together: set both or neither.")
    return settings


def describe_settings() -> tuple[SettingHelp, ...]:
    """Every setting, in the order in which they are declared: for help texts and docs."""
    return tuple(
        SettingHelp(
            name=name,
            variables=_variables(name, field),
            default="" if field.default is None else str(field.default),
            about=" ".join((field.description or "").split()),
            must_be=_must_be(field),
        )
        for name, field in Settings.model_fields.items()
    )


def _variables(name: str, field: FieldInfo) -> tuple[str, ...]:
    if isinstance(field.validation_alias, AliasChoices):
        return tuple(str(choice) for choice in field.validation_alias.choices)
    return (ENV_PREFIX + name.upper(),)


def _must_be(field: FieldInfo) -> str:
    return _must(field).be


def _must(field: FieldInfo) -> Must:
    return next((mark for mark in field.metadata if isinstance(mark, Must)), Must("something else"))


def _sentence(detail: ErrorDetails, given: dict[str, object]) -> str:
    """One sentence for one pydantic error: the variable, its value, what it must be."""
    where = str(detail["loc"][0]) if detail["loc"] else ""
    for name, field in Settings.model_fields.items():
        variables = _variables(name, field)
        if where == name or where in variables:
            said_by = f"--{name.replace('_', '-')}" if name in given else variables[0]
            must = _must(field)
            found = "can't be used" if must.hidden else f"is {detail['input']!r}"
            return f"{said_by} {found} and must be {must.be}."
    return f"There is no setting called {where!r}."
