"""Sketches on other machines: wanted at once, drawn beside the job of a painter, dropped when late."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from pathlib import Path
from typing import Dict, Mapping, Set

from bot.errors import BotError, FleetError, PaintingFailed
from bot.painting.client import PainterClient
from bot.painting.fleet.link import Link
from bot.painting.fleet.messages import LONGEST, Sketch, Sketched
from bot.painting.fleet.pictures import Bucket, inside, working_folder
from bot.painting.fleet.roster import Painter
from bot.painting.fleet.subjects import from_painter, to_painter
from bot.painting.protocol import SketchRequest
from bot.threads import held_on_thread

_log = logging.getLogger(__name__)


class SketchOrders:
    """The bot's side: the sketches that painters have been asked for."""

    def __init__(self, link: Link, run: str) -> None:
        self._link = link
        self._run = run
        self._numbers = itertools.count(1)
        self._asked: Dict[str, asyncio.Future[Sketched]] = {}

    def hear(self, message: Sketched) -> None:
        """Take an answer; one that nobody waits for any more is dropped."""
        answer = self._asked.get(message.sketch)
        if answer is not None and not answer.done():
            answer.set_result(message)

    async def sketch(self, painter: Painter, request: SketchRequest, *, within: float) -> None:
        """Have `painter` sketch, as `PainterClient.sketch` does; raises `PaintingFailed`."""
        bucket = Bucket(self._link, painter.name)
        sketch = f"{self._run}-sketch-{next(self._numbers)}"
        self._asked[sketch] = asyncio.get_running_loop().create_future()
        drawing = asyncio.ensure_future(self._draw(painter, bucket, sketch, request, within))
        try:
            done, _ = await asyncio.wait({drawing}, timeout=within)
            if not done:
                text = f"A sketch of {painter.name} was not there within {within:.3g} s."
                raise PaintingFailed(text, retriable=True)
            drawing.result()
        except FleetError as error:
            raise PaintingFailed(str(error), retriable=True) from error
        finally:
            drawing.cancel()
            del self._asked[sketch]

    async def _draw(
        self, painter: Painter, bucket: Bucket, sketch: str, request: SketchRequest, within: float
    ) -> None:
        names, styles = await bucket.put_all(request.inputs, sketch, painter.about.styles)
        files = {name for name in names.values() if name not in styles}
        output = names[request.output] = f"{sketch}.jpg"
        try:
            message = request.with_paths(names.__getitem__).to_message()
            wanted = Sketch(sketch, within, message, styles)
            await self._link.send(to_painter(painter.name), wanted)
            answer = await self._asked[sketch]
            if answer.file is None:
                raise PaintingFailed(answer.message, retriable=False)
            files.add(output)
            await bucket.get(output, Path(request.output))
        finally:
            await _remove(bucket, files)


async def draw(
    message: Sketch,
    client: PainterClient,
    link: Link,
    bucket: Bucket,
    *,
    styles: Mapping[str, Path],
    backend: str,
) -> None:
    """The painter's side: draw a sketch and send it, or why there is none.

    `styles` are the painter's own by their SHA-256.
    """
    deadline = time.monotonic() + message.within
    try:
        async with held_on_thread(working_folder()) as folder:
            request = SketchRequest.from_message(message.request)
            own = {name: styles.get(digest) for name, digest in message.styles.items()}
            paths = await bucket.get_all(request.inputs, folder, own)
            moved = request.with_paths(lambda each: paths.get(each) or inside(folder, each))
            left = max(deadline - time.monotonic(), 0.0)
            await client.sketch(moved.with_backend(backend), within=left)
            await bucket.put(request.output, Path(moved.output))
        answer = Sketched(message.sketch, request.output)
    except (BotError, OSError, KeyError, TypeError, ValueError) as error:
        _log.info("The sketch %s is not drawn: %s", message.sketch, error)
        answer = Sketched(message.sketch, message=str(error)[:LONGEST])
    await link.send(from_painter(link.user), answer)


async def _remove(bucket: Bucket, files: Set[str]) -> None:
    try:
        await bucket.remove(files)
    except FleetError as error:
        _log.info("The files of a sketch stay for an hour: %s", error)
