"""Hundreds of users at once, over the web hook."""

from __future__ import annotations

import asyncio

import pytest

from bot.sandbox import Redelivery, Sandbox
from tests.support.bot.bot_process import BotProcess
from tests.support.bot.crowd import choose_a_style, is_result
from tests.support.bot.stage import free_port, jpeg, plain

USERS = 200
#: Half of these send an album, the others a photo, whose question waits for the rate limit.
ALBUM_USERS = 250
#: Seconds that the event loop may be blocked.
MOST_LAG = 0.1
MOST_GROWTH = 40_000_000


def answered(message):
    """A picture, or a polite refusal."""
    return is_result(message) or "later" in message.text


@pytest.mark.alone
async def test_everyone_is_answered_or_politely_refused(tmp_path):
    async with Sandbox(redelivery=Redelivery(first=0.5, longest=5, timeout=60)) as sandbox:
        bot = BotProcess(sandbox, tmp_path, free_port(), LOG_LEVEL="WARNING")
        await bot.start()
        try:
            await all_at_once(bot, sandbox)
        finally:
            await bot.kill()


@pytest.mark.alone
async def test_every_album_is_an_album(tmp_path):
    async with Sandbox(redelivery=Redelivery(first=0.5, longest=5, timeout=60)) as sandbox:
        bot = BotProcess(sandbox, tmp_path, free_port(), LOG_LEVEL="WARNING")
        await bot.start()
        try:
            await albums_at_once(bot, sandbox)
        finally:
            await bot.kill()


async def albums_at_once(bot, sandbox):
    users = [sandbox.user(name=f"user {number}") for number in range(ALBUM_USERS)]
    senders, others = users[::2], users[1::2]
    data = jpeg(plain("green", (320, 240)))

    async def send(user):
        if user in senders:
            await user.album([data, data])
        else:
            await user.photo(data)

    await asyncio.gather(*(send(user) for user in users))
    await asyncio.gather(*(user.wait_for(asked, timeout=120) for user in others))
    await asyncio.gather(*(user.wait_for(asked_about_two, timeout=120) for user in senders))
    apart = [user for user in senders if any(map(asked, user.messages))]
    assert not apart, f"{len(apart)} of {len(senders)} albums fell apart"
    assert bot.longest_lag < MOST_LAG
    print(f"{len(senders)} albums, lag {bot.longest_lag} s, {bot.memory >> 20} MB")


def asked(message):
    return "What shall I do" in message.text


def asked_about_two(message):
    return "Two pictures" in message.text


async def all_at_once(bot, sandbox):
    users = [sandbox.user(name=f"user {number}") for number in range(USERS)]
    await asyncio.gather(*(choose_a_style(user) for user in users))
    data = jpeg(plain("green", (320, 240)))
    await asyncio.gather(*(user.photo(data) for user in users))
    await asyncio.gather(*(user.wait_for(answered, timeout=120) for user in users[:50]))
    early = bot.memory
    await asyncio.gather(*(user.wait_for(answered, timeout=120) for user in users))
    assert bot.memory - early < MOST_GROWTH
    assert bot.longest_lag < MOST_LAG
    pictures = [
        user for user in users if any(m.kind == "photo" and m.from_bot for m in user.messages)
    ]
    assert len(pictures) >= 50
    print(
        f"{len(pictures)} pictures, lag {bot.longest_lag} s, {early >> 20} MB, {bot.memory >> 20} MB"
    )
