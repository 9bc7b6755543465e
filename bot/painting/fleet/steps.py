"""The steps of a painting on their way from a painter to the bot."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any, Dict

from bot.errors import FleetError
from bot.painting.fleet.link import Link
from bot.painting.fleet.messages import Step
from bot.painting.fleet.pictures import Bucket
from bot.painting.fleet.subjects import from_painter
from bot.painting.protocol import PaintProgress

_log = logging.getLogger(__name__)


class Steps:
    """Sends the steps of one painting; of those that wait, only what is still new."""

    def __init__(self, job: str, link: Link, bucket: Bucket) -> None:
        self._job = job
        self._link = link
        self._bucket = bucket
        self._count = 0
        self._files: Dict[str, Path] = {}
        self._values: Dict[str, Any] = {}
        self._new = self._ended = False
        self._changed = asyncio.Event()

    def add(self, progress: PaintProgress) -> None:
        """Take a step; a file in it, such as a preview, stays wanted until it is sent."""
        for field, value in vars(progress).items():
            if isinstance(value, Path):
                self._files[field] = value
            else:
                self._values[field] = value
        self._new = True
        self._changed.set()

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
            step = Step(self._job, self._count, values, names)
            await self._link.send(from_painter(self._link.user), step)

    async def _store(self, path: Path) -> str:
        name = f"{self._job}-{self._count}-{path.name}"
        await self._bucket.put(name, path)
        return name
