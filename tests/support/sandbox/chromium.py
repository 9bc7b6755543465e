"""The chat page in a real Chromium, with a small bot at the other end: fixtures and helpers."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time

import aiohttp
import pytest
import pytest_asyncio

from bot.sandbox import Sandbox
from tests.support.sandbox.client import QUICK, Client
from tests.support.sandbox.painter_bot import PainterBot

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

# One browser, and with it one event loop, for all tests of a module: it takes seconds to start.
MARKS = [
    pytest.mark.any_python,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
    pytest.mark.asyncio(loop_scope="module"),
]


@contextlib.asynccontextmanager
async def painter(sandbox):
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
async def opened(browser, sandbox, viewport, scheme="light", locale="en-US"):
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
    async with painter(sandbox), opened(browser, sandbox, request.param) as page:
        yield page


async def say(page, text):
    await page.locator("#text").fill(text)
    await page.keyboard.press("Enter")


async def start(page):
    await page.get_by_role("button", name="Start").click()
    await expect(page.locator(".bubble:not(.own)")).to_contain_text("Hello, Guest! See /help")


async def joined(page, sandbox):
    """The person that the page makes when it opens, which on a busy machine takes a moment."""
    deadline = time.monotonic() + 20
    while not sandbox.users:
        assert time.monotonic() < deadline, "the page made no person"
        await page.wait_for_timeout(20)
    return sandbox.users[0]


async def no_overflow(page):
    """Nothing is wider than the window."""
    for wide in ("html", "#scroller", ".bubble"):
        for element in await page.locator(wide).all():
            assert await element.evaluate("(each) => each.scrollWidth <= each.clientWidth"), wide
