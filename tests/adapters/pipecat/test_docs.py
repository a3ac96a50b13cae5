"""The page's code runs, where Pipecat is installed."""

from pathlib import Path

import pytest

pytest.importorskip("pipecat", reason="scripts/adapters has an environment for it")

from tests.adapters.pipecat.phone import CALLER, Phone
from tests.adapters.pipecat.test_flow import ScriptedLLM
from tests.docs.running import run
from turnkeeper.forms import load_form
from turnkeeper.testing import MemorySessions


async def test_the_code_of_the_page_runs(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    names: dict[str, object] = {}
    await run(root / "docs" / "channels" / "pipecat.md", names)
    assert callable(names["answer"])


async def test_the_flow_of_the_page_leads(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    names: dict[str, object] = {}
    await run(root / "docs" / "channels" / "pipecat.md", names)
    lead, llm = names["lead"], ScriptedLLM()
    assert callable(lead)
    form = load_form(root / "forms" / "roadside_claim.yaml")
    async with MemorySessions([form]) as sessions, Phone(llm) as phone:
        session = await lead(sessions, phone.worker, llm, phone.aggregators, CALLER, "CA1")
        assert "Thank you for calling" in await phone.hears()
        assert session.leg == 1
