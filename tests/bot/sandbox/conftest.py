"""A sandbox, a client for it, and a person in it, for each test."""

from __future__ import annotations

import aiohttp
import pytest_asyncio

from bot.sandbox import Redelivery, Sandbox
from tests.bot.sandbox.client import Client

# Fast enough for a test, slow enough to tell one delivery from the next.
QUICK = Redelivery(first=0.02, longest=0.1, timeout=2.0)


@pytest_asyncio.fixture
async def sandbox():
    async with Sandbox(redelivery=QUICK) as running:
        yield running


@pytest_asyncio.fixture
async def bot(sandbox):
    async with aiohttp.ClientSession() as session:
        yield Client(sandbox, session)


@pytest_asyncio.fixture
async def anna(sandbox):
    person = sandbox.user(language_code="ru", name="Анна")
    await person.text("/start")
    return person
