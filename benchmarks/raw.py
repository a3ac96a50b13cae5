"""Raw Temporal, the yardstick: a workflow whose updates do nothing.

Imported in the sandbox of the sandboxed variant, so it imports nothing but the SDK.
"""

from datetime import timedelta

from temporalio import activity, workflow

RAW = "Raw"
ONLY_UPDATE = "only_update"
WITH_LOCAL_ACTIVITY = "with_local_activity"

ACTIVITY_TIMEOUT = timedelta(seconds=5)


@activity.defn
async def nothing(text: str) -> str:
    """The cheapest activity: a coroutine, so not even a thread is changed."""
    return text


@workflow.defn(name=RAW)
class Raw:
    """Takes updates until it is told to stop."""

    def __init__(self) -> None:
        self._stopped = False

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: self._stopped)

    @workflow.update(name=ONLY_UPDATE)
    async def only_update(self, text: str) -> str:
        return text

    @workflow.update(name=WITH_LOCAL_ACTIVITY)
    async def with_local_activity(self, text: str) -> str:
        return await workflow.execute_local_activity(
            nothing, text, start_to_close_timeout=ACTIVITY_TIMEOUT
        )

    @workflow.signal
    def stop(self) -> None:
        self._stopped = True
