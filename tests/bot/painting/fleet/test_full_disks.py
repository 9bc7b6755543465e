"""A full disk: a painter's, the server's, and the bot's."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bot.errors import PainterLost, PaintingFailed
from bot.painting.fleet import pictures
from runtime.files import atomic_write
from tests.support.fleet.painter_process import PainterProcess
from tests.support.fleet.painters import HANG

#: Bytes; less than the photo has, and more than what a painter writes besides.
ROOM = 100_000


def large_request(office):
    """A photo of 230 kB: noise cannot be compressed."""
    request = office.request()
    noise = np.random.default_rng(1).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    Image.fromarray(noise).save(request.photo, "PNG")
    return request


async def test_a_painter_with_a_full_disk_rests_and_another_one_paints(office, server, tmp_path):
    full = PainterProcess("full", tmp_path, room=ROOM, nats_url=server.url)
    full.start()
    try:
        request = large_request(office)
        with pytest.raises(PaintingFailed, match="File too large") as caught:
            await office.paint(request)
        assert caught.value.retriable and not office.fleet.idle
        office.hire("desktop")
        assert (await asyncio.wait_for(office.paint(request), HANG))[0] == "desktop"
    finally:
        full.kill()


async def test_a_full_server_costs_no_attempt(office, monkeypatch):
    monkeypatch.setattr(pictures, "ROOM", ROOM)
    nano = office.hire("nano")
    with pytest.raises(PainterLost, match="cannot be given the job") as caught:
        await office.paint(large_request(office))
    assert not caught.value.counts and nano.requests == []
    await office.no_files("nano")
    assert (await asyncio.wait_for(office.paint(), HANG))[0] == "nano"


class FullDisk:
    """The bot's disk, without room for files whose path has `part`."""

    def __init__(self, monkeypatch, part):
        self._part = part
        monkeypatch.setattr(pictures, "atomic_write", self._write)

    def _write(self, path, *, durable):
        if self._part in Path(path).name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return atomic_write(path, durable=durable)


async def test_a_result_without_room_here_is_a_fault_of_this_disk(office, monkeypatch):
    nano = office.hire("nano")
    FullDisk(monkeypatch, "painted.png")
    with pytest.raises(OSError, match="No space"):
        await office.paint()
    await office.no_files("nano")
    # The painter is not to blame, and need not rest.
    monkeypatch.undo()
    assert (await asyncio.wait_for(office.paint(), HANG))[0] == "nano"
    assert office.fleet.states()[0].failed == 0 and len(nano.requests) == 2


async def test_a_preview_without_room_here_is_left_out(office, monkeypatch):
    office.hire("nano")
    FullDisk(monkeypatch, "preview.jpg")
    heard = []
    await asyncio.wait_for(office.paint(heard=heard), HANG)
    assert heard == []
