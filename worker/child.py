"""A child process that does not outlive this one.

On Linux the kernel sees to it: the child asks to be killed with its parent (PR_SET_PDEATHSIG).
Elsewhere its process id is in a file, and `stop_left_behind` stops it at the next start.

The child has a session of its own, so that Ctrl-C in a terminal reaches this process alone, which
then stops things in the right order.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

_LAUNCH = """
import ctypes, os, sys
parent, command = int(sys.argv[1]), sys.argv[2:]
ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL; it survives exec
if os.getppid() != parent:     # it died before we asked
    sys.exit(1)
os.execv(command[0], command)
"""
"""Run by a bare interpreter between fork and exec: Python code in a forked copy of this process
(`preexec_fn`) can deadlock, since the Temporal SDK has threads."""


async def start_child(
    command: Sequence[str],
    output: IO[bytes],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> asyncio.subprocess.Process:
    """Starts `command`, its output to `output`; without `env` in this process's environment. Call
    it from the thread that lives longest: on Linux the child goes when the thread that started it
    ends."""
    if sys.platform == "linux":
        launcher = (sys.executable, "-I", "-S", "-c", _LAUNCH, str(os.getpid()))
        command = (*launcher, *command)
    return await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


async def stop_child(process: asyncio.subprocess.Process, patience: float) -> None:
    """SIGTERM, and after `patience` seconds SIGKILL; returns when the child is gone."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(patience):
                await process.wait()
        except TimeoutError:
            await kill_child(process)


async def kill_child(process: asyncio.subprocess.Process) -> None:
    """SIGKILL; returns when the child is gone."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def stop_left_behind(pid_file: Path, mark: str) -> int | None:
    """Kills the process that an earlier run recorded in `pid_file` and left behind.

    `mark` must be in its command line: process ids are used again. Returns the id, or None where
    there was nothing to stop. Blocks until the process is gone.
    """
    try:
        pid = int(pid_file.read_text())
    except (FileNotFoundError, ValueError):
        return None
    if sys.platform == "win32" or mark not in _command_line(pid):
        return None
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    while mark in _command_line(pid):
        time.sleep(0.02)
    return pid


def _command_line(pid: int) -> str:
    listed = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout
