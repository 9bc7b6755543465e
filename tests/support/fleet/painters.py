"""A bot's fleet and its painters in one process, with painters that paint nothing."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

from PIL import Image

from bot.metrics import Metrics
from bot.painting.fleet.dispatch import Fleet
from bot.painting.fleet.link import Link
from bot.painting.fleet.messages import About
from bot.painting.fleet.painter import FleetPainter
from bot.painting.painters import Needs
from bot.painting.protocol import PaintProgress, PaintRequest, PaintResult, StyleFile
from runtime import StylizeOptions
from tests.support.bot.stage import jpeg, plain

#: Seconds; long enough for a machine that other tests hold up.
LEASE = 20.0
PREVIEW = jpeg(plain("grey", (60, 40)))
#: A job that any painter can do.
ANY = Needs()
HANG = 60.0


class Client:
    """Instead of `PainterClient`: the photo itself, after `seconds`, between `hold` and `release`."""

    backend = "fake"

    def __init__(self, seconds=0.0):
        self.seconds = seconds
        self.requests, self.cancelled, self.errors = [], [], []
        self.began = asyncio.Event()
        self._released = asyncio.Event()
        self._released.set()
        self.change = lambda picture: picture

    def hold(self):
        self._released.clear()

    def release(self):
        self._released.set()

    async def sketch(self, request, *, within):
        if self.errors:
            raise self.errors.pop(0)
        Path(request.output).write_bytes(PREVIEW)

    async def submit(self, request, *, on_progress):
        self.requests.append(request)
        self.began.set()
        try:
            Path(request.preview).write_bytes(PREVIEW)
            on_progress(PaintProgress(share=0.5, step=5, steps=10, preview=request.preview))
            await asyncio.sleep(self.seconds)
            await self._released.wait()
            if self.errors:
                raise self.errors.pop(0)
            with Image.open(request.photo) as photo:
                picture = self.change(photo.convert("RGB"))
            picture.save(request.output)
            return PaintResult(self.seconds, 10, picture.width, picture.height)
        except asyncio.CancelledError:
            self.cancelled.append(request)
            raise


class Machine:
    """Instead of `about.Machine`: what the test says of it."""

    def __init__(self, own_styles=None, **about):
        self.styles = own_styles or {}
        self._about = about

    def describe(self, backend, seconds):
        given = {
            "largest": 4096,
            "sketches": True,
            "videos": True,
            "styles": tuple(self.styles),
            **self._about,
        }
        return About(backend=backend, seconds=seconds, **given)


class Office:
    """A fleet, its painters, and photos to paint."""

    def __init__(self, url, folder, lease=LEASE, credentials=lambda name: None):
        self.url, self.folder, self.lease, self._credentials = url, folder, lease, credentials
        self.metrics = Metrics()
        self.painters = {}
        self.fleet = None
        self._changed = asyncio.Event()
        self._count = 0

    async def open(self, own=None):
        link = Link(self.url, "bot", self._credentials("bot"))
        self.fleet = Fleet(link, metrics=self.metrics.fleet, lease=self.lease, own=own)
        self.fleet.listen(self._changed.set)
        await self.fleet.start()

    async def close(self):
        for name in list(self.painters):
            await self.stop(name)
        await self.fleet.close()

    def hire(self, name, client=None, **about):
        """Start a painter; returns what it paints with."""
        client = client or Client()
        machine = Machine(**about)
        painter = FleetPainter(
            Link(self.url, name, self._credentials(name)), client, machine, "auto"
        )
        self.painters[name] = asyncio.ensure_future(painter.run())
        return client

    async def stop(self, name):
        task = self.painters.pop(name)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def reserve(self, needs=ANY):
        """A painter, as soon as one is free."""
        deadline = time.monotonic() + HANG
        while True:
            self._changed.clear()
            place = self.fleet.reserve(needs)
            if place is not None:
                return place
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._changed.wait(), 0.2)
            assert time.monotonic() < deadline, "no painter is free"

    def request(self, size=(60, 40), styles=()):
        self._count += 1
        folder = self.folder / str(self._count)
        folder.mkdir()
        Image.new("RGB", size, (self._count % 256, 90, 10)).save(folder / "photo.png")
        return PaintRequest(
            photo=str(folder / "photo.png"),
            output=str(folder / "painted.png"),
            previews=str(folder),
            options=StylizeOptions(size=64),
            styles=tuple(StyleFile(str(path)) for path in styles),
        )

    async def paint(self, request=None, needs=ANY, heard=None):
        """Have a picture painted; returns the painter's name and the result."""
        place = await self.reserve(needs)
        heard = [] if heard is None else heard
        try:
            result = await place.submit(request or self.request(), on_progress=heard.append)
            return place.painter, result
        finally:
            place.leave()

    async def no_files(self, name):
        """Wait until the painter's bucket is empty."""
        deadline = time.monotonic() + HANG
        while (await self.fleet._link.js.stream_info(f"OBJ_jetbrush-{name}")).state.messages:
            assert time.monotonic() < deadline, f"{name} has files"
            await asyncio.sleep(0.02)
