"""A form as a Pipecat agent: type what the caller says, read what they hear.

    uv run python -m worker dev
    pip install 'turnkeeper[pipecat]'
    python examples/pipecat_adapter.py dinner_reservation +14155550100

Ctrl-D hangs up; the same caller again goes on. An agent on the phone has transport and speech
services in place of the terminal, see docs/channels/pipecat.md.
"""

import asyncio
import sys

from pipecat.frames import frames
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

from turnkeeper import VoiceSessions
from turnkeeper.adapters.pipecat import DurableFormProcessor


class Screen(FrameProcessor):
    async def process_frame(self, frame: frames.Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, frames.LLMTextFrame | frames.TTSSpeakFrame):
            print(f"agent:  {frame.text}", flush=True)
        await self.push_frame(frame, direction)


async def keyboard(worker: PipelineWorker) -> None:
    protocol = asyncio.StreamReaderProtocol(lines := asyncio.StreamReader())
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    await worker.queue_frame(frames.ClientConnectedFrame())
    while line := await lines.readline():
        words = line.decode()
        said = frames.LLMMessagesAppendFrame([{"role": "user", "content": words}], run_llm=True)
        await worker.queue_frame(said)
    await worker.end()


async def main(form: str, caller: str) -> None:
    async with VoiceSessions.connect() as sessions:
        context, agent = LLMContext(), DurableFormProcessor(sessions, form, caller=caller)
        aggregators = LLMContextAggregatorPair(context)
        steps = [aggregators.user(), agent, Screen(), aggregators.assistant()]
        worker = PipelineWorker(Pipeline(steps), enable_rtvi=False)
        runner, typing = WorkerRunner(), asyncio.create_task(keyboard(worker))
        await runner.add_workers(worker)
        await runner.run()
        typing.cancel()


if __name__ == "__main__":
    asyncio.run(main(*(sys.argv[1:] or ("dinner_reservation", "+14155550100"))))
