"""Pipecat: a durable form in the language model's place, or as the nodes of a flow.

    pip install 'turnkeeper[pipecat]'

`DurableFormProcessor` is the form as the agent: it takes the place of the LLM service in a
pipeline. `DurableFlow` is for an agent whose own model leads: it gives `pipecat.flows` a node a
question, and what the model extracts is recorded durably.

Which module does what:

    processor   frames in, frames out
    call        one call: what was said becomes turns, in order; retries, endings
    utterance   what the caller said in one go, and when it amends
    hearing     what is new in a context, and how far the caller heard a reply
    refusals    what a refused turn leads to
    flow        nodes for `pipecat.flows`
"""

try:
    import pipecat.frames.frames as _  # noqa: F401 - only whether it is there
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "turnkeeper.adapters.pipecat needs Pipecat: pip install 'turnkeeper[pipecat]'"
    ) from error

from turnkeeper.adapters.pipecat.flow import DurableFlow
from turnkeeper.adapters.pipecat.processor import DurableFormProcessor

__all__ = ["DurableFlow", "DurableFormProcessor"]
