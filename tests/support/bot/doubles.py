"""Stand-ins for what the bot works with."""

from __future__ import annotations

import asyncio
import zlib
from operator import mul
from pathlib import Path

from PIL import Image

from bot.errors import PaintingFailed, PictureRefused
from bot.outcomes import PictureRole
from bot.painting.protocol import PaintProgress, PaintResult
from bot.painting.reading import REASONS
from runtime.imaging.reading import read_picture
from runtime.sheets import numbered_sheet

STEPS = 10


def mean_colour(image):
    """The mean (red, green, blue) of a picture, each from 0 to 255."""
    return image.convert("RGB").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))


def model_colour(model):
    """The colour that stands for a generator: another for each name."""
    return tuple(zlib.crc32(model.encode()).to_bytes(4, "big")[:3])


def painted_by_double(photo, colour):
    """What `FakePainterClient` makes of a photo: halfway to the colour of its style or its model."""
    return Image.blend(photo.convert("RGB"), Image.new("RGB", photo.size, colour), 0.5)


def _blend(colours, weights):
    """The mean of the colours by weight."""
    return tuple(round(sum(map(mul, channel, weights)) / sum(weights)) for channel in zip(*colours))


class FakePainterClient:
    """`PainterClient` in this process, at once: the photo, halfway to the mean colour of the styles.

    Pictures at fault are refused as by the real one. `requests` are those begun, `cancelled` those
    stopped. Between `hold` and `release` every request stops halfway, after a progress with preview.
    Sketches are drawn at once where `sketching` is set, painted or not; `sketched` are their requests.
    """

    def __init__(self):
        self.requests = []
        self.cancelled = []
        self.errors = []
        self.closed = False
        self.sketching = False
        self.sketched = []
        self._lock = asyncio.Lock()
        self._released = asyncio.Event()
        self._released.set()

    def hold(self):
        self._released.clear()

    def release(self):
        self._released.set()

    def fail(self, *errors):
        """Let the next requests end in these, one each, once they are halfway; None lets one pass."""
        self.errors.extend(errors)

    async def start(self):
        pass

    async def close(self):
        self.closed = True

    async def submit(self, request, *, on_progress):
        loop = asyncio.get_running_loop()
        async with self._lock:
            self.requests.append(request)
            error = self.errors.pop(0) if self.errors else None
            try:
                painted = await loop.run_in_executor(None, self._paint, request)
                on_progress(PaintProgress(share=0.1, step=1, steps=STEPS))
                await loop.run_in_executor(None, self._save_preview, request, painted)
                half = STEPS // 2
                on_progress(
                    PaintProgress(share=0.5, step=half, steps=STEPS, preview=request.preview)
                )
                await self._released.wait()
                if error is not None:
                    raise error
                await loop.run_in_executor(None, painted.save, request.output)
            except asyncio.CancelledError:
                self.cancelled.append(request)
                raise
            return PaintResult(seconds=0.1, steps=STEPS, width=painted.width, height=painted.height)

    async def sketch(self, request, *, within):
        self.sketched.append(request)
        if not self.sketching:
            raise PaintingFailed("This painter sketches nothing.", retriable=False)
        await asyncio.get_running_loop().run_in_executor(None, self._sketch, request)

    def _sketch(self, request):
        photo = self._read(PictureRole.PHOTO, request.photo)
        photo.thumbnail((request.options.size,) * 2)
        drawn = [
            painted_by_double(photo, mean_colour(self._read(PictureRole.STYLE, look[0].path)))
            for look in request.looks
        ]
        picture = numbered_sheet(drawn) if len(drawn) > 1 else drawn[0]
        picture.save(request.output, "JPEG")

    def _paint(self, request):
        photo = self._read(PictureRole.PHOTO, request.photo)
        if request.model is not None:
            return painted_by_double(photo, model_colour(request.model))
        colours = [mean_colour(self._read(PictureRole.STYLE, path)) for path, _ in request.styles]
        weights = [weight for _, weight in request.styles]
        return painted_by_double(photo, _blend(colours, weights))

    def _read(self, picture, path):
        try:
            return read_picture(Path(path))
        except tuple(REASONS) as error:
            raise PictureRefused(str(error), picture, REASONS[type(error)]) from error

    def _save_preview(self, request, painted):
        painted.resize((32, 32)).save(request.preview, "JPEG")
