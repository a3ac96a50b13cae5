"""A program that uses the installed package is checked against the package's own types."""

import sys

import pytest

from tests.packaging.conftest import Environment, run

PROGRAM = """
from turnkeeper import Reply, VoiceSessions

async def agent() -> str:
    async with VoiceSessions.connect() as sessions:
        session = await sessions.open("claim", caller="+14155550100")
        reply: Reply = await session.turn("hello")
        await session.turn(dtmf="1")
        await session.turn(answers={"guests": 4})
        state = await session.state()
        print(state.form_answers, session.restored, session.id, session.leg)
        return reply.say
"""


def check(installed: Environment, program: str) -> str:
    """What a strict mypy says of a program in the environment that has only the wheel."""
    path = installed.folder / "agent.py"
    path.write_text(program)
    where = ("--python-executable", installed.scripts / "python")
    cache = ("--cache-dir", installed.folder / "mypy")
    mypy = (sys.executable, "-m", "mypy", "--strict", *where, *cache)
    return run(*mypy, path, cwd=installed.folder)


def test_a_program_that_uses_the_package_well_passes(installed: Environment) -> None:
    assert check(installed, PROGRAM) == "Success: no issues found in 1 source file\n"


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ('turn("hello")', "turn(12)", "arg-type"),
        ('turn("hello")', 'trun("hello")', "attr-defined"),
        ("return reply.say", "return reply.field", "return-value"),
        ('open("claim", caller=', 'open("claim", coller=', "call-arg"),
    ],
)
def test_a_program_that_misuses_it_is_told(
    installed: Environment, right: str, wrong: str, complaint: str
) -> None:
    assert right in PROGRAM
    with pytest.raises(AssertionError, match=rf"\[{complaint}\]"):
        check(installed, PROGRAM.replace(right, wrong))
