"""Painted pictures and videos as Telegram takes them."""

from __future__ import annotations

import io
import logging
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Optional, Union

from aiogram.types import (
    BufferedInputFile,
    FSInputFile,
    InputFile,
    InputMediaAnimation,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaVideo,
)
from PIL import Image

from bot.storage.pictures import MediaKind
from bot.threads import on_thread
from runtime import MOST_SECONDS, VideoError, measure_video
from runtime.imaging.formats import WRITABLE


@dataclass(frozen=True)
class VideoNote:
    """A video that is shown round: Telegram gives it no caption, and no message becomes one."""

    media: InputFile
    duration: int
    length: int
    caption: Optional[str] = None


#: What a message may be turned into.
MessageMedia = Union[InputMediaPhoto, InputMediaDocument, InputMediaAnimation, InputMediaVideo]
Media = Union[MessageMedia, VideoNote]

#: core.telegram.org/bots/api#sendphoto
PHOTO_BYTES, PHOTO_SIDES, PHOTO_RATIO = 10_000_000, 10_000, 20
#: core.telegram.org/bots/api#senddocument; some room is left for the rest of the request.
DOCUMENT_BYTES = 49_000_000

NAME = "jetbrush"
_log = logging.getLogger(__name__)

_QUALITIES = (92, 80)
_JPEG_SIDE = WRITABLE[".jpg"].most_side


async def painted(
    path: Path, media_kind: MediaKind, caption: str, *, spoiler: bool = False
) -> Media:
    """The picture as the media kind that its photo came as; a document where it fits no photo.

    `path` is a PNG, or the MP4 of a moving kind; a `spoiler` is shown covered, which documents cannot
    be. Raises `FileNotFoundError` if it is gone.
    """
    if media_kind.is_moving and media_kind is not MediaKind.VIDEO_FILE:
        path.stat()
        with suppress(VideoError):
            return await _moving(path, media_kind, caption, spoiler=spoiler)
    if media_kind is MediaKind.PHOTO:
        data = await on_thread(_as_photo, path)
        if data is not None:
            file = BufferedInputFile(file=data, filename=f"{NAME}.jpg")
            return InputMediaPhoto(media=file, caption=caption, has_spoiler=spoiler)
    return InputMediaDocument(media=await document(path), caption=caption)


async def is_cut(path: Path) -> bool:
    """Whether the video at `path` shows only the beginning of another one."""
    try:
        measured = await on_thread(measure_video, path)
    except VideoError as error:
        _log.warning("%s", error)
        return False
    return round(measured.seconds, 1) >= MOST_SECONDS


async def document(path: Path) -> InputFile:
    """The picture as a file: the PNG or MP4 itself, or a JPEG where a PNG is too big to send.

    The JPEG is smaller than the picture where that has more than 65,500 pixels on a side.
    Raises `FileNotFoundError` if it is gone.
    """
    if path.stat().st_size <= DOCUMENT_BYTES or path.suffix != ".png":
        return FSInputFile(path=path, filename=f"{NAME}{path.suffix}")
    data = await on_thread(_as_jpeg, path, _QUALITIES[0])
    return BufferedInputFile(file=data, filename=f"{NAME}.jpg")


async def _moving(
    path: Path, media_kind: MediaKind, caption: str, *, spoiler: bool
) -> Union[InputMediaAnimation, InputMediaVideo, VideoNote]:
    file = FSInputFile(path=path, filename=f"{NAME}.mp4")
    width, height, seconds = await on_thread(measure_video, path)
    duration = max(1, round(seconds))
    if media_kind is MediaKind.VIDEO_NOTE and width == height:
        return VideoNote(file, duration, width)
    shape = {"width": width, "height": height, "duration": duration}
    shown: Dict[str, Any] = {"media": file, "caption": caption, "has_spoiler": spoiler, **shape}
    if media_kind is MediaKind.ANIMATION:
        return InputMediaAnimation(**shown)
    return InputMediaVideo(supports_streaming=True, **shown)


def _as_photo(path: Path) -> Optional[bytes]:
    with Image.open(path) as image:
        width, height = image.size
    if width + height > PHOTO_SIDES or max(width, height) > PHOTO_RATIO * min(width, height):
        return None
    for quality in _QUALITIES:
        data = _as_jpeg(path, quality)
        if len(data) <= PHOTO_BYTES:
            return data
    return None


def _as_jpeg(path: Path, quality: int) -> bytes:
    buffer = io.BytesIO()
    with Image.open(path) as image:
        # A JPEG holds no longer side; this leaves all others as they are.
        image.thumbnail((_JPEG_SIDE, _JPEG_SIDE))
        image.save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()
