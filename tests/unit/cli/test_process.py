"""`turnkeeper` as a process: it starts without what it does not need, and ends with the command."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "arguments", [["--help"], ["forms", "schema"], ["talk", "--help"], ["sessions", "--help"]]
)
def test_what_needs_no_server_does_not_wait_for_temporals_client(arguments: list[str]) -> None:
    script = (
        "import sys\nfrom turnkeeper.cli import main\n"
        f"main.main({arguments!r}, standalone_mode=False)\n"
        "sys.exit('temporalio' in sys.modules)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_the_process_ends_with_the_command_before_the_interpreter_is_taken_down() -> None:
    """Threads of Temporal's SDK abort an interpreter that is taken down while they work."""
    script = (
        "import atexit, sys\nfrom turnkeeper.cli import main\n"
        "atexit.register(print, 'taken down')\n"
        "sys.argv = ['turnkeeper', 'sessions', 'list', '--limit', '0']\n"
        "main()\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=False, text=True
    )
    assert ran.returncode == 2
    assert "Invalid value for '--limit'" in ran.stderr
    assert "taken down" not in ran.stdout
