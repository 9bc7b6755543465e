"""Sketches by the real painter, over real HTTP."""

from __future__ import annotations

import io
import os
import signal

from PIL import Image

from bot.chat.catalog import Catalog
from bot.painting.client import PainterClient, painter_command
from bot.sandbox import Sandbox
from tests.support.bot.guest import Guest
from tests.support.bot.processes import gone
from tests.support.bot.running import SOON, running
from tests.support.bot.stage import config_for
from tests.support.pictures import photo

SHEET = "Which style shall I paint this photo in?"
#: Seconds for what takes one on a machine that does nothing else.
WAIT = 60


async def gets_a_sheet(guest, after):
    words = guest.words(f"{SHEET} These are sketches.")
    return await guest.person.wait_for(
        lambda message: message.kind == "photo" and words in message.text, WAIT, after=after
    )


async def test_sheets_come_past_a_long_job_and_a_kill(sketch_engines, tmp_path):
    painter_client = PainterClient(painter_command(sketch_engines))
    async with Sandbox(redelivery=SOON) as sandbox:
        # A job of many minutes, whose steps are short.
        config = config_for(sandbox, tmp_path / "state", steps=1000)
        anna, boris = (Guest(sandbox, "en", name=name) for name in ("Anna", "Boris"))
        catalog = Catalog(sketch_engines)
        async with running(config, painter_client, catalog=catalog, sheet_overdue=WAIT):
            sheet = await gets_a_sheet(anna, await anna.sends(photo(160, 120)))
            with Image.open(io.BytesIO(sandbox.bytes_of(sheet.file_id))) as image:
                assert image.size == (3 * 172 + 12, 2 * 132 + 12)
            await anna.press(sheet, "1")
            painting = await anna.person.wait_for(
                lambda message: "Painting" in message.text and message.kind == "photo",
                WAIT,
                after=sheet,
            )
            # Nobody else waits for this painting, nor for the next one after a kill.
            await gets_a_sheet(boris, await boris.sends(photo(120, 160)))
            killed = painter_client.pid
            os.kill(killed, signal.SIGKILL)
            await gone(killed)
            await gets_a_sheet(boris, await boris.sends(photo(120, 160)))
            await anna.press(painting, "Cancel")
            await anna.hears("Cancelled.", after=sheet)
