"""/forget."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot.sandbox import Sandbox
from tests.support.bot.albums import order_pair
from tests.support.bot.doubles import FakePainterClient
from tests.support.bot.running import running
from tests.support.bot.sent_pictures import picture
from tests.support.bot.stage import config_for
from tests.support.bot.steps import queue


async def rows_about(conversation, user):
    def count(connection):
        tables = ("jobs", "pictures", "users", "dialogue")
        return [
            connection.execute(f"SELECT COUNT(*) FROM {table} WHERE user_id = ?", (user.id,))
            .fetchone()[0]
            for table in tables
        ]  # fmt: skip

    return await conversation.database.run(count)


async def test_everything_is_deleted(anna, boris, conversation, monkeypatch):
    # Nobody tells of the cancelled job here, and that is waited for.
    monkeypatch.setattr("bot.handlers.forget._FAREWELL_S", 0.2)
    (job,) = await queue(anna, 1)
    (others,) = await queue(boris, 1)
    path = conversation.results.path(job.id)
    path.parent.mkdir()
    path.write_bytes(picture())
    question = await anna.says("/forget")
    assert all(await rows_about(conversation, anna))
    await anna.press(question, "Delete everything")
    await anna.hears("Done. I no longer know anything about you. /start starts over.")
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


class TenaciousWorker(FakePainterClient):
    """Writes its picture when it is cancelled, and only then lets go."""

    async def submit(self, task, *, on_progress):
        try:
            return await super().submit(task, on_progress=on_progress)
        except asyncio.CancelledError:
            await asyncio.sleep(0.3)
            Path(task.output).write_bytes(b"late")
            raise


async def test_what_is_painted_meanwhile_leaves_neither_a_file_nor_a_bar(tmp_path):
    painter_client, state = TenaciousWorker(), tmp_path / "state"
    painter_client.hold()
    async with Sandbox() as sandbox, running(config_for(sandbox, state), painter_client) as service:
        anna = sandbox.user(name="Anna")
        for _ in range(2):
            await order_pair(anna, [picture(), picture()])
        painted = await anna.wait_for(lambda message: "50%" in message.text)
        queued = await anna.wait_for(lambda message: "queue" in message.text)
        question = await anna.wait_for(after=await anna.text("/forget"))
        await anna.press(question, "Delete everything")
        await anna.wait_for(lambda message: "I no longer know anything about you" in message.text)
        shown = {message.id: message for message in anna.messages}
        for message in (painted, queued):
            assert shown[message.id].text == "Cancelled." and not shown[message.id].buttons
        assert list((state / "results").iterdir()) == []
        assert not await service.parts.jobs.active()
        assert 'jetbrush_jobs_total{outcome="cancelled"} 2.0' in service.metrics.render().decode()
    assert len(painter_client.cancelled) == 1
