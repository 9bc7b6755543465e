"""/stats."""

from __future__ import annotations

import pytest

from bot.jobs import CANCELLED, PAINTED
from tests.bot.handlers.conftest import Speaker
from tests.bot.handlers.test_queue import queue


@pytest.mark.parametrize("language", ["en", "ru"])
async def test_admins_see_the_figures(conversation, sandbox, boris, language):
    jobs = await queue(boris, 2)
    await conversation.jobs.finish(jobs[0].id, CANCELLED)
    admin = Speaker(conversation, sandbox.user(777, language_code=language, name="Owner"))
    text = (await admin.says("/stats")).text
    assert admin.words("In the queue: {n}", n=1) in text
    assert admin.words("Users: {n}", n=1) in text
    assert "cancelled: 1" in text


async def test_for_others_there_is_no_such_command(anna):
    words = anna.words("I don't know this command. /help tells what I can do.")
    assert (await anna.says("/stats")).text == words


async def test_the_mean_is_over_what_was_painted(conversation, sandbox, boris):
    admin = Speaker(conversation, sandbox.user(777, language_code="en", name="Owner"))
    assert "on average: –" in (await admin.says("/stats")).text
    await queue(boris, 1)
    job = await conversation.jobs.claim()
    await conversation.jobs.finish(job.id, PAINTED)
    assert "on average: 0" in (await admin.says("/stats")).text
