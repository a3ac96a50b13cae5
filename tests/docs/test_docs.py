"""What the pages say is so: links lead somewhere, forms load, commands and code run."""

import inspect
import os
import re
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import click
import pytest
import pytest_asyncio
import yaml
from click.testing import CliRunner

from tests.docs.pages import PAGES, ROOT, Block, Command, all_blocks, blocks, commands
from tests.docs.running import run
from turnkeeper import errors
from turnkeeper.cli import main as turnkeeper
from turnkeeper.client import VoiceSession
from turnkeeper.connection import connect
from turnkeeper.errors import FormError
from turnkeeper.forms import load_folder, parse_form
from turnkeeper.settings import describe_settings, read_settings
from worker.__main__ import main as worker
from worker.build import build_worker
from worker.server import EmbeddedServer

TUTORIAL = ROOT / "docs" / "tutorial.md"  # tests/docs/test_tutorial.py follows it
ON_A_SERVER = (ROOT / "README.md", ROOT / "docs" / "client.md")
IN_A_FRAMEWORK = tuple(ROOT / "docs" / "channels" / name for name in ("livekit.md", "pipecat.md"))
"""Their code runs where the framework is: tests/adapters."""
OTHERS = tuple(p for p in PAGES if p not in (TUTORIAL, *ON_A_SERVER, *IN_A_FRAMEWORK))

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
PLACE = re.compile(r"`((?:src|scripts|tests|docs|forms|worker|benchmarks|examples)/[\w./-]+)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8").replace("\n", " "))
    for link in (link for link in links if "://" not in link):
        name, _, heading = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), f"{page.name} links to {link}"
        assert not heading or heading in headings(target), f"{page.name} links to {link}"


def headings(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_place_in_the_tree_that_a_page_names_is_there(page: Path) -> None:
    for place in PLACE.findall(page.read_text(encoding="utf-8")):
        assert (ROOT / place).exists(), f"{page.name} names {place}"


def test_the_readme_has_the_two_commands_to_the_letter() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    two = "\n    pip install uv && uv run python -m worker demo\n    uv run pytest\n\n"
    assert readme.count(two) == 1


def test_the_picture_shows_the_demo_with_its_words_of_today() -> None:
    """Where it does not: `uv run scripts/picture` makes it again."""
    drawn = (ROOT / "docs" / "images" / "demo.svg").read_text(encoding="utf-8")
    shown = unescape(re.sub(r"<[^>]+>", "", drawn)).replace("\xa0", " ")
    text = (ROOT / "worker" / "demo.yaml").read_text(encoding="utf-8")
    form = parse_form(text.replace("RECEIVER", "https://example.com/claims"))
    for words in (form.goodbye, "Welcome back.", *(field.prompt[0] for field in form.fields)):
        assert words is not None
        assert words in shown
    assert (shown.count("✓"), shown.count("✗")) == (4, 0)


def test_every_setting_and_no_other_is_in_the_pages() -> None:
    known = {variable for setting in describe_settings() for variable in setting.variables}
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    for_tests_and_examples = {"TURNKEEPER_CORPORA", "TURNKEEPER_TOKEN"}
    named = set(re.findall(r"TURNKEEPER_[A-Z_]+", text)) - for_tests_and_examples
    assert named == {variable for variable in known if variable.startswith("TURNKEEPER_")}


def test_every_error_is_in_the_table_for_agents() -> None:
    page = (ROOT / "docs" / "client.md").read_text(encoding="utf-8")
    table = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| `.*$", page, re.MULTILINE))))
    classes = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    raised = {kind.__name__ for kind in classes if not kind.__subclasses__()}
    assert raised <= table


@pytest.mark.parametrize("block", all_blocks("yaml"), ids=str)
def test_every_form_in_the_pages_loads_unless_it_is_wrong_on_purpose(block: Block) -> None:
    if not block.text.startswith("form:"):
        yaml.safe_load(block.text)
    elif block.file and block.file.endswith("wrong.yaml"):
        with pytest.raises(FormError):
            parse_form(block.text)
    else:
        assert parse_form(block.text).fields


# --- commands -------------------------------------------------------------------------------------

SHOWN = [(block, command) for block in all_blocks("console") for command in commands(block)]
OURS: dict[tuple[str, ...], click.Command] = {
    ("uv", "run", "turnkeeper"): turnkeeper,
    ("uv", "run", "python", "-m", "worker"): worker,
}


@pytest.mark.parametrize(
    ("block", "command"), SHOWN, ids=[f"{block} {command.line}" for block, command in SHOWN]
)
def test_every_command_and_option_that_a_page_shows_is_there(
    block: Block, command: Command
) -> None:
    words = tuple(shlex.split(command.line))
    for start, ours in OURS.items():
        if words[: len(start)] == start:
            result = CliRunner().invoke(ours, [*words[len(start) :], "--help"])
            assert result.exit_code == 0, result.output
            return
    if words[0] == "temporal":
        assert unknown_options(words) == set()
    else:
        assert words[0] in ("uv", "pip", "mkdir", "kill"), f"{block}: who checks {words[0]}?"


def unknown_options(words: tuple[str, ...]) -> set[str]:
    """The options of a command of Temporal's that its help does not have."""
    verbs = [word for word in words[1:5] if re.fullmatch(r"[a-z-]+", word) and word[0] != "-"]
    temporal = Path(sys.executable).with_name("temporal")
    asked = subprocess.run(
        [temporal, *verbs, "--help"], capture_output=True, text=True, check=True, timeout=30
    )
    known = set(re.findall(r"--[a-z-]+", asked.stdout)) | {"--namespace"}
    return {word for word in words if word.startswith("--")} - known


# --- code -----------------------------------------------------------------------------------------


class Caller:
    """The agent's `speak` and `listen`, for pages that leave these to their readers."""

    WORDS = (
        "one two three four five six seven eight", "a flat tire", "yesterday", "skip", "94110",
        "yes", "415 555 0100", "skip", "it hissed and then it was flat", "yes",
    )  # fmt: skip

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._words = iter(self.WORDS)

    async def speak(self, text: str) -> None:
        self.heard.append(text)

    async def listen(self) -> str:
        return next(self._words)


@pytest_asyncio.fixture(loop_scope="session")
async def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """A server and a worker with the example forms, where the environment says."""
    for name in [name for name in os.environ if name.startswith(("TEMPORAL_", "TURNKEEPER_"))]:
        monkeypatch.delenv(name)
    async with EmbeddedServer(tmp_path) as server:
        monkeypatch.setenv("TEMPORAL_ADDRESS", server.address)
        monkeypatch.setenv("TEMPORAL_CONFIG_FILE", os.devnull)
        forms = load_folder(ROOT / "forms")
        async with build_worker(await connect(), read_settings(), forms.get):
            yield


@pytest.mark.usefixtures("served")
async def test_the_agent_of_the_readme_brings_a_caller_to_the_end() -> None:
    caller = Caller()
    names: dict[str, object] = {"speak": caller.speak, "listen": caller.listen}
    await run(ROOT / "README.md", names)
    session = names["session"]
    assert isinstance(session, VoiceSession)
    assert caller.heard[0].startswith("Thank you for calling")
    assert caller.heard[-1].startswith("Thank you. Your claim is on its way")
    assert (await session.state()).status == "completed"


@pytest.mark.usefixtures("served")
async def test_the_client_page_is_true_to_the_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    await run(ROOT / "docs" / "client.md", {"speak": Caller().speak})


@pytest.mark.parametrize(
    "page", [page for page in OTHERS if blocks(page, "python")], ids=lambda page: page.name
)
def test_the_code_of_every_other_page_runs(page: Path) -> None:
    """In a process of its own: one of them sets up the logs of its process."""
    command = [sys.executable, "-W", "error", "-m", "tests.docs.running", str(page)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr


def test_an_example_is_at_most_sixty_lines() -> None:
    examples = [*(ROOT / "examples").glob("*.py"), *(ROOT / "examples").glob("*.sh")]
    assert len(examples) > 5
    lines = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in examples}
    assert {name: count for name, count in lines.items() if count > 60} == {}
