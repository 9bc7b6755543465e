"""The orientation of a photo, from its EXIF data, of which nothing else is read."""

from __future__ import annotations

import struct
from typing import Mapping

from PIL import Image

_TAG, _SHORT = 0x0112, 3

#: How to turn a picture upright, by the value of the tag; at 1 it is upright.
_TURNS: Mapping[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orientation(exif: bytes) -> int:
    """The value of the tag, from 1 to 8; 1 for data that are damaged or do not have it.

    `exif` is a block as JPEG, PNG, WebP, AVIF and HEIC hold it, with or without its identifier.
    """
    if exif.startswith(b"Exif\0\0"):
        exif = exif[6:]
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}4xI", exif)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for index in range(count):
            entry = struct.unpack_from(f"{order}HHIH", exif, start + 2 + 12 * index)
            if entry[:3] == (_TAG, _SHORT, 1) and entry[3] in _TURNS:
                return entry[3]
    except struct.error:
        pass
    return 1


def upright(image: Image.Image, value: int) -> Image.Image:
    """`image`, which has the orientation `value`, turned upright."""
    turn = _TURNS.get(value)
    return image if turn is None else image.transpose(turn)
