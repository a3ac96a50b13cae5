"""A Worker Deployment as an operator moves it: with the `temporal` command."""

import asyncio
import json
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from worker.server import NAMESPACE, find_temporal

WITHIN = 60.0
"""Seconds that anything may take before it counts as hanging."""
LOOK_EVERY = 0.2
WOKEN_A_SECOND = 10
"""Sessions: each that moves is a new run, made on one processor beside those who are talking."""

DRAIN_WINDOW = (
    *("--dynamic-config-value", 'matching.wv.VersionDrainageStatusVisibilityGracePeriod="1s"'),
    *("--dynamic-config-value", 'matching.wv.VersionDrainageStatusRefreshInterval="1s"'),
)
"""What the server gets, so that it looks every second whether a build is drained; else, every three
minutes."""


NOT_YET = ("no Worker Deployment found", "not found", "missing active task queues")
"""What the command says of a deployment without workers so far, of a build that it does not know,
and of one whose workers have not polled all of its task queues (temporal 1.9)."""


class CommandFailed(Exception):
    """What the `temporal` command said."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """The deployment `name` on the server at `address`."""

    name: str
    address: str

    async def make_current(self, build_id: str) -> None:
        """As soon as the server knows the build."""
        async with asyncio.timeout(WITHIN):
            while not await self.try_make_current(build_id):
                await asyncio.sleep(LOOK_EVERY)

    async def try_make_current(self, build_id: str) -> bool:
        """False as long as the server does not know the build."""
        try:
            await self._deployment("set-current-version", build_id, "--yes")
        except CommandFailed as error:
            if not any(reason in str(error) for reason in NOT_YET):
                raise
            return False
        return True

    async def drained(self, build_id: str) -> None:
        """Once no open session is pinned to the build, as far as the server has looked."""

        async def is_drained() -> bool:
            told = json.loads(await self._deployment("describe-version", build_id, "-o", "json"))
            return bool((told.get("drainageInfo") or {}).get("drainageStatus") == "drained")

        await until(is_drained)

    async def wake_pinned(self, build_id: str) -> None:
        """Has every open session of the build look for the current one, and move there."""
        query = (
            f"TemporalWorkerDeploymentVersion = '{self.name}:{build_id}'"
            " AND ExecutionStatus = 'Running'"
        )
        await self._temporal(
            *("workflow", "signal", "--name", "upgrade", "--query", query),
            *("--reason", "another build is current", "--rps", str(WOKEN_A_SECOND), "--yes"),
        )

    async def _deployment(self, command: str, build_id: str, *options: str) -> str:
        version = ("--deployment-name", self.name, "--build-id", build_id)
        return await self._temporal("worker", "deployment", command, *version, *options)

    async def _temporal(self, *arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *(str(find_temporal()), *arguments),
            *("--address", self.address, "--namespace", NAMESPACE),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        output, errors = await process.communicate()
        if process.returncode != 0:
            raise CommandFailed(errors.decode(errors="replace"))
        return output.decode()


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Returns once it is; TimeoutError after `WITHIN`."""
    async with asyncio.timeout(WITHIN):
        while not await true():
            await asyncio.sleep(LOOK_EVERY)
