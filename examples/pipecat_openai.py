"""A form as the language model of a Pipecat agent, by Pipecat's own OpenAILLMService.

    uv run python -m worker dev    # prints a token
    pip install 'pipecat-ai[openai]'
    TURNKEEPER_TOKEN=... python examples/pipecat_openai.py dinner_reservation +14155550100

Type what the caller says, read what they hear; Ctrl-D hangs up; the same caller again goes on.
"""

import asyncio
import os
import sys
from uuid import uuid4

from pipecat.frames.frames import EndWorkerFrame, LLMMessagesAppendFrame, LLMRunFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.processors.text_transformer import StatelessTextTransformer
from pipecat.services.llm_service import FunctionCallParams
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.workers.runner import WorkerRunner


def heard(text: str) -> str:
    print(f"agent:  {text}", flush=True)
    return text


async def keyboard(worker: PipelineWorker) -> None:
    protocol = asyncio.StreamReaderProtocol(lines := asyncio.StreamReader())
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    await worker.queue_frame(LLMRunFrame())
    while line := await lines.readline():
        said = LLMMessagesAppendFrame([{"role": "user", "content": line.decode()}], run_llm=True)
        await worker.queue_frame(said)
    await worker.end()


async def end_call(params: FunctionCallParams) -> None:
    """Ends the call."""  # The gateway calls it behind the form's last words.
    await params.llm.push_frame(EndWorkerFrame())


async def main(form: str, caller: str, gateway: str = "http://127.0.0.1:8080") -> None:
    who = {"X-Turnkeeper-Subject": caller, "X-Turnkeeper-Call": f"{uuid4()}"}
    model, token = OpenAILLMService.Settings(model=form), os.environ.get("TURNKEEPER_TOKEN", "none")
    at = f"{gateway}/v1"
    llm = OpenAILLMService(base_url=at, api_key=token, settings=model, default_headers=who)
    aggregators = LLMContextAggregatorPair(LLMContext(tools=[end_call]))
    steps = [aggregators.user(), llm, StatelessTextTransformer(heard), aggregators.assistant()]
    worker = PipelineWorker(Pipeline(steps), enable_rtvi=False)
    runner, _typing = WorkerRunner(), asyncio.create_task(keyboard(worker))
    await runner.add_workers(worker)
    await runner.run()


if __name__ == "__main__":
    asyncio.run(main(*(sys.argv[1:] or ("dinner_reservation", "+14155550100"))))
