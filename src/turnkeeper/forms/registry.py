"""The forms that this process's sessions go by, each once.

A local activity runs in the process of its workflow, so a turn hands it a form's digest and not the
form: five kilobytes less to write, read and keep for each turn of each session. Sessions of one
form share it. A form is forgotten with its last session.
"""

import hashlib
from threading import Lock
from weakref import WeakValueDictionary

from turnkeeper.forms.model import Form

_FORMS: WeakValueDictionary[str, Form] = WeakValueDictionary()
_ONE_AT_A_TIME = Lock()
"""`setdefault` of weak values is several steps. Of two sessions in two threads each would have a
form of its own, and the digest be forgotten with the one whose form it names."""


def digest_of(form: Form) -> str:
    """Names a form by its content."""
    return hashlib.sha256(form.model_dump_json().encode()).hexdigest()[:32]


def shared(form: Form) -> Form:
    """The form of this content that this process has, from now on this one if it has none."""
    digest = digest_of(form)
    with _ONE_AT_A_TIME:
        return _FORMS.setdefault(digest, form)


def recall(digest: str) -> Form:
    """The form of that digest. Raises LookupError unless a session here has shared it."""
    form = _FORMS.get(digest)
    if form is None:
        raise LookupError(f"no session of this process goes by the form {digest}")
    return form
