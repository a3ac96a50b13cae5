"""Who a caller is: from what an agent passes as `caller` to the subject in a session's id.

The subject is the person, or an id that they or the agent chose, never the call: a call ends, the
person rings again. Two spellings of one phone number are one subject.

A subject says nothing of the person: it is a keyed hash (HMAC with SHA-256, RFC 2104, cut to 128
bits) of the tenant and the caller in normal form. All phone numbers of a country can be tried in
minutes, so a hash without a key would hide none of them. The key is the tenant's *identity key*,
which never changes: the key store has it, wrapped by the tenant key. Where no keys are set it is
`PUBLIC_KEY`, which everybody knows: ids then look the same and can be guessed.
"""

import base64
import hashlib
import hmac
import re
import unicodedata
from typing import NamedTuple
from urllib.parse import quote, unquote

import phonenumbers

from turnkeeper.errors import InvalidCaller, InvalidInput

MAX_CALLER = 200
"""Characters of a caller."""
PUBLIC_KEY = hashlib.sha256(b"turnkeeper/identity-key/public").digest()
"""The identity key of tenants without keys."""

_HASH_BYTES = 16
_SUBJECT = re.compile(r"[a-z2-7]{26}")
"""128 bits in the letters of base32 (RFC 4648, section 6), in lower case and without padding."""

_PHONE = re.compile(r"[+(]?[\d][\d\s().\-/]*")
_URI = re.compile(r"(?:tel|sips?):([^@;]+)(@[^;]+)?(?:;.*)?", re.IGNORECASE)
_WITHHELD = frozenset(
    {
        "anonymous",
        "restricted",
        "unknown",
        "unavailable",
        "private",
        "blocked",
        "withheld",
        "+266696687",
        "+7378742833",
        "+8656696",
        "+86282452253",
    }
)
"""What carriers and Twilio send for a withheld number: many people, so nobody. The numbers spell
ANONYMOUS, RESTRICTED, UNKNOWN and UNAVAILABLE on a keypad (Twilio, "Caller ID formats")."""


def normal_caller(caller: str, region: str = "US") -> str:
    """A caller in normal form: a phone number in E.164, or the id as it is.

    Args:
        caller: a phone number in any spelling, a `tel:` or `sip:` URI of one, or an id (a user
            id, an e-mail address). At most `MAX_CALLER` characters.
        region: ISO 3166-1 alpha-2, for numbers without a country code.

    Raises:
        InvalidCaller: it is no text, empty, too long, or a withheld number, which identifies
            nobody.
    """
    if not isinstance(caller, str):
        raise InvalidCaller(
            "a caller is text, a phone number or an id; nobody was named: pass an id of your own, "
            "or the call's id if the form need not outlive the call"
        )
    text = unicodedata.normalize("NFKC", caller).strip()
    if not text or len(text) > MAX_CALLER:
        raise InvalidCaller(f"a caller is 1 to {MAX_CALLER} characters: a phone number or an id")
    uri = _URI.fullmatch(text)
    user, host = (uri.group(1), uri.group(2) or "") if uri else (text, "")
    if user.casefold() in _WITHHELD:
        raise InvalidCaller(
            "a withheld number identifies nobody: pass an id of your own as the caller, "
            "or the call's id if the form need not outlive the call"
        )
    return _e164(user, region) or _safe(user + host)


def is_normal(caller: str, region: str) -> bool:
    """Whether a caller is its own normal form: no other text is taken for the same person.

    Raises InvalidCaller as `normal_caller` does.
    """
    return unquote(normal_caller(caller, region)) == caller


def _e164(text: str, region: str) -> str | None:
    """The number in E.164, or None where the text is no valid number."""
    if not _PHONE.fullmatch(text):
        return None
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _safe(text: str) -> str:
    """An id without separators, blanks or control characters; an e-mail address in lower case."""
    try:
        return quote(text.casefold() if "@" in text else text, safe="+@._~-")
    except UnicodeEncodeError:
        raise InvalidCaller("a caller is text; this one holds half of a character") from None


def subject_of(key: bytes, tenant: str, caller: str) -> str:
    """The subject of a caller in normal form: 26 characters, letters a-z and digits 2-7.

    Args:
        key: the tenant's identity key.
        tenant: whose caller.
        caller: as `normal_caller` gives it.
    """
    return _hashed(key, "subject", tenant, caller)


def transport_key(key: bytes, tenant: str, transport_id: str) -> str:
    """What a transport's id is indexed and looked for as; of no id nothing."""
    return _hashed(key, "transport", tenant, transport_id) if transport_id else ""


def _hashed(key: bytes, kind: str, tenant: str, text: str) -> str:
    # Neither kind nor tenant can hold the separator: no two triples give the same bytes.
    said = "\0".join(("turnkeeper/1", kind, tenant, text)).encode(errors="surrogatepass")
    cut = hmac.digest(key, said, hashlib.sha256)[:_HASH_BYTES]
    return base64.b32encode(cut).decode().rstrip("=").lower()


# --- session ids ----------------------------------------------------------------------------------

_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class _Parts(NamedTuple):
    """The parts of a session's id; only the prefix may hold colons."""

    prefix: str
    tenant: str
    form: str
    subject: str


def session_id(prefix: str, tenant: str, form: str, subject: str) -> str:
    """The workflow id `{prefix}:{tenant}:{form}:{subject}`.

    Raises:
        InvalidInput: tenant or form hold more than letters, digits, `.`, `_` and `-`.
    """
    require_part("tenant", tenant)
    require_part("form", form)
    return f"{prefix}:{tenant}:{form}:{subject}"


def require_part(what: str, part: str) -> None:
    """Raises InvalidInput where `part` can't be a tenant, or a form, in a session's id."""
    if not _PART.fullmatch(part):
        raise InvalidInput(
            f"{what} {part!r} is not an id: use up to 64 letters, digits, '.', '_' and '-'"
        )


def tenant_of(workflow_id: str) -> str:
    """Whose session it is. Raises InvalidInput where the id is none of a session."""
    return _parts(workflow_id).tenant


def form_of(workflow_id: str) -> str:
    """The form's id. Raises InvalidInput where the id is none of a session."""
    return _parts(workflow_id).form


def is_session_of(workflow_id: str, prefix: str, tenant: str) -> bool:
    """Whether the id is one of a session, and that of this tenant under this prefix."""
    try:
        parts = _parts(workflow_id)
    except InvalidInput:
        return False
    mine = parts[:2] == (prefix, tenant)
    return mine and _SUBJECT.fullmatch(parts.subject) is not None


def _parts(workflow_id: str) -> _Parts:
    parts = workflow_id.rsplit(":", 3)
    if len(parts) != len(_Parts._fields) or not all(parts):
        raise InvalidInput("a session's id is prefix:tenant:form:subject; this one has other parts")
    return _Parts(*parts)
