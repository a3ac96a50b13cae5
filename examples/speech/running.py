"""Turnkeeper for the length of a call: `python -m worker dev` in a temporary folder."""

import asyncio
import re
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from examples.speech.line import Gateway
from examples.speech.voices import SpeechError
from worker.child import start_child, stop_child
from worker.server import free_port

ROOT = Path(__file__).parents[2]
READY = "Turnkeeper is running."
TOKEN = re.compile(r"#token=(\S+)")
"""In the address of the page, which `dev` prints."""
READY_WITHIN_SECONDS = 60.0
STOP_WITHIN_SECONDS = 40.0
LOOK_EVERY_SECONDS = 0.05


@asynccontextmanager
async def turnkeeper(forms: Path) -> AsyncIterator[Gateway]:
    """Server, worker and gateway on free ports, with the forms of a folder. Raises SpeechError with
    what they said where they do not start."""
    port = free_port()
    command = (
        *(sys.executable, "-m", "worker", "dev", "--port", "0", "--ui-port", "0"),
        *("--gateway-port", str(port), "--forms", str(forms), "--data"),
    )
    with tempfile.TemporaryDirectory(prefix="turnkeeper-speech-") as folder:
        log = Path(folder) / "dev.log"
        with log.open("wb") as output:
            dev = await start_child((*command, str(Path(folder) / "data")), output, cwd=ROOT)
        try:
            await _until_ready(dev, log)
            yield Gateway(f"http://127.0.0.1:{port}", TOKEN.findall(_said(log))[0])
        finally:
            await stop_child(dev, STOP_WITHIN_SECONDS)


async def _until_ready(dev: asyncio.subprocess.Process, log: Path) -> None:
    try:
        async with asyncio.timeout(READY_WITHIN_SECONDS):
            while READY not in _said(log):
                if dev.returncode is not None:
                    raise _failed(log)
                await asyncio.sleep(LOOK_EVERY_SECONDS)
    except TimeoutError:
        raise _failed(log) from None


def _said(log: Path) -> str:
    return log.read_text(errors="replace")


def _failed(log: Path) -> SpeechError:
    return SpeechError(f"Turnkeeper did not start. It said:\n{_said(log)[-2000:]}")
