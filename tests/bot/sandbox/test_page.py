"""The chat page in a real Chromium, with a small bot at the other end."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import shutil
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio

from bot.sandbox import Sandbox
from tests.bot.sandbox.client import Client, picture, size
from tests.bot.sandbox.conftest import QUICK
from tests.bot.sandbox.painter_bot import PainterBot

playwright_api = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
expect = playwright_api.expect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}

# One browser, and with it one event loop, for all tests here: it takes seconds to start.
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
    pytest.mark.asyncio(loop_scope="module"),
]


@contextlib.asynccontextmanager
async def _painter(sandbox):
    """The small bot, at work."""
    async with aiohttp.ClientSession() as session:
        work = asyncio.ensure_future(PainterBot(Client(sandbox, session)).run())
        try:
            yield
        finally:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work


@pytest_asyncio.fixture(loop_scope="module")
async def sandbox():
    async with Sandbox(redelivery=QUICK) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser():
    async with playwright_api.async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        await browser.close()


@contextlib.asynccontextmanager
async def _opened(browser, sandbox, viewport, scheme="light", locale="en-US"):
    """The page in a window of its own; whatever it complains of fails the test."""
    context = await browser.new_context(
        viewport=viewport, color_scheme=scheme, locale=locale, reduced_motion="reduce"
    )
    page = await context.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None,
    )
    await page.goto(sandbox.url)
    yield page
    await context.close()
    # A connection that the sandbox closed is no fault of the page.
    assert [each for each in complaints if "WebSocket" not in each] == []


@pytest_asyncio.fixture(loop_scope="module", params=[DESKTOP, PHONE], ids=["desktop", "phone"])
async def page(request, browser, sandbox):
    async with _painter(sandbox), _opened(browser, sandbox, request.param) as page:
        yield page


async def _say(page, text):
    await page.locator("#text").fill(text)
    await page.keyboard.press("Enter")


async def _start(page):
    await page.get_by_role("button", name="Start").click()
    await expect(page.locator(".bubble:not(.own)")).to_contain_text("Hello, Guest! See /help")


async def _no_overflow(page):
    """Nothing is wider than the window."""
    for wide in ("html", "#scroller", ".bubble"):
        for element in await page.locator(wide).all():
            assert await element.evaluate("(each) => each.scrollWidth <= each.clientWidth"), wide


async def test_a_conversation(page, sandbox):
    await _start(page)
    answer = page.locator(".bubble:not(.own)").first
    await expect(answer.locator("b")).to_have_text("Hello")
    await expect(answer.locator("i")).to_have_text("See")
    await expect(page.locator("#announcer")).to_contain_text("Jetbrush: Hello, Guest!")
    await answer.get_by_text("/help").click()
    await expect(page.locator(".bubble").last).to_contain_text("You said: /help")
    await _say(page, "a\nb")
    await expect(page.locator(".bubble").last).to_contain_text("You said: a\nb")
    await expect(page.locator("#text")).to_have_value("")
    await _no_overflow(page)
    assert [person.language for person in sandbox.people] == ["en"]


async def test_texts_cannot_run_as_html(page):
    await _say(page, "<img src=x onerror=alert(1)> <b>bold?</b> & https://example.org/?a=1&b=2.")
    answer = page.locator(".bubble").last
    await expect(answer).to_contain_text("You said: <img src=x onerror=alert(1)> <b>bold?</b> &")
    assert await answer.locator("img, b").count() == 0
    link = answer.get_by_role("link")
    await expect(link).to_have_attribute("href", "https://example.org/?a=1&b=2")
    assert "noopener" in await link.get_attribute("rel")


async def test_buttons_are_answered_by_toasts_and_alerts(page):
    await _start(page)
    await page.get_by_role("button", name="Toast").click()
    await expect(page.locator("#toasts")).to_have_text("Just so")
    await page.get_by_role("button", name="Alert").click()
    await expect(page.locator("#alert")).to_contain_text("Take care")
    await page.keyboard.press("Enter")
    await expect(page.locator("#alert")).to_be_hidden()
    never = page.get_by_role("button", name="Never")
    await never.click()
    await expect(never).to_have_class("key busy")
    elsewhere = page.get_by_role("link", name="Elsewhere")
    await expect(elsewhere).to_have_attribute("href", "https://example.org/")


async def test_an_edit_changes_the_message_in_its_place(page, sandbox):
    await _start(page)
    bubbles = page.locator(".bubble")
    await _say(page, "something below")
    await expect(bubbles).to_have_count(4)
    await page.get_by_role("button", name="Paint").click()
    await expect(bubbles.nth(1)).to_contain_text("Painting")
    await page.get_by_role("button", name="Stop").click()
    await expect(bubbles.nth(1)).to_contain_text("Painted")
    await expect(bubbles.nth(1)).to_contain_text("edited")
    shown = bubbles.nth(1).locator("img")
    await expect(shown).to_have_js_property("naturalWidth", 300)
    await expect(bubbles).to_have_count(4)
    person = sandbox.people[0]
    await person.delete(person.messages[1])
    await expect(bubbles).to_have_count(3)


async def test_an_album_is_a_grid_and_a_photo_opens_large(page):
    await _say(page, "album")
    album = page.locator(".bubble .album")
    await expect(album.locator("img")).to_have_count(2)
    left, right = [await tile.bounding_box() for tile in await album.locator(".photo").all()]
    assert left["y"] == right["y"] and left["x"] + left["width"] <= right["x"]
    await album.locator(".photo").nth(1).focus()
    await page.keyboard.press("Enter")
    large = page.locator("#viewer-picture")
    await expect(large).to_be_visible()
    await expect(large).to_have_js_property("naturalWidth", 640)
    await page.keyboard.press("Escape")
    await expect(large).to_be_hidden()
    await _no_overflow(page)


async def test_the_captions_of_an_album_show_in_full_size(page, sandbox):
    person = sandbox.people[0]
    await person.text("x")
    async with aiohttp.ClientSession() as session:
        media = [{"type": "photo", "media": f"attach://p{n}", "caption": f"{n}."} for n in (1, 2)]
        files = {f"p{number}": ("p.jpg", picture()) for number in (1, 2)}
        client = Client(sandbox, session)
        await client.upload("sendMediaGroup", files, chat_id=person.id, media=media)
    photos = page.locator(".album .photo")
    await expect(photos).to_have_count(2)
    assert await page.locator(".album .words").count() == 0
    await photos.nth(1).click()
    await expect(page.locator("#viewer-caption")).to_have_text("2.")
    await page.locator("#viewer-close").click()
    await expect(page.locator("#viewer")).to_be_hidden()


async def test_a_document_shows_its_name_and_is_downloaded(page):
    await _say(page, "file")
    line = page.locator("a.document")
    await expect(line).to_contain_text("painting <1>.png")
    await expect(line).to_contain_text("kB")
    async with page.expect_download() as started:
        await line.click()
    path = await (await started.value).path()
    assert path.read_bytes() == picture(form="PNG")


async def test_a_photo_is_chosen_and_sent_with_a_caption(page, sandbox):
    file = {"name": "boat.png", "mimeType": "image/png", "buffer": picture(form="PNG")}
    await page.set_input_files("#picker", [file])
    sheet = page.locator("#sheet")
    await expect(sheet).to_contain_text("boat.png")
    await expect(sheet.get_by_role("radio", name="Photo")).to_be_checked()
    await sheet.get_by_label("Caption").fill("Look")
    await page.keyboard.press("Enter")
    await expect(page.locator(".bubble").last).to_contain_text("A photo: Look")
    quote = page.locator(".bubble").last.locator(".quote")
    await expect(quote).to_contain_text("Guest")
    await expect(quote).to_contain_text("Look")
    sent = sandbox.people[0].messages[0]
    assert sandbox.bytes_of(sent.file_id).startswith(b"\xff\xd8")
    assert size(sandbox.bytes_of(sent.file_id)) == (640, 480)


async def test_a_picture_is_sent_as_a_file_byte_for_byte(page, sandbox):
    data = picture(form="PNG")
    file = {"name": "лодка.png", "mimeType": "image/png", "buffer": data}
    await page.set_input_files("#picker", [file])
    await page.locator("#sheet").get_by_role("radio", name="File").check()
    await page.locator("#sheet").get_by_role("button", name="Send").click()
    await expect(page.locator(".bubble").last).to_contain_text("A document: -")
    sent = sandbox.people[0].messages[0]
    assert (sent.file_name, sandbox.bytes_of(sent.file_id)) == ("лодка.png", data)


DROP = """([names, kind]) => {
    const transfer = new DataTransfer();
    for (const name of names) {
        const bytes = Uint8Array.from(atob(window.sample), (each) => each.charCodeAt(0));
        transfer.items.add(new File([bytes], name, {type: "image/png"}));
    }
    const event = kind === "paste"
        ? new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true, cancelable: true})
        : new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true});
    document.getElementById("text").dispatchEvent(event);
}"""


@pytest.mark.parametrize("kind", ["drop", "paste"])
async def test_several_dropped_or_pasted_pictures_are_an_album(page, sandbox, kind):
    sample = base64.b64encode(picture(200, 100, form="PNG")).decode("ascii")
    await page.evaluate("(sample) => { window.sample = sample; }", sample)
    await page.evaluate(DROP, [["a.png", "b.png", "c.png"], kind])
    await page.locator("#sheet").get_by_role("button", name="Send").click()
    await expect(page.locator(".own .album img")).to_have_count(3)
    messages = [each for each in sandbox.people[0].messages if not each.from_bot]
    assert len(messages) == 3 and len({message.album for message in messages}) == 1


async def test_a_broken_picture_is_refused_in_words(page):
    file = {"name": "broken.png", "mimeType": "image/png", "buffer": b"no picture"}
    await page.set_input_files("#picker", [file])
    await page.locator("#sheet").get_by_role("button", name="Send").click()
    await expect(page.locator("#toasts")).to_contain_text("cannot be sent as a photo")
    await expect(page.locator(".bubble")).to_have_count(0)


async def test_commands_are_listed_and_chosen_by_keys(page):
    await page.locator("#text").press_sequentially("/")
    options = page.get_by_role("option")
    await expect(options).to_have_count(2)
    await page.keyboard.press("ArrowDown")
    await expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("Enter")
    await expect(page.locator(".bubble").last).to_contain_text("You said: /help")
    await page.get_by_role("button", name="Commands").click()
    await expect(options.first).to_contain_text("Begin anew")
    await options.first.click()
    await expect(page.locator(".bubble").last).to_contain_text("Hello, Guest!")


async def test_the_bot_is_seen_typing(page):
    await _say(page, "typing")
    await expect(page.locator("#status")).to_have_text("is typing …")


async def test_another_person_has_a_chat_and_a_language_of_their_own(page, sandbox):
    await _start(page)
    people = page.locator("#people")
    opener = page.locator("#people-open")
    if await opener.is_visible():
        await opener.click()
    await people.get_by_label("Name").fill("Борис")
    await people.get_by_role("radio", name="Русский").check()
    await people.get_by_role("button", name="Add").click()
    await expect(page.locator("#empty")).to_contain_text("Пока здесь пусто")
    assert await page.locator(".bubble").count() == 0
    await page.locator("#text").press_sequentially("/")
    await expect(page.get_by_role("option")).to_have_text(["/startНачать сначала"])
    await page.keyboard.press("Enter")
    await expect(page.locator(".bubble").last).to_contain_text("Hello, Борис!")
    assert [(each.raw["first_name"], each.language) for each in sandbox.people] == [
        ("Guest", "en"),
        ("Борис", "ru"),
    ]
    await page.reload()
    await expect(page.locator(".bubble").last).to_contain_text("Hello, Борис!")
    if await opener.is_visible():
        await opener.click()
    await people.get_by_role("button", name="Guest").click()
    await expect(page.locator(".bubble").last).to_contain_text("Hello, Guest!")


async def test_the_page_speaks_the_browsers_language(browser, sandbox):
    async with _opened(browser, sandbox, PHONE, locale="ru-RU") as page:
        await expect(page.get_by_role("button", name="Начать")).to_be_visible()
        await expect(page.locator("#text")).to_have_attribute("placeholder", "Сообщение")
        assert await page.evaluate("document.documentElement.lang") == "ru"


async def test_dark_by_night_and_light_by_day(browser, sandbox):
    colours = []
    for scheme in ("light", "dark"):
        async with _opened(browser, sandbox, PHONE, scheme) as page:
            colour = await page.evaluate("getComputedStyle(document.body).backgroundColor")
            colours.append(sum(int(each) for each in colour[4:-1].split(",")))
    assert colours[0] > 600 and colours[1] < 150


async def test_the_page_connects_again_after_a_restart(browser):
    async with contextlib.AsyncExitStack() as stack:
        async with Sandbox(redelivery=QUICK) as first:
            page = await stack.enter_async_context(_opened(browser, first, DESKTOP))
            await _say(page, "before")
            await expect(page.locator(".bubble")).to_contain_text(["before"])
        await expect(page.locator("#status")).to_have_text("connecting …")
        async with Sandbox(port=urlsplit(first.url).port, redelivery=QUICK) as second:
            await expect(page.locator("#empty")).to_be_visible()
            assert second.people[0].raw == first.people[0].raw
            await _say(page, "after")
            await expect(page.locator(".bubble")).to_contain_text(["after"])
