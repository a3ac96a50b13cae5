"""axe finds nothing serious on the page, in light and dark, on a desk and on a phone."""

from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # no stubs
from playwright.async_api import expect

from tests.console.conftest import Console, Opening
from turnkeeper.testing import MemorySessions

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1360, "height": 860}
Colours = Literal["light", "dark"]


@pytest.mark.parametrize(
    ("size", "colours"),
    [(PHONE, "light"), (DESK, "dark")],
    ids=["phone, light", "desk, dark"],
)
async def test_axe_finds_nothing_serious(
    tab: Opening, url: str, size: dict[str, int], colours: Colours, sessions: MemorySessions
) -> None:
    console = await tab(url, viewport=size, color_scheme=colours, reduced_motion="reduce")
    assert await serious(console) == []
    await console.ring()
    await console.say("4321", then="Was anything stolen?")
    await console.button("Keypad").click()
    await expect(console.fields).to_contain_text("4321")
    assert await serious(console) == []
    await console.button("Drop the line").click()
    await console.button("Cancel the form").click()
    assert await serious(console) == []


async def serious(console: Console) -> list[str]:
    """Rules that are broken, and where."""
    found = await Axe().run(console.page)
    return [
        f"{broken['id']}: {node['html']}"
        for broken in found.response["violations"]
        if broken["impact"] in ("serious", "critical")
        for node in broken["nodes"]
    ]


async def test_axe_would_find_something_serious(console: Console) -> None:
    await console.page.evaluate("document.querySelector('label[for=caller]').remove()")
    assert [found for found in await serious(console) if "caller" in found]


async def test_on_a_phone_nothing_is_wider_than_the_screen(tab: Opening, url: str) -> None:
    console = await tab(url, viewport=PHONE, has_touch=True)
    await console.ring("+1 415 555 0100")
    await console.say("a" * 200)
    await expect(console.newest).to_contain_text("Four digits please.")
    assert await console.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert await console.log.evaluate("log => log.scrollWidth - log.clientWidth") == 0


async def test_what_moves_stands_still_for_those_who_ask_for_it(tab: Opening, url: str) -> None:
    moving = "getComputedStyle(document.querySelector('#fields .new')).animationName"
    for motion, name in {"reduce": "none", "no-preference": "arrived"}.items():
        console = await tab(url, reduced_motion=motion)
        await console.ring(motion)
        await console.say("4321", then="Was anything stolen?")
        await console.page.locator("#fields .new").wait_for()
        assert await console.page.evaluate(moving) == name
