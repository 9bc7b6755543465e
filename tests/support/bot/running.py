"""The whole bot in this process, against a sandbox."""

from __future__ import annotations

from contextlib import asynccontextmanager

from bot.sandbox import Redelivery
from bot.service.assembly import Service
from bot.telegram.rate_limits import Rate

SOON = Redelivery(first=0.05, longest=0.2, timeout=20.0)
#: What Telegram bears is the flood tests' subject; here it would only hold up.
FAST = Rate(10_000, 10_000)


@asynccontextmanager
async def running(config, painter_client, **parts):
    service = Service(config, painter_client=painter_client, **{"edit_interval": 0.05, **parts})
    await service.start()
    try:
        yield service
    finally:
        await service.stop()
