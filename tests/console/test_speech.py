"""Speech: replies are read aloud, what the recogniser hears is a turn. The browser's services are
played by a script: a headless browser has neither voices nor a microphone."""

import pytest_asyncio
from playwright.async_api import expect

from tests.console.conftest import CALLER, Console, Opening
from turnkeeper.contract import Transcript
from turnkeeper.testing import MemorySessions

SPEECH = """
window.spoken = [];
window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
Object.defineProperty(window, "speechSynthesis", { value: {
  speak(utterance) {
    window.spoken.push(utterance.text);
    window.speaking = utterance;
  },
  cancel() { window.speaking = null; },
} });
window.SpeechRecognition = class {
  start() { window.listening = this; }
  abort() { window.listening = null; this.onend(); }
};
"""
HEARD = """hypotheses => {
  const recogniser = window.listening;
  const found = hypotheses.map(([transcript, confidence]) => ({ transcript, confidence }));
  recogniser.onresult({ results: [Object.assign(found, { isFinal: true })] });
  recogniser.onend();
}"""
FAILED = "error => { const r = window.listening; r.onerror({ error }); r.onend(); }"
FINISHED = "() => window.speaking.onend()"


@pytest_asyncio.fixture(loop_scope="session")
async def console(tab: Opening, url: str) -> Console:
    return await tab(url, SPEECH)


async def transcript(sessions: MemorySessions) -> Transcript:
    return await sessions.transcript(await sessions.session_id("claim", CALLER))


async def doing(console: Console, what: str) -> None:
    await expect(console.page.locator("#voice-hint")).to_have_text(what)


async def called(console: Console) -> None:
    await console.button("Voice").wait_for()
    await console.ring()
    await console.button("Voice").click()
    await doing(console, "Listening ...")


async def test_what_is_heard_is_a_turn_and_the_reply_is_spoken_before_it_listens_again(
    console: Console, sessions: MemorySessions
) -> None:
    await called(console)
    await console.page.evaluate(HEARD, [["four three two one", 0.9], ["for three two one", 0.4]])
    await doing(console, "Speaking ...")
    assert await console.page.evaluate("window.spoken.at(-1)") == "Was anything stolen?"
    await console.page.evaluate(FINISHED)
    await doing(console, "Listening ...")
    entry = (await transcript(sessions)).entries[-1]
    assert (entry.heard, entry.recorded) == ("four three two one", ("policy",))


async def test_hearing_nothing_is_a_noinput(console: Console) -> None:
    await called(console)
    await console.page.evaluate(FAILED, "no-speech")
    await expect(console.newest).to_contain_text("Four digits please.")
    await expect(console.log).to_contain_text("(silence)")


async def test_who_breaks_in_is_heard_and_how_far_the_reply_came_is_kept(
    console: Console, sessions: MemorySessions
) -> None:
    await called(console)
    await console.page.evaluate(HEARD, [["4321", 0]])
    await doing(console, "Speaking ...")
    await console.page.evaluate("window.speaking.onboundary({ charIndex: 12 })")
    await console.button("Interrupt").click()
    await doing(console, "Listening ...")
    await console.page.evaluate(HEARD, [["no", 0]])
    await expect(console.newest).to_have_text("What is your name?")
    assert (await transcript(sessions)).entries[-2].heard_until == "Was anything"


async def test_without_a_microphone_it_says_so_and_typing_goes_on(console: Console) -> None:
    await called(console)
    await console.page.evaluate(FAILED, "not-allowed")
    await expect(console.page.locator("#voice-hint")).to_contain_text("type instead")
    await expect(console.button("Voice")).to_have_attribute("aria-pressed", "false")
    await console.say("4321", then="Was anything stolen?")
