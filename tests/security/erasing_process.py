"""A worker of its own, to be killed in the middle of an erasure.

python erasing_process.py ADDRESS TASK_QUEUE FORMS_JSON POINT FOLDER: having done what POINT names,
it makes the file FOLDER/POINT and says nothing of it to anyone else. Keys are where the environment
says.
"""

import asyncio
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from pydantic import TypeAdapter

sys.path.insert(0, str(Path(__file__).parents[2]))

import activities.erasure
from turnkeeper.connection import connect
from turnkeeper.forms.model import Form
from turnkeeper.security import keyring
from turnkeeper.security.certificates import Certificates
from turnkeeper.security.key_rows import SqlKeyStore
from turnkeeper.settings import read_settings
from worker.build import build_worker

POINTS: Mapping[str, tuple[object, str]] = {
    "shred": (SqlKeyStore, "shred"),
    "delete": (activities.erasure, "_delete"),  # The first run of several.
    "certify": (Certificates, "add"),
}


def hold(point: str, folder: Path) -> None:
    """Stays where the work is done and not reported."""
    place, name = POINTS[point]
    work = getattr(place, name)

    async def held(*given: object) -> None:
        await work(*given)
        (folder / point).touch()
        await asyncio.get_running_loop().create_future()

    setattr(place, name, held)


async def main(address: str, task_queue: str, forms_json: str, point: str, folder: str) -> None:
    keyring.ASK_EVERY = 0.3
    activities.erasure.LISTED_WITHIN = timedelta(seconds=0.2)
    hold(point, Path(folder))
    forms = TypeAdapter(list[Form]).validate_json(Path(forms_json).read_bytes())
    settings = read_settings(task_queue=task_queue)
    client = await connect(address, settings=settings)
    async with build_worker(client, settings, {form.form: form for form in forms}.get):
        print("READY", flush=True)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
