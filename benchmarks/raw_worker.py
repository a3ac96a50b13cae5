"""A worker of raw Temporal in a process of its own: `python -m benchmarks.raw_worker QUEUE`.

It has the settings of Turnkeeper's worker that bear on speed (cache, sticky time-out) and none of
its converter, plugins and telemetry.
"""

import asyncio

import click
from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from benchmarks.raw import Raw, nothing
from turnkeeper.settings import read_settings
from worker.build import STICKY_TIMEOUT
from worker.process import run_command


@click.command()
@click.argument("queue")
@click.option("--sandboxed/--unsandboxed", default=True)
def main(queue: str, sandboxed: bool) -> None:
    """Serve QUEUE until SIGTERM."""
    run_command(lambda: _serve(queue, sandboxed))


async def _serve(queue: str, sandboxed: bool) -> None:
    client = await Client.connect(**ClientConfig.load_client_connect_config())
    runner: WorkflowRunner = SandboxedWorkflowRunner() if sandboxed else UnsandboxedWorkflowRunner()
    worker = Worker(
        client,
        task_queue=queue,
        workflows=[Raw],
        activities=[nothing],
        workflow_runner=runner,
        max_cached_workflows=read_settings().max_cached_sessions,
        sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
    )
    async with worker:
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    main()
