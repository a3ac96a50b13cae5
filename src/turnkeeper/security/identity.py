"""Who a caller is: from what an agent passes as `caller` to the subject in a session's id.

The subject is the person, or an id that they or the agent chose, never the call: a call ends, the
person rings again. Two spellings of one phone number are one subject.
"""

import re
import unicodedata
from urllib.parse import quote

import phonenumbers

from turnkeeper.errors import InvalidCaller

MAX_SUBJECT = 600
"""Characters of a subject, in which all but plain letters and digits are written `%XX`."""
MAX_CALLER = 200
"""Characters; a workflow id may have 1,000, of which three other parts want some."""

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


def subject_of(caller: str, region: str = "US") -> str:
    """The subject of a caller: a phone number in E.164, or the id as it is.

    Args:
        caller: a phone number in any spelling, a `tel:` or `sip:` URI of one, or an id (a user
            id, an e-mail address). At most `MAX_CALLER` characters.
        region: ISO 3166-1 alpha-2, for numbers without a country code.

    Raises:
        InvalidCaller: it is empty, too long, or a withheld number, which identifies nobody.
    """
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
    """An id as part of a workflow id: no separators, blanks or control characters; an e-mail
    address in lower case."""
    try:
        safe = quote(text.casefold() if "@" in text else text, safe="+@._~-")
    except UnicodeEncodeError:
        raise InvalidCaller("a caller is text; this one holds half of a character") from None
    if len(safe) > MAX_SUBJECT:
        raise InvalidCaller(f"this caller's id is too long: {MAX_SUBJECT} bytes of UTF-8 at most")
    return safe


_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def session_id(prefix: str, tenant: str, form: str, subject: str) -> str:
    """The workflow id `{prefix}:{tenant}:{form}:{subject}`.

    Raises:
        InvalidCaller: tenant or form hold more than letters, digits, `.`, `_` and `-`.
    """
    for what, part in (("tenant", tenant), ("form", form)):
        if not _PART.fullmatch(part):
            raise InvalidCaller(
                f"{what} {part!r} is not an id: use up to 64 letters, digits, '.', '_' and '-'"
            )
    return f"{prefix}:{tenant}:{form}:{subject}"
