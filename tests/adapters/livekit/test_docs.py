"""The page's code runs, where LiveKit is installed."""

from pathlib import Path

import pytest

pytest.importorskip("livekit.agents", reason="scripts/adapters has an environment for it")

from livekit.agents import AgentServer, RunResult

from tests.adapters.livekit.calls import spoken
from tests.docs.running import run
from turnkeeper.forms import load_form
from turnkeeper.testing import MemorySessions


async def test_the_code_of_the_page_runs(root: Path) -> None:
    form = load_form(root / "forms" / "roadside_claim.yaml")
    names: dict[str, object] = {"sessions": MemorySessions([form])}
    await run(root / "docs" / "channels" / "livekit.md", names)
    assert isinstance(names["server"], AgentServer)
    said = names["said"]
    assert isinstance(said, RunResult)
    assert spoken(said) == "What happened?"
