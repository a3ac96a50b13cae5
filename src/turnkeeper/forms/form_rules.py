"""Rules on the form itself: its id, its locale, where it is delivered, and its times."""

import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from turnkeeper.forms.drafts import Finding, FormDraft
from turnkeeper.forms.mistakes import did_you_mean
from turnkeeper.forms.model import Deliver

MAX_FIELDS = 200
"""No caller answers more; a form stands in history, and so stays far under Temporal's limits."""

MAX_ADDRESS = 200
"""Characters of the place that a caller is transferred to."""

_FORM_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)
_COUNTRY = re.compile(r"(?!ZZ|XA|XB|EU|EZ|UN|QO)[A-Z]{2}")
"""A territory of Babel's that is a country, and neither a group of them nor a placeholder."""
_ENVIRONMENT = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def ids(draft: FormDraft) -> Iterator[Finding]:
    """A form has an id: lower-case letters, digits, `_` and `-`, at most 64."""
    node = draft.node.get("form")
    if node is None:
        yield draft.finding("form", 'the form has no id; add one, such as "form: roadside_claim"')
    elif node.kind == "scalar" and not _FORM_ID.fullmatch(draft.form.form):
        rule = "use lower-case letters, digits, _ and -, begin with a letter or digit, at most 64"
        yield draft.finding("form", f'form id "{draft.form.form}" is not well formed; {rule}')


def fields(draft: FormDraft) -> Iterator[Finding]:
    """A form has a field, and at most 200."""
    node = draft.node.get("fields")
    if len(draft.fields) > MAX_FIELDS:
        yield draft.finding("fields", f"the form has over {MAX_FIELDS} fields; split it")
    if node is None or (node.kind == "list" and not node.items):
        yield draft.finding("fields", "the form has no fields; add one under fields:")


def locales(draft: FormDraft) -> Iterator[Finding]:
    """`language` is a language that Babel knows, `region` an ISO 3166-1 code."""
    from babel import Locale, UnknownLocaleError

    language, region = draft.form.language, draft.form.region
    try:
        Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        hint = "write a code such as en, en-GB or es"
        yield draft.finding("language", f'language "{language}" is not known; {hint}')
    territories = [code for code in map(str, Locale("en").territories) if _COUNTRY.fullmatch(code)]
    if region is not None and region not in territories:
        hint = did_you_mean(region.upper(), territories) or " write two letters such as US or GB"
        yield draft.finding("region", f'region "{region}" is not known;{hint}')


def timezones(draft: FormDraft) -> Iterator[Finding]:
    """`timezone` is a name of the IANA time zone database."""
    zone = draft.form.timezone
    if zone is None:
        return
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        hint = did_you_mean(zone, available_timezones()) or " write one like America/New_York"
        yield draft.finding("timezone", f'timezone "{zone}" is not known;{hint}')


def deliveries(draft: FormDraft) -> Iterator[Finding]:
    """`deliver` is an http or https URL; `authorization` names an environment variable, since a
    form stands in history and must hold no secret, and none that is the worker's own."""
    deliver = draft.form.deliver
    if deliver is None:
        return
    if why := _wrong_url(deliver):
        yield draft.finding("deliver", f"deliver: {why}")
    if deliver.authorization and not _ENVIRONMENT.fullmatch(deliver.authorization):
        why = "a form stands in history, so it holds no secret"
        what = 'name the environment variable that has it, such as "env:CLAIMS_TOKEN"'
        yield draft.finding("deliver", f"authorization: {why}; {what}")
    if is_workers_own(deliver.authorization or ""):
        why = "this variable is the worker's own, and goes to no receiver"
        yield draft.finding("deliver", f"authorization: {why}; give the receiver's another name")


def is_workers_own(authorization: str) -> bool:
    """Whether `env:NAME` names what a worker has for itself. Who writes forms may have credentials
    sent, and not these."""
    return authorization.removeprefix("env:").startswith(("TURNKEEPER_", "TEMPORAL_", "AWS_"))


def _wrong_url(deliver: Deliver) -> str | None:
    try:
        url = urlsplit(deliver.url)
        host, credentials = url.hostname, url.username or url.password
    except ValueError:
        return f'"{deliver.url}" is not a URL; write one like https://example.com/claims'
    if url.scheme not in ("http", "https") or not host:
        return f'"{deliver.url}" is not an http or https URL; write https://example.com/claims'
    return "leave user and password out of the URL; use authorization" if credentials else None


def hand_offs(draft: FormDraft) -> Iterator[Finding]:
    """`hand_off` is one address, at most 200 characters."""
    to = draft.form.hand_off
    if to is not None and not 0 < len(to) <= MAX_ADDRESS:
        hint = f"write a phone number, a SIP address or a queue's name, at most {MAX_ADDRESS} long"
        yield draft.finding("hand_off", f"hand_off says no place to transfer a caller to; {hint}")


def lifetimes(draft: FormDraft) -> Iterator[Finding]:
    """`stale` comes before the session is abandoned, and that before it expires."""
    form = draft.form
    ends = min(form.abandon_after, form.expire_after)
    if form.stale.after is not None and form.stale.after >= ends:
        hint = "make it shorter, or abandon_after and expire_after longer"
        yield draft.finding(
            "stale", f"stale never comes: the session ends after {_days(ends)}; {hint}"
        )
    if draft.has("abandon_after") and form.abandon_after > form.expire_after:
        what = "abandon_after never comes: expire_after is shorter; make one of them longer"
        yield draft.finding("abandon_after", what)


def _days(duration: timedelta) -> str:
    return f"{duration.total_seconds() / 86400:g} days"
