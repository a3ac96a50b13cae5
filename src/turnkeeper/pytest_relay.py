"""A pytest plugin: the fixture `twilio_call`, a scripted caller on your own forms.

In conftest.py:

    pytest_plugins = ["turnkeeper.pytest_relay"]

In a test:

    async with twilio_call(app, form="claim") as call:
        assert await call.ring() == "Hello. Policy number?"
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from turnkeeper.relay_caller import RelayCaller, calling


@pytest.fixture
def twilio_call() -> Callable[..., AbstractAsyncContextManager[RelayCaller]]:
    """`turnkeeper.relay_caller.calling`: a caller on a gateway that is served meanwhile."""
    return calling
