"""The console in a real browser: a call, and everything that can happen to it."""

import asyncio

from playwright.async_api import Browser, Page, Route, expect

from tests.channels.stand import Stand
from tests.console.conftest import CALLER, MADE, Console, Forms, Opening, served
from turnkeeper.contract import SessionState
from turnkeeper.gateway.access.ways import Made
from turnkeeper.gateway.app import create_app
from turnkeeper.testing import MemorySessions

UNREACHABLE = ("503 (Service Unavailable)",)
CONFLICT = ("409 (Conflict)",)
CUT = ("net::ERR_",)


async def state(sessions: MemorySessions) -> SessionState:
    return await sessions.state(await sessions.session_id("claim", CALLER))


async def test_a_whole_call_is_typed_and_the_fields_fill_in_beside_it(
    console: Console, sessions: MemorySessions
) -> None:
    await expect(console.log).to_contain_text("Nobody is on the line.")
    await console.ring()
    await expect(console.newest).to_have_text("Hello. Policy number?")
    await console.say("four three two one", then="Was anything stolen?")
    await expect(console.fields).to_contain_text("4321")
    await expect(console.fields.get_by_text("asked now")).to_be_visible()
    await console.say("no", then="What is your name?")
    await console.say("Ada Lovelace")
    await expect(console.newest).to_contain_text("right?")
    await console.say("yes")
    await expect(console.phase).to_have_text("Call ended")
    await expect(console.page.locator("#status")).to_have_text("completed")
    await expect(console.page.locator("#latencies li")).to_have_count(4)
    assert sessions.delivered[0].answers == {
        "policy": "4321",
        "theft": False,
        "name": "Ada Lovelace",
    }


async def test_a_call_needs_no_mouse(console: Console) -> None:
    page = console.page
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the conversation")).to_be_focused()
    await tab_to(page, "start-call")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Say", exact=True)).to_be_focused()
    await page.keyboard.type("4321")
    await page.keyboard.press("Enter")
    await expect(console.newest).to_have_text("Was anything stolen?")
    await tab_to(page, "drop", back=True)
    await page.keyboard.press("Enter")
    await expect(console.button("Call back")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Say", exact=True)).to_be_focused()
    await expect(console.newest).to_contain_text("Was anything stolen?")
    await tab_to(page, "keypad-toggle")
    await page.keyboard.press("Enter")
    await tab_to(page, "cancel")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Escape")
    await expect(console.button("Cancel the form")).to_be_focused()
    await expect(console.phase).to_have_text("On the line")


async def tab_to(page: Page, element: str, *, back: bool = False) -> None:
    """Press Tab until the element has the focus, and see that the focus can be seen."""
    for _ in range(60):
        await page.keyboard.press("Shift+Tab" if back else "Tab")
        if await page.evaluate("document.activeElement.id") == element:
            outline = "getComputedStyle(document.activeElement).outlineStyle"
            assert await page.evaluate(outline) == "solid"
            return
    raise AssertionError(f"Tab does not lead to {element}")


async def test_after_a_lost_line_the_pending_question_is_heard_again(
    console: Console, sessions: MemorySessions
) -> None:
    await console.ring()
    await console.say("4321", then="Was anything stolen?")
    await console.button("Drop the line").click()
    await expect(console.log).to_contain_text("The line is lost. Nobody hung up.")
    await expect(console.page.get_by_label("Say", exact=True)).to_be_disabled()
    assert (await state(sessions)).legs[-1].closed_at is None
    await console.button("Call back").click()
    await expect(console.newest).to_contain_text("Welcome back.")
    await expect(console.newest).to_contain_text("Was anything stolen?")
    await expect(console.page.locator("#legs")).to_contain_text("superseded")


async def test_hanging_up_is_told_to_the_session(
    console: Console, sessions: MemorySessions
) -> None:
    await console.ring()
    await console.button("Hang up").click()
    await expect(console.page.locator("#legs")).to_contain_text("hang up at")
    assert (await state(sessions)).legs[-1].reason == "hang_up"


async def test_keys_are_one_turn_as_soon_as_the_field_takes_no_more(
    console: Console, sessions: MemorySessions
) -> None:
    await console.ring()
    await console.button("Keypad").click()
    for key in "4321":
        await console.button(key).click()
    await expect(console.newest).to_have_text("Was anything stolen?")
    now = await state(sessions)
    assert (now.form_answers, now.turns) == ({"policy": "4321"}, 1)


async def test_silence_is_an_event_and_the_next_prompt_is_heard(console: Console) -> None:
    await console.ring()
    await console.button("Stay silent").click()
    await expect(console.newest).to_contain_text("Four digits please.")


async def test_a_second_tab_takes_over_and_the_first_is_told(
    console: Console, tab: Opening, url: str, sessions: MemorySessions
) -> None:
    await console.ring()
    second = await tab(url)
    await second.ring()
    await expect(second.newest).to_contain_text("Policy number?")
    await expect(console.phase).to_have_text("Taken over")
    await expect(console.log).to_contain_text("A newer call of this caller has taken over.")
    await second.say("4321", then="Was anything stolen?")
    assert (await state(sessions)).turns == 1


async def test_a_turn_of_a_leg_that_was_taken_over_is_refused_and_says_so(
    console: Console, sessions: MemorySessions
) -> None:
    console.expected = (*CONFLICT, *CUT)
    await console.page.route(
        "**/events", lambda route: route.abort()
    )  # It hears of nothing by itself.
    await console.ring()
    await sessions.open("claim", CALLER)
    await console.say("4321")
    await expect(console.page.locator("#lines .caller .meta")).to_contain_text(
        "superseded by leg 2"
    )
    await expect(console.phase).to_have_text("Taken over")
    assert (await state(sessions)).turns == 0


async def test_while_the_store_is_away_the_same_utterance_is_sent_until_it_is_stored_once(
    console: Console, sessions: MemorySessions
) -> None:
    console.expected = UNREACHABLE
    await console.ring()
    await expect(console.page.locator("#feed")).to_have_text("Live")
    with sessions.unreachable():
        await console.say("4321")
        note = console.page.locator("#lines .caller .meta")
        await expect(note).to_contain_text("Sent again under the same utterance id")
        await expect(console.page.locator("#feed")).to_have_text("Store cannot be reached")
    await expect(console.newest).to_have_text("Was anything stolen?")
    await expect(note).to_contain_text("applied once")
    await expect(console.page.locator("#feed")).to_have_text("Live")
    assert (await state(sessions)).turns == 1


async def test_while_the_store_is_away_nobody_is_taken_for_a_new_caller(
    console: Console, sessions: MemorySessions
) -> None:
    console.expected = UNREACHABLE
    await console.ring()
    await console.say("4321", then="Was anything stolen?")
    await console.button("Drop the line").click()
    with sessions.unreachable():
        await console.button("Call back").click()
        await expect(console.phase).to_have_text("Ringing ...")
        await expect(console.page.get_by_role("alert")).to_contain_text("Ringing again")
    await expect(console.newest).to_contain_text("Welcome back.")
    assert (await state(sessions)).leg == 2


async def test_a_reply_that_is_lost_on_its_way_is_asked_for_again(
    console: Console, sessions: MemorySessions
) -> None:
    console.expected = CUT
    await console.ring()

    async def lose(route: Route) -> None:
        await route.fetch()  # It is stored; the page never hears.
        await route.abort("connectionreset")

    await console.page.route("**/turns", lose, times=1)
    await console.say("4321", then="Was anything stolen?")
    await expect(console.page.locator("#lines .caller .meta")).to_contain_text("sent 2 times")
    assert (await state(sessions)).turns == 1


async def test_what_was_on_its_way_when_the_line_dropped_is_kept(
    console: Console, sessions: MemorySessions
) -> None:
    await console.ring()
    stored = asyncio.Event()

    async def hold(route: Route) -> None:
        await route.fetch()
        stored.set()

    await console.page.route("**/turns", hold, times=1)
    await console.say("4321")
    await stored.wait()
    await console.button("Drop the line").click()
    await expect(console.page.locator("#lines .caller .meta")).to_contain_text("Call back to hear")
    await console.button("Call back").click()
    await expect(console.newest).to_contain_text("Was anything stolen?")
    assert (await state(sessions)).form_answers == {"policy": "4321"}


async def test_a_caller_whom_the_page_was_not_told_is_looked_on_and_not_named(
    console: Console, sessions: MemorySessions
) -> None:
    other = await sessions.open("claim", "ann b", channel="telephone")
    await console.button("Refresh").click()
    await console.page.get_by_role("button", name=f"Caller {other.id[-6:]}").click()
    await expect(console.phase).to_have_text("Looking on")
    await expect(console.newest).to_have_text("Hello. Policy number?")
    await expect(console.button("Call as this caller")).to_be_hidden()
    assert "ann" not in await console.page.content()


async def test_a_session_of_the_list_is_looked_on_and_then_called_as_its_caller(
    console: Console, sessions: MemorySessions
) -> None:
    await console.ring("ann b")
    await console.button("Hang up").click()
    other = await sessions.open("claim", "ann b", channel="telephone")
    await other.turn("4321")
    await console.button("Refresh").click()
    await console.page.get_by_role("button", name="ann b").click()
    await expect(console.phase).to_have_text("Looking on")
    await expect(console.newest).to_have_text("Was anything stolen?")
    await expect(console.page.locator("#legs")).to_contain_text("telephone")
    await other.turn("no")  # What goes on elsewhere is seen here.
    await expect(console.newest).to_have_text("What is your name?")
    await console.button("Call as this caller").click()
    await expect(console.phase).to_have_text("On the line")
    await expect(console.newest).to_contain_text("What is your name?")
    assert (await sessions.state(other.id)).leg == 3


async def test_a_form_is_cancelled_only_after_a_second_thought(
    console: Console, sessions: MemorySessions
) -> None:
    await console.ring()
    await console.button("Cancel the form").click()
    await console.button("Keep it").click()
    assert (await state(sessions)).status == "collecting"
    await console.button("Cancel the form").click()
    await console.page.get_by_role("dialog").get_by_role("button", name="Cancel the form").click()
    await expect(console.page.locator("#status")).to_have_text("cancelled")
    assert (await state(sessions)).status == "cancelled"


async def test_a_caller_is_handed_off(console: Console, sessions: MemorySessions) -> None:
    await console.ring()
    await console.button("Hand off").click()
    await expect(console.page.locator("#status")).to_have_text("handed off")
    await expect(console.phase).to_have_text("Call ended")
    assert (await state(sessions)).status == "handed_off"


async def test_a_caller_who_cannot_be_an_identity_is_told_why(console: Console) -> None:
    console.expected = ("422 (Unprocessable",)
    await console.page.get_by_label("Caller", exact=True).fill("anonymous")
    await console.button("Start the call").click()
    await expect(console.page.get_by_role("alert")).to_contain_text("identifies nobody")
    await expect(console.button("Start the call")).to_be_enabled()


async def test_what_a_caller_says_is_text_and_never_markup(console: Console) -> None:
    await console.ring()
    await console.say("<img src=x onerror=alert(1)>")
    await expect(console.page.locator("#lines .caller")).to_contain_text("<img src=x")
    assert await console.page.locator("#lines img").count() == 0


async def test_a_killed_worker_is_survived_in_mid_call(tab: Opening, channels: Stand) -> None:
    app = create_app(
        channels.sessions,
        access=(made := Made(channels.settings.tenant)),
        forms=Forms(),
        ui_url="http://127.0.0.1:8233/namespaces/default",
        kill_worker=channels.worker.kill,
    )
    async with served(app) as url:
        console = await tab(url, token=made.token)
        console.expected = UNREACHABLE
        await console.ring("+14155550177")
        await console.say("4321", then="Was anything stolen?")
        await console.button("Kill the worker").click()
        await expect(console.log).to_contain_text("The worker is killed")
        await console.say("no")
        await expect(console.page.locator("#lines .caller .meta").last).to_have_text("on its way")
        await expect(console.log).not_to_contain_text("A worker is back")
        await channels.worker.start()
        await expect(console.newest).to_have_text("What is your name?")
        await expect(console.log).to_contain_text("A worker is back after")
        link = console.page.get_by_role("link", name="Open in Temporal")
        session = await channels.sessions.session_id("claim", "+14155550177")
        path = session.replace(":", "%3A").replace("+", "%2B")
        ui = "http://127.0.0.1:8233/namespaces/default"
        assert await link.get_attribute("href") == f"{ui}/workflows/{path}"
        await console.page.close()
    now = await channels.sessions.state(session)
    assert (now.form_answers, now.turns) == ({"policy": "4321", "theft": False}, 2)


# --- who may come in ------------------------------------------------------------------------------


async def test_the_token_of_the_link_is_nowhere_to_be_seen(console: Console) -> None:
    assert console.token not in console.page.url
    assert console.token not in await console.page.content()
    await console.page.reload()
    await expect(console.page.get_by_label("Form", exact=True)).to_have_value("claim")


async def test_without_a_token_the_page_asks_for_one_until_it_is_good(
    browser: Browser, url: str
) -> None:
    page = await (await browser.new_context()).new_page()
    await page.goto(url)
    dialog = page.get_by_role("dialog", name="Who are you?")
    await expect(dialog).to_be_visible()
    for token in ("wrong", MADE.token):
        await page.keyboard.press("Escape")
        await dialog.get_by_label("Token", exact=True).fill(token)
        await page.keyboard.press("Enter")
        if token == "wrong":
            await expect(dialog.get_by_role("alert")).to_contain_text("not good here")
    await expect(dialog).to_be_hidden()
    await expect(page.get_by_label("Form", exact=True)).to_have_value("claim")
    await page.context.close()
