"""The form of `SessionStore`: no questions, any answers, for as long as they are written."""

from datetime import timedelta

from turnkeeper.contract import STORE_FORM
from turnkeeper.forms.model import Form

FREE_FORM = Form(form=STORE_FORM, confirm=False, expire_after=timedelta(days=365 * 100))
"""Only `abandon_after` ends it, or the store's `ttl` in its place."""
