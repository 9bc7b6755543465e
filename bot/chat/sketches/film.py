"""The film under a result: how the picture was painted, from the sketch to the last stroke."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError
from aiogram.types import FSInputFile
from aiogram.utils.i18n import I18n
from aiogram.utils.i18n import gettext as _
from PIL import Image

from bot.background import Background
from bot.chat.replies import in_topic, send, with_retries
from bot.storage.results import Results
from bot.telegram.error_text import error_text
from bot.threads import on_thread
from runtime.errors import JetbrushError
from runtime.video.writing import write_video

_log = logging.getLogger(__name__)

#: Frames per second, and the longer side in pixels.
FPS, SIDE = 25, 720

#: The seconds of the whole film, of the sketch at its beginning and of the result at its end.
WHOLE, FIRST, LAST = 5.5, 0.6, 1.3


class Films:
    """Makes films of kept stages, once each, and sends them in the background."""

    def __init__(self, bot: Bot, i18n: I18n, results: Results) -> None:
        self._bot = bot
        self._i18n = i18n
        self._results = results
        # One after the other: a film takes the processor for seconds.
        self._making = asyncio.Lock()
        self.work = Background()

    def has(self, job_id: int) -> bool:
        """Whether there is a result and at least one stage before it; it looks at the disk."""
        return self._results.path(job_id).exists() and bool(self._results.stages(job_id))

    def begin(self, job_id: int, place: Dict[str, Any], language: str) -> None:
        """Make the job's film and send it to a place of `bot.chat.replies`."""
        self.work.start(self._make_and_send(job_id, place, language))

    async def _make_and_send(self, job_id: int, place: Dict[str, Any], language: str) -> None:
        path = self._results.film(job_id)
        with self._i18n.context(), self._i18n.use_locale(language):
            try:
                async with self._making:
                    if not path.exists():
                        stages = self._results.stages(job_id)
                        await on_thread(make_film, stages, self._results.path(job_id), path)
                film = FSInputFile(path, filename="jetbrush.mp4")
                await with_retries(
                    lambda: in_topic(
                        place, lambda there: self._bot.send_animation(animation=film, **there)
                    )
                )
            except (JetbrushError, OSError) as error:
                _log.error("Job %d has no film: %s", job_id, error)
                await send(self._bot, place, _("Sorry, I couldn't make a film of this picture."))
            except TelegramAPIError as error:
                _log.warning("The film of job %d is not sent: %s", job_id, error_text(error))


def make_film(stages: Sequence[Path], result: Path, path: Path) -> None:
    """Write the film of the pictures `stages` and of the `result` as an MP4 at `path`.

    Raises `OSError` for a picture that is gone or damaged, `VideoError` or `VideoUnavailable`.
    """
    with Image.open(result) as image:
        last = image.convert("RGB")
    last.thumbnail((SIDE, SIDE))
    pictures = [*(_opened(each, last) for each in stages), last]
    write_video(_frames(pictures), path, FPS)


def _opened(path: Path, like: Image.Image) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB").resize(like.size, Image.Resampling.LANCZOS)


def _frames(pictures: List[Image.Image]) -> Iterator[Image.Image]:
    """Each picture fades into the next one."""
    yield from [pictures[0]] * round(FIRST * FPS)
    fading = round((WHOLE - FIRST - LAST) * FPS)
    for frame in range(fading):
        place = frame / fading * (len(pictures) - 1)
        index = int(place)
        yield Image.blend(pictures[index], pictures[index + 1], place - index)
    yield from [pictures[-1]] * round(LAST * FPS)
