"""Whether what a painter sent is the picture that was wanted: another machine is not trusted."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Optional, Tuple

from bot.errors import PaintingFailed
from bot.painting.protocol import PaintRequest, PaintResult

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: What Pillow tells the size of in Python alone: no decoder meets a stranger's photo in the bot.
_PLAIN_FORMATS = ("JPEG", "PNG")

Size = Tuple[int, int]


def check_result(request: PaintRequest, result: PaintResult) -> None:
    """See that the request's output is a sound PNG of the size that is said, and of the photo's.

    Other files, such as films, are only not empty. Raises `PaintingFailed`, and `OSError` of the disk.
    """
    output = Path(request.output)
    if output.suffix != ".png":
        if output.stat().st_size == 0:
            raise PaintingFailed("The painter sent an empty file.", retriable=True)
        return
    size = _png_size(output.read_bytes())
    if size is None:
        raise PaintingFailed("The painter sent something that is no picture.", retriable=True)
    said, wanted = (result.width, result.height), _photo_size(Path(request.photo))
    # A photo may lie on its side.
    fits = wanted is None or size in (wanted, wanted[::-1])
    if size != said or not fits:
        raise PaintingFailed(
            f"The painter sent a picture of {size[0]}x{size[1]} pixels, called {said[0]}x{said[1]},"
            f" of a photo of {wanted}.",
            retriable=True,
        )


def _png_size(data: bytes) -> Optional[Size]:
    """Width and height of a PNG whose parts are all there; `None` if they are not."""
    if not data.startswith(_SIGNATURE):
        return None
    size, place = None, len(_SIGNATURE)
    while place + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        end = place + 8 + length
        content = data[place + 8 : end]
        if data[end : end + 4] != struct.pack(">I", zlib.crc32(kind + content)):
            return None
        if kind == b"IHDR" and length == 13:
            size = struct.unpack(">II", content[:8])
        if kind == b"IEND":
            return size
        place = end + 4
    return None


def _photo_size(photo: Path) -> Optional[Size]:
    """Width and height of the photo as it is stored; `None` for formats that only a decoder knows."""
    from PIL import Image

    try:
        with Image.open(photo, formats=_PLAIN_FORMATS) as image:
            return image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
