"""What Telegram tells of a moving picture: its width, height and length, read off its file."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Iterator, NamedTuple, Tuple

from PIL import Image

#: The kinds of messages with a moving picture.
MOVING = ("animation", "video", "video_note")

#: The boxes of MP4 files that lead to those with sizes and lengths.
_FOLDERS = (b"moov", b"trak")


class Measures(NamedTuple):
    """Width and height in pixels, as it is shown, and seconds; 0 where the file does not say."""

    width: int
    height: int
    seconds: float


def measures(data: bytes) -> Measures:
    """The measures of a GIF or an MP4 file; of anything else all are 0."""
    if data.startswith(b"GIF8"):
        return _of_gif(data)
    width = height = 0
    seconds = 0.0
    try:
        for kind, box in _boxes(data):
            if kind == b"mvhd":
                scale, length = struct.unpack(">II", box[12:20])
                seconds = length / (scale or 1)
            elif kind == b"tkhd" and not width:
                # The first track with a size is the picture; its matrix may turn it.
                turned = struct.unpack(">i", box[40:44]) == (0,)
                sides = [side >> 16 for side in struct.unpack(">II", box[76:84])]
                width, height = reversed(sides) if turned else sides
    except struct.error:
        return Measures(0, 0, 0)
    return Measures(width, height, seconds)


def _boxes(data: bytes) -> Iterator[Tuple[bytes, bytes]]:
    """The kind and the content of each box, those inside the folders too."""
    start = 0
    while start + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[start : start + 8])
        if size < 8:
            return
        content = data[start + 8 : start + size]
        if kind in _FOLDERS:
            yield from _boxes(content)
        else:
            yield kind, content
        start += size


def _of_gif(data: bytes) -> Measures:
    seconds = 0.0
    try:
        with Image.open(BytesIO(data)) as opened:
            for number in range(getattr(opened, "n_frames", 1)):
                opened.seek(number)
                seconds += opened.info.get("duration", 0) / 1000
            return Measures(opened.width, opened.height, seconds)
    except (OSError, ValueError, SyntaxError):
        return Measures(0, 0, 0)
