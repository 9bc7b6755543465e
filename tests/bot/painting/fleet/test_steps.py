"""Which previews of a painting a painter sends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.painting.fleet.messages import Work
from bot.painting.fleet.steps import Steps
from bot.painting.protocol import PaintProgress

PREVIEWS = 15


class Server:
    """Instead of the link and the bucket: what was sent and stored."""

    user = "nano"

    def __init__(self):
        self.sent, self.stored = [], []

    async def put(self, name, path):
        self.stored.append(name)

    async def send(self, subject, message):
        self.sent.append(message)


@pytest.mark.parametrize(
    ("seconds", "share", "wanted"), [(0.0, 0.0, 15), (1e9, 1 / 8, 8), (0.0, 1 / 8, 15), (1e9, 2, 1)]
)
async def test_previews_are_sent_as_often_as_the_bot_wants(seconds, share, wanted):
    server = Server()
    work = Work("j", "nano", "run", 30.0, {}, preview_seconds=seconds, preview_share=share)
    steps = Steps(work, server, server)
    sending = asyncio.ensure_future(steps.send())
    for number in range(1, PREVIEWS + 1):
        steps.add(PaintProgress(number / 16, number, 16, Path("preview.jpg")))
        while len(server.sent) < number:
            await asyncio.sleep(0)
    steps.end()
    await sending
    assert len(server.stored) == len([each for each in server.sent if each.files]) == wanted
    assert [each.progress["step"] for each in server.sent] == list(range(1, PREVIEWS + 1))
