"""A worker as a process of its own, for tests that kill it.

    python tests/chaos/worker_process.py ADDRESS TASK_QUEUE FORMS_JSON [HOLD]

It prints READY when it takes sessions. With HOLD, a folder, it stops in the middle of deciding a
turn whose text has the word "hold": it makes the file HOLD/deciding and waits for HOLD/go.
"""

import asyncio
import sys
import time
from pathlib import Path

from pydantic import TypeAdapter

sys.path.insert(0, str(Path(__file__).parents[2]))

import activities.interpret
from turnkeeper.connection import connect
from turnkeeper.contract import Message, Turn
from turnkeeper.dialogue.decide import decide
from turnkeeper.dialogue.events import Decision
from turnkeeper.dialogue.state import DialogueState
from turnkeeper.forms.model import Form
from turnkeeper.settings import read_settings
from turnkeeper.values.reading import Context
from worker.build import build_worker


def holding(folder: Path) -> None:
    """Replace `decide` with one that can be stopped in the middle."""

    def held(form: Form, state: DialogueState, heard: Message, context: Context) -> Decision:
        if isinstance(heard, Turn) and "hold" in (heard.text or ""):
            (folder / "deciding").touch()
            while not (folder / "go").exists():
                time.sleep(0.01)
        return decide(form, state, heard, context)

    activities.interpret.decide = held  # type: ignore[attr-defined]  # imported by name there


async def main(address: str, task_queue: str, forms_json: str, hold: str | None = None) -> None:
    forms = TypeAdapter(list[Form]).validate_json(Path(forms_json).read_bytes())
    known = {form.form: form for form in forms}
    if hold:
        holding(Path(hold))
    client = await connect(address)
    settings = read_settings(task_queue=task_queue)
    async with build_worker(client, settings, known.get):
        print("READY", flush=True)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
