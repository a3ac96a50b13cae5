"""LiveKit Agents 1.8 and later: a durable form as an agent, as a task, or as tools of an agent.

    agent = DurableFormAgent(sessions, "roadside_claim")        the form is the agent
    AgentSession(llm=DurableFormLLM(sessions, ..., caller=...))  the same, in an agent of your own
    claim = await DurableFormTask(sessions, "claim", model=Claim)  an agent hands over one form
    Agent(tools=await form_tools(session))                      the agent's own model leads

What LiveKit does and what is made of it (read in 1.8.0 and 1.8.9, `voice/agent_activity.py`):

- A final user turn becomes a `ChatMessage` with a random id, which stays the same over LiveKit's
  retries. That id is the utterance's.
- Preemptive generation calls the language model with words that are not final, under the id of a
  message that may never be in the history: the turn waits until LiveKit schedules the reply, which
  it does when the words are final, and LiveKit cancels it when they are dropped. So speculation
  stores nothing. It would save nothing either: a form answers in milliseconds.
- A barge-in cancels the reply, at times before it began. The message stays in the history: what has
  no reply there is sent with the next turn, each message under its own id, so none is lost.
- What was heard of an interrupted reply is the text that LiveKit leaves in the history.
"""

try:
    import livekit.agents as _  # noqa: F401 - only asks whether it is there
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        "turnkeeper.adapters.livekit needs LiveKit Agents: pip install 'turnkeeper[livekit]'"
    ) from missing

from turnkeeper.adapters.livekit.agent import DurableFormAgent
from turnkeeper.adapters.livekit.call import FormCall, Line
from turnkeeper.adapters.livekit.llm import DurableFormLLM
from turnkeeper.adapters.livekit.task import DurableFormTask, FormNotCompleted
from turnkeeper.adapters.livekit.tools import form_tools

__all__ = [
    "DurableFormAgent",
    "DurableFormLLM",
    "DurableFormTask",
    "FormCall",
    "FormNotCompleted",
    "Line",
    "form_tools",
]
