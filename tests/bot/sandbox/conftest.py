"""A sandbox, a client for it, and a person in it, for each test."""

from __future__ import annotations

import aiohttp
import pytest_asyncio

from bot.sandbox import Sandbox
from tests.support.sandbox.client import QUICK, Client


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
