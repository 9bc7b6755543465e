"""Maps of where a painting stays close to the photo: around faces, or in the white of a mask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

import numpy as np
from PIL import Image

from runtime.imaging.tones import largest, to_8_bits, white_of
from runtime.spec.engines import Size

#: The ellipse around a face, in units of the detector's box, which ends at the chin and in the
#: upper forehead: how far its centre is above the box's, and its semi-axes where the map begins to
#: fall and where it is 0.
_RAISED = 0.06
_INNER = (0.48, 0.54)
_OUTER = (0.68, 0.76)


@dataclass(frozen=True)
class Face:
    """A face's box in pixels of the picture, and the detector's score in [0, 1].

    The box of a face that the picture's edge cuts off reaches beyond the edge.
    """

    left: float
    top: float
    width: float
    height: float
    score: float


def face_map(faces: Sequence[Face], picture_size: Size, size: Size) -> np.ndarray:
    """The map of `faces`, found in a picture of `picture_size`, as float32 [H, W] in [0, 1].

    Sizes are (width, height); `size` is that of the map. It is 1 on a face, 0 away from all of
    them, and falls smoothly between two ellipses. Where faces overlap, the larger value counts.
    """
    width, height = size
    result = np.zeros((height, width), np.float32)
    across, down = width / picture_size[0], height / picture_size[1]
    for face in faces:
        middle_x = (face.left + face.width / 2) * across
        middle_y = (face.top + face.height * (0.5 - _RAISED)) * down
        x = (np.arange(width) + 0.5 - middle_x) / (face.width * across)
        y = (np.arange(height) + 0.5 - middle_y) / (face.height * down)
        columns = np.flatnonzero(np.abs(x) < _OUTER[0])
        rows = np.flatnonzero(np.abs(y) < _OUTER[1])
        if not len(columns) or not len(rows):
            continue
        box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        result[box] = np.maximum(result[box], _ellipse(x[columns], y[rows]))
    return result


def mask_map(mask: Image.Image, size: Size) -> np.ndarray:
    """A mask of any mode and size as a map of `size` (width, height), float32 [H, W] in [0, 1].

    White is 1, black is 0, and so is what is transparent.
    """
    if mask.mode in ("I", "F") or mask.mode.startswith("I;16"):
        # Pillow's own conversion clips at 255.
        values = np.asarray(mask)
        white = white_of(largest(values), fractions=mask.mode == "F")
        mask = Image.fromarray(to_8_bits(values, white))
    shown = mask.convert("RGBA")
    alpha = shown.getchannel("A")
    grey = Image.composite(shown.convert("L"), Image.new("L", mask.size), alpha)
    # Unlike Lanczos it does not overshoot.
    scaled = grey.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(scaled, np.float32) / np.float32(255)


def _ellipse(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """1 inside the inner ellipse, 0 outside the outer one, at `y` below and `x` right of the middle."""
    inner, outer = (
        np.hypot(x[None] / across, y[:, None] / down) for across, down in (_INNER, _OUTER)
    )
    # The share of the way from the inner ellipse to the outer one, along the ray from the middle.
    way = np.clip((inner - 1) / np.maximum(inner - outer, 1e-9), 0, 1)
    return (1 - way * way * (3 - 2 * way)).astype(np.float32)
