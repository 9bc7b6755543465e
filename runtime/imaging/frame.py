"""The position of a photo in the input picture of a graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence, Tuple

import numpy as np
from PIL import Image

from runtime.imaging.limits import LEAST_SIDE
from runtime.imaging.reading import to_array
from runtime.spec.engines import Size

#: By how much a photo's aspect may be changed to fill an engine's picture. The painting is changed
#: back: a painted circle becomes 1.2 times as wide as high at most.
STRETCH = 1.2

#: Sides that differ by less are near each other, and aspects that differ by less are the same.
_REACH, _SAME_ASPECT = 1.3, 1.03


@dataclass(frozen=True)
class Frame:
    """A frame of `size` with the photo, scaled to `inner`, in its middle; both (width, height).

    The photo is continued by reflection up to the frame; plain bars would affect the painting.
    """

    size: Size
    inner: Size

    def put(self, photo: Image.Image) -> np.ndarray:
        """The photo in its frame, float32 [1, 3, H, W] in [0, 1]."""
        return to_array(self.picture(photo))

    def picture(self, photo: Image.Image) -> Image.Image:
        """The photo, RGB, in its frame."""
        scaled = np.asarray(photo.resize(self.inner, Image.Resampling.LANCZOS))
        across, down = (
            (start, whole - part - start)
            for whole, part, start in zip(self.size, self.inner, self.start)
        )
        return Image.fromarray(np.pad(scaled, (down, across, (0, 0)), mode="reflect"))

    def cut(self, picture: np.ndarray) -> np.ndarray:
        """The photo's part of a picture [1, 3, H, W] of the frame's size."""
        left, top = self.start
        width, height = self.inner
        return picture[:, :, top : top + height, left : left + width]

    @property
    def box(self) -> Tuple[int, int, int, int]:
        """Left, top, right, bottom of the photo in the frame, as Pillow has boxes."""
        left, top = self.start
        return left, top, left + self.inner[0], top + self.inner[1]

    @property
    def start(self) -> Size:
        """How far the photo is from the frame's left and upper edge."""
        width, height = (whole - part for whole, part in zip(self.size, self.inner))
        return width // 2, height // 2


def frame_for(
    photo: Size,
    *,
    longest: int,
    multiple: int,
    margin: int = 0,
    sizes: Sequence[Size] = (),
    stretch: float = STRETCH,
) -> Frame:
    """The frame for a photo of this (width, height).

    sizes: the only sizes that the graph can run at. Of those whose longer side is near `longest`,
        or as near as any, the one of the nearest aspect is chosen. The photo's aspect is changed by up to
        `stretch` to fill it.
        If it is empty, the photo keeps its aspect, the longer side of the frame is about `longest`,
        and both sides are multiples of `multiple`.
    margin: the minimum number of pixels around the photo.
    """
    if sizes:
        size = _nearest(photo, longest, margin, sizes)
        return Frame(size, _filling(photo, _room(size, margin), stretch))
    inner = _scaled(photo, (longest - 2 * margin) / max(photo))
    width, height = (_next(max(side + 2 * margin, LEAST_SIDE), multiple) for side in inner)
    return Frame((width, height), inner)


def _nearest(photo: Size, longest: int, margin: int, sizes: Sequence[Size]) -> Size:
    def distance(size: Size) -> int:
        return abs(max(size) - longest)

    def bend(size: Size) -> float:
        return _mismatch(photo, _room(size, margin))

    # Squares have smaller sides than other sizes of as many pixels.
    nearest = min(sizes, key=distance)
    side = max(nearest)
    near = [each for each in sizes if side / _REACH <= max(each) <= side * _REACH]
    # Rounding gives the same aspect slightly different values at other sides.
    limit = min(map(bend, near)) * _SAME_ASPECT
    return min((each for each in near if bend(each) <= limit), key=lambda e: (distance(e), bend(e)))


def _filling(photo: Size, room: Size, stretch: float) -> Size:
    """The room, or its part of which the photo's aspect differs by `stretch`."""
    excess = max(1.0, _mismatch(photo, room) / stretch)
    width, height = room
    if photo[0] * height > photo[1] * width:
        return width, max(1, round(height / excess))
    return max(1, round(width / excess)), height


def _room(size: Size, margin: int) -> Size:
    return size[0] - 2 * margin, size[1] - 2 * margin


def _mismatch(photo: Size, room: Size) -> float:
    """How many times wider, or higher, one is than the other; at least 1."""
    ratio = (photo[0] * room[1]) / (photo[1] * room[0])
    return max(ratio, 1 / ratio)


def _scaled(size: Size, scale: float) -> Size:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _next(side: int, multiple: int) -> int:
    return -(-side // multiple) * multiple
