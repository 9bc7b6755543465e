"""The whole bot in this process, against a sandbox."""

from __future__ import annotations

from contextlib import asynccontextmanager

from bot.chat.sketches.contact_sheet import OVERDUE
from bot.sandbox import Redelivery
from bot.service.assembly import Service
from bot.service.wiring import Seams
from bot.telegram.rate_limits import Rate

SOON = Redelivery(first=0.05, longest=0.2, timeout=20.0)
#: What Telegram bears is the flood tests' subject; here it would only hold up.
FAST = Rate(10_000, 10_000)


@asynccontextmanager
async def running(
    config, painter_client, *, edit_interval=0.05, catalog=None, sheet_overdue=OVERDUE, **parts
):
    """A started `Service`, stopped in the end; `parts` are its other arguments."""
    seams = Seams(catalog=catalog, edit_interval=edit_interval, sheet_overdue=sheet_overdue)
    service = Service(config, painter_client=painter_client, seams=seams, **parts)
    await service.start()
    try:
        yield service
    finally:
        await service.stop()
