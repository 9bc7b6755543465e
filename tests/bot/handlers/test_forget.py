"""/forget."""

from __future__ import annotations

from tests.bot.handlers.pictures import picture
from tests.bot.handlers.test_queue import queue


async def rows_about(conversation, user):
    def count(connection):
        tables = ("jobs", "pictures", "people", "dialogue")
        return [
            connection.execute(f"SELECT COUNT(*) FROM {table} WHERE user_id = ?", (user.id,))
            .fetchone()[0]
            for table in tables
        ]  # fmt: skip

    return await conversation.database.run(count)


async def test_everything_is_deleted(anna, boris, conversation):
    (job,) = await queue(anna, 1)
    (others,) = await queue(boris, 1)
    path = conversation.results.path(job.id)
    path.parent.mkdir()
    path.write_bytes(picture())
    question = await anna.says("/forget")
    assert all(await rows_about(conversation, anna))
    await anna.press(question, "Delete everything")
    await anna.hears("Done: I know nothing about you any more. /start begins anew.")
    assert await rows_about(conversation, anna) == [0, 0, 0, 0]
    assert not path.exists()
    assert (await conversation.jobs.get(others.id)).state == "queued"


async def test_or_nothing(anna, conversation):
    await queue(anna, 1)
    question = await anna.says("/forget")
    await anna.press(question, "Keep it")
    await anna.hears("All right, nothing was deleted.")
    assert not question.buttons
    assert all(await rows_about(conversation, anna))
