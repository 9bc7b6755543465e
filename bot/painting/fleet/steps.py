"""The steps of a painting on their way from a painter to the bot."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from pathlib import Path
from typing import Any, Dict

from bot.errors import FleetError
from bot.painting.fleet.link import Link
from bot.painting.fleet.messages import Step, Work
from bot.painting.fleet.pictures import Bucket
from bot.painting.fleet.subjects import from_painter
from bot.painting.protocol import PaintProgress

_log = logging.getLogger(__name__)


class Steps:
    """Sends the steps of one painting; of those that wait, only what is still new."""

    def __init__(self, work: Work, link: Link, bucket: Bucket) -> None:
        self._work = work
        self._link = link
        self._bucket = bucket
        self._count = 0
        self._files: Dict[str, Path] = {}
        self._values: Dict[str, Any] = {}
        self._new = self._ended = False
        self._changed = asyncio.Event()
        # When the last wanted preview came, and the share of the work that was done.
        self._shown = -math.inf, 0.0

    def add(self, progress: PaintProgress) -> None:
        """Take a step; a file in it, such as a preview, stays wanted until it is sent."""
        is_wanted = self._wants(progress)
        for field, value in vars(progress).items():
            if isinstance(value, Path):
                if is_wanted:
                    self._files[field] = value
            else:
                self._values[field] = value
        self._new = True
        self._changed.set()

    def _wants(self, progress: PaintProgress) -> bool:
        """Whether the bot wants the step's preview, if there is one."""
        if progress.preview is None:
            return False
        now, (shown, share) = time.monotonic(), self._shown
        more = progress.share - share
        if now - shown < self._work.preview_seconds and more < self._work.preview_share:
            return False
        self._shown = now, progress.share
        return True

    def end(self) -> None:
        """There will be no more steps."""
        self._ended = True
        self._changed.set()

    async def send(self) -> None:
        """Send steps until the last one is sent, or until cancelled."""
        while self._new or not self._ended:
            await self._changed.wait()
            self._changed.clear()
            if not self._new:
                continue
            self._new = False
            self._count += 1
            files, self._files = self._files, {}
            values = {name: value for name, value in self._values.items() if name not in files}
            try:
                names = {field: await self._store(path) for field, path in files.items()}
            except (FleetError, OSError) as error:
                _log.info("A preview is left out: %s", error)
                names = {}
            step = Step(self._work.job, self._count, values, names)
            await self._link.send(from_painter(self._link.user), step)

    async def _store(self, path: Path) -> str:
        name = f"{self._work.job}-{self._count}-{path.name}"
        await self._bucket.put(name, path)
        return name
