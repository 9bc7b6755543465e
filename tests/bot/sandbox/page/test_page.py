"""A conversation on the chat page, and the people who hold it."""

from __future__ import annotations

import contextlib
from urllib.parse import urlsplit

from bot.sandbox import Sandbox
from tests.support.sandbox import chromium
from tests.support.sandbox.chromium import (
    DESKTOP,
    PHONE,
    expect,
    joined,
    no_overflow,
    opened,
    say,
    start,
)
from tests.support.sandbox.client import QUICK

pytestmark = chromium.MARKS
sandbox, browser, page = chromium.sandbox, chromium.browser, chromium.page


async def test_a_conversation(page, sandbox):
    await start(page)
    answer = page.locator(".bubble:not(.own)").first
    await expect(answer.locator("b")).to_have_text("Hello")
    await expect(answer.locator("i")).to_have_text("See")
    await expect(page.locator("#announcer")).to_contain_text("Jetbrush: Hello, Guest!")
    await answer.get_by_text("/help").click()
    await expect(page.locator(".bubble").last).to_contain_text("You said: /help")
    await say(page, "a\nb")
    await expect(page.locator(".bubble").last).to_contain_text("You said: a\nb")
    await expect(page.locator("#text")).to_have_value("")
    await no_overflow(page)
    assert [person.language for person in sandbox.users] == ["en"]


async def test_texts_cannot_run_as_html(page):
    await say(page, "<img src=x onerror=alert(1)> <b>bold?</b> & https://example.org/?a=1&b=2.")
    answer = page.locator(".bubble").last
    await expect(answer).to_contain_text("You said: <img src=x onerror=alert(1)> <b>bold?</b> &")
    assert await answer.locator("img, b").count() == 0
    link = answer.get_by_role("link")
    await expect(link).to_have_attribute("href", "https://example.org/?a=1&b=2")
    assert "noopener" in await link.get_attribute("rel")


async def test_buttons_are_answered_by_toasts_and_alerts(page):
    await start(page)
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
    await start(page)
    bubbles = page.locator(".bubble")
    await say(page, "something below")
    await expect(bubbles).to_have_count(4)
    await page.get_by_role("button", name="Paint").click()
    await expect(bubbles.nth(1)).to_contain_text("Painting")
    await page.get_by_role("button", name="Stop").click()
    await expect(bubbles.nth(1)).to_contain_text("Painted")
    await expect(bubbles.nth(1)).to_contain_text("edited")
    shown = bubbles.nth(1).locator("img")
    await expect(shown).to_have_js_property("naturalWidth", 300)
    await expect(bubbles).to_have_count(4)
    person = await joined(page, sandbox)
    await person.delete(person.messages[1])
    await expect(bubbles).to_have_count(3)


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
    await say(page, "typing")
    await expect(page.locator("#status")).to_have_text("is typing …")


async def test_another_person_has_a_chat_and_a_language_of_their_own(page, sandbox):
    await start(page)
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
    assert [(each.raw["first_name"], each.language) for each in sandbox.users] == [
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
    async with opened(browser, sandbox, PHONE, locale="ru-RU") as page:
        await expect(page.get_by_role("button", name="Начать")).to_be_visible()
        await expect(page.locator("#text")).to_have_attribute("placeholder", "Сообщение")
        assert await page.evaluate("document.documentElement.lang") == "ru"


async def test_dark_by_night_and_light_by_day(browser, sandbox):
    colours = []
    for scheme in ("light", "dark"):
        async with opened(browser, sandbox, PHONE, scheme) as page:
            colour = await page.evaluate("getComputedStyle(document.body).backgroundColor")
            colours.append(sum(int(each) for each in colour[4:-1].split(",")))
    assert colours[0] > 600 and colours[1] < 150


async def test_the_page_connects_again_after_a_restart(browser):
    async with contextlib.AsyncExitStack() as stack:
        async with Sandbox(redelivery=QUICK) as first:
            page = await stack.enter_async_context(opened(browser, first, DESKTOP))
            await say(page, "before")
            await expect(page.locator(".bubble")).to_contain_text(["before"])
        await expect(page.locator("#status")).to_have_text("connecting …")
        async with Sandbox(port=urlsplit(first.url).port, redelivery=QUICK) as second:
            await expect(page.locator("#empty")).to_be_visible()
            assert second.users[0].raw == first.users[0].raw
            await say(page, "after")
            await expect(page.locator(".bubble")).to_contain_text(["after"])
