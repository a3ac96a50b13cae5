"""A gateway that listens, a headless Chromium, and a page watched for what it must not do."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from fastapi import FastAPI
from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    async_playwright,
    expect,
)

from tests.channels.conftest import channels, server
from turnkeeper.forms import parse_form
from turnkeeper.forms.model import Form
from turnkeeper.gateway.access.ways import Made
from turnkeeper.gateway.app import create_app
from turnkeeper.gateway.serve import listen, serve, url_of
from turnkeeper.testing import MemorySessions

__all__ = ["channels", "server"]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CALLER = "+14155550100"
PATIENCE_MS = 15_000
expect.set_options(timeout=PATIENCE_MS)
FORM = parse_form("""
form: claim
version: "7"
title: Claim
timezone: Europe/London
greeting: Hello.
hand_off: "+14155550199"
fields:
  - {name: policy, type: digits, length: 4, prompt: ["Policy number?", "Four digits please."]}
  - {name: theft, type: boolean, prompt: "Was anything stolen?"}
  - {name: report, type: digits, when: theft, prompt: "Police report number?"}
  - {name: name, type: text, prompt: "What is your name?"}
""")


MADE = Made("default")
"""Lets the page in."""


class Forms:
    """A catalogue of one form."""

    names = (FORM.form,)

    def find(self, form: str) -> Form | None:
        return FORM if form == FORM.form else None


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """The app's address while this lasts."""
    bound, up = listen("127.0.0.1", 0), asyncio.Event()
    serving = asyncio.ensure_future(serve(app, bound, ready=up.set))
    try:
        await up.wait()
        yield url_of(bound)
    finally:
        serving.cancel()
        await asyncio.wait([serving])


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no chromium here: apt-get install chromium")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        await browser.close()


@dataclass
class Console:
    """The page in one tab, as a person uses it."""

    page: Page
    url: str
    token: str = MADE.token
    offences: list[str] = field(default_factory=list)
    """Errors on the browser's console (a broken policy among them), requests to another host."""
    expected: tuple[str, ...] = ()
    """What may stand in such an error: requests that a test makes fail."""

    @property
    def log(self) -> Locator:
        return self.page.get_by_role("log")

    @property
    def newest(self) -> Locator:
        """What the form said last."""
        return self.page.locator("#lines .agent .words").last

    @property
    def phase(self) -> Locator:
        return self.page.locator("#phase")

    @property
    def fields(self) -> Locator:
        return self.page.get_by_role("list", name="Fields")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    async def visit(self) -> None:
        await self.page.goto(f"{self.url}/#token={self.token}")
        await expect(self.page.get_by_label("Form", exact=True)).to_have_value("claim")

    async def ring(self, caller: str = CALLER) -> None:
        await self.page.get_by_label("Caller", exact=True).fill(caller)
        await self.button("Start the call").click()
        await expect(self.phase).to_have_text("On the line")

    async def say(self, words: str, then: str | None = None) -> None:
        """Type it, and wait for the reply if it is told."""
        await self.page.get_by_label("Say", exact=True).fill(words)
        await self.page.keyboard.press("Enter")
        if then is not None:
            await expect(self.newest).to_have_text(then)


Opening = Callable[..., Awaitable[Console]]


@pytest.fixture
def sessions() -> MemorySessions:
    return MemorySessions([FORM])


@pytest_asyncio.fixture(loop_scope="session")
async def url(sessions: MemorySessions) -> AsyncIterator[str]:
    async with served(create_app(sessions, access=MADE, forms=Forms())) as url:
        yield url


@pytest_asyncio.fixture(loop_scope="session")
async def tab(browser: Browser, url: str) -> AsyncIterator[Opening]:
    """Opens a tab on a gateway, `url` or another; in the end none of them may have done what it
    must not."""
    consoles: list[Console] = []
    async with AsyncExitStack() as stack:

        async def opened(
            url: str, script: str | None = None, token: str = MADE.token, **settings: object
        ) -> Console:
            context = await browser.new_context(**settings)  # type: ignore[arg-type]  # forwarded
            stack.push_async_callback(context.close)
            context.set_default_timeout(PATIENCE_MS)
            if script is not None:
                await context.add_init_script(script)
            console = Console(await context.new_page(), url, token)
            watch(console)
            consoles.append(console)
            await console.visit()
            return console

        yield opened
    assert [offence for console in consoles for offence in unexpected(console)] == []


@pytest_asyncio.fixture(loop_scope="session")
async def console(tab: Opening, url: str) -> Console:
    return await tab(url)


def watch(console: Console) -> None:
    def said(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            console.offences.append(message.text)

    def asked(request: Request) -> None:
        if not request.url.startswith(console.url):
            console.offences.append(f"a request to {request.url}")

    console.page.on("console", said)
    console.page.on("pageerror", lambda error: console.offences.append(str(error)))
    console.page.on("request", asked)


def unexpected(console: Console) -> list[str]:
    return [o for o in console.offences if not any(known in o for known in console.expected)]
