"""Painted pictures as Telegram takes them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Optional, Union

from aiogram.types import (
    BufferedInputFile,
    FSInputFile,
    InputFile,
    InputMediaDocument,
    InputMediaPhoto,
)
from PIL import Image

from bot.storage.pictures import MediaKind
from bot.threads import on_thread
from runtime.imaging.formats import WRITABLE

Media = Union[InputMediaPhoto, InputMediaDocument]

#: core.telegram.org/bots/api#sendphoto
PHOTO_BYTES, PHOTO_SIDES, PHOTO_RATIO = 10_000_000, 10_000, 20
#: core.telegram.org/bots/api#senddocument; some room is left for the rest of the request.
DOCUMENT_BYTES = 49_000_000

NAME = "jetbrush"
_QUALITIES = (92, 80)
_JPEG_SIDE = WRITABLE[".jpg"].most_side


async def painted(
    path: Path, media_kind: MediaKind, caption: str, *, spoiler: bool = False
) -> Media:
    """The picture as the media kind that its photo came as; a document where it fits no photo.

    `path` is a PNG; a `spoiler` is shown covered, which documents cannot be. Raises `FileNotFoundError` if it is gone.
    """
    if media_kind is MediaKind.PHOTO:
        data = await on_thread(_as_photo, path)
        if data is not None:
            file = BufferedInputFile(file=data, filename=f"{NAME}.jpg")
            return InputMediaPhoto(media=file, caption=caption, has_spoiler=spoiler)
    return InputMediaDocument(media=await document(path), caption=caption)


async def document(path: Path) -> InputFile:
    """The picture as a file: the PNG itself, or a JPEG where that is too big to send.

    The JPEG is smaller than the picture where that has more than 65,500 pixels on a side.
    Raises `FileNotFoundError` if it is gone.
    """
    if path.stat().st_size <= DOCUMENT_BYTES:
        return FSInputFile(path=path, filename=f"{NAME}.png")
    data = await on_thread(_as_jpeg, path, _QUALITIES[0])
    return BufferedInputFile(file=data, filename=f"{NAME}.jpg")


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
