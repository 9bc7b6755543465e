"""The position of a photo in the input picture of a graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

import numpy as np
from PIL import Image

from runtime.imaging.limits import LEAST_SIDE
from runtime.imaging.reading import to_array
from runtime.spec.engines import Size, best_shape


@dataclass(frozen=True)
class Frame:
    """A frame of `size` with the photo, scaled to `inner`, in its middle; both (width, height).

    The photo is continued by reflection up to the frame; plain bars would affect the painting.
    """

    size: Size
    inner: Size

    def put(self, photo: Image.Image) -> np.ndarray:
        """The photo in its frame, float32 [1, 3, H, W] in [0, 1]."""
        scaled = to_array(photo.resize(self.inner, Image.Resampling.LANCZOS))
        sides = [
            (start, whole - part - start)
            for whole, part, start in zip(self.size, self.inner, self.start)
        ]
        return np.pad(scaled, ((0, 0), (0, 0), sides[1], sides[0]), mode="reflect")

    def cut(self, picture: np.ndarray) -> np.ndarray:
        """The photo's part of a picture [1, 3, H, W] of the frame's size."""
        left, top = self.start
        width, height = self.inner
        return picture[:, :, top : top + height, left : left + width]

    @property
    def start(self) -> Size:
        """How far the photo is from the frame's left and upper edge."""
        width, height = (whole - part for whole, part in zip(self.size, self.inner))
        return width // 2, height // 2


def frame_for(
    photo: Size, *, longest: int, multiple: int, margin: int = 0, sizes: Sequence[Size] = ()
) -> Frame:
    """The frame for a photo of this (width, height), which keeps its aspect ratio.

    sizes: the only sizes that the graph can run at; the one that the photo fills most is chosen.
        If it is empty, the longer side of the frame is about `longest`, and both sides are
        multiples of `multiple`.
    margin: the minimum number of pixels around the photo.
    """
    if sizes:
        size = best_shape(*photo, sizes)
        scale = min((whole - 2 * margin) / side for whole, side in zip(size, photo))
        inner = _scaled(photo, scale)
        return Frame(size, (min(inner[0], size[0]), min(inner[1], size[1])))
    inner = _scaled(photo, (longest - 2 * margin) / max(photo))
    width, height = (_next(max(side + 2 * margin, LEAST_SIDE), multiple) for side in inner)
    return Frame((width, height), inner)


def _scaled(size: Size, scale: float) -> Size:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _next(side: int, multiple: int) -> int:
    return -(-side // multiple) * multiple
