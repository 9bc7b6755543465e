"""Overlapping tiles that cover a picture which is too large to paint at once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Tuple

import numpy as np

from runtime.spec.engines import Size

#: Pixels that neighbours share: in the middle half one painting passes into the other. No feature
#: of the classic objective reaches farther than 24 pixels, there and back.
OVERLAP = 64

#: The largest number of tiles side by side that is considered: for a panorama of 16384 pixels.
_MOST_TILES = 64


@dataclass(frozen=True)
class Tile:
    """A part of a picture: its left and top pixel, its (width, height), and what it shares.

    `before` is the number of pixels that the neighbours on the left and above share, `after` that
    of those on the right and below; 0 at the picture's edges.
    """

    left: int
    top: int
    size: Size
    before: Size
    after: Size

    @property
    def box(self) -> Tuple[int, int, int, int]:
        """Left, top, right, bottom in the picture, as Pillow has boxes."""
        width, height = self.size
        return self.left, self.top, self.left + width, self.top + height

    def cut(self, picture: np.ndarray) -> np.ndarray:
        """This part of a picture [..., H, W]."""
        left, top, right, bottom = self.box
        return picture[..., top:bottom, left:right]

    def share(self) -> np.ndarray:
        """The tile's share of each of its pixels, float32 [1, 1, H, W] in [0, 1].

        The shares of all tiles add up to 1. A tile has none of its outermost pixels where another
        has them too: the network's zero padding spoils them.
        """
        columns, rows = (
            _rising(length, before) * _rising(length, after)[::-1]
            for length, before, after in zip(self.size, self.before, self.after)
        )
        return (rows[:, None] * columns[None, :])[None, None]


def tiles_over(picture: Size, tile: Size) -> Tuple[Tile, ...]:
    """Tiles of size `tile`, row by row, that cover `picture`; both are (width, height).

    Neighbours share at least `OVERLAP` pixels, or half of a tile that is smaller than two of them.
    """
    columns, rows = (_starts(*pair) for pair in zip(picture, tile))
    return tuple(
        Tile(left, top, tile, (left_shared, top_shared), (right_shared, bottom_shared))
        for (top, top_shared, bottom_shared), (left, left_shared, right_shared) in product(
            rows, columns
        )
    )


def tile_size(picture: Size, most_pixels: int, multiple: int) -> Size:
    """The size of equal tiles of at most about `most_pixels` that cover `picture` with least work.

    `picture` itself if it has no more pixels; its sides must be multiples of `multiple`, as those
    of the result are.
    """
    if area(picture) <= most_pixels:
        return picture
    numbers = range(1, _MOST_TILES + 1)
    sizes = {each: _divided(picture, each, multiple) for each in product(numbers, numbers)}
    allowed = [each for each in sizes if area(sizes[each]) <= most_pixels]
    return sizes[min(allowed, key=lambda each: area(sizes[each]) * each[0] * each[1])]


def area(size: Size) -> int:
    """The number of pixels."""
    return size[0] * size[1]


def fits(inner: Size, outer: Size) -> bool:
    """Whether `inner` is nowhere larger than `outer`."""
    return inner[0] <= outer[0] and inner[1] <= outer[1]


def _divided(picture: Size, counts: Size, multiple: int) -> Size:
    """The size of `counts` tiles side by side that cover `picture`."""
    sides = (-(-(side + (count - 1) * OVERLAP) // count) for side, count in zip(picture, counts))
    width, height = (-(-side // multiple) * multiple for side in sides)
    return min(width, picture[0]), min(height, picture[1])


def _starts(picture: int, tile: int) -> Tuple[Tuple[int, int, int], ...]:
    """Each tile's first pixel along one side, and what it shares with its neighbours."""
    overlap = min(OVERLAP, tile // 2)
    count = 1 if tile >= picture else -(-(picture - overlap) // (tile - overlap))
    starts = [round(number * (picture - tile) / max(1, count - 1)) for number in range(count)]
    shared = [first + tile - second for first, second in zip(starts, starts[1:])]
    return tuple(zip(starts, [0, *shared], [*shared, 0]))


def _rising(length: int, shared: int) -> np.ndarray:
    """1, but 0 at the start and rising to 1 about the middle of the first `shared` pixels."""
    if not shared:
        return np.ones(length, np.float32)
    way = (np.arange(length, dtype=np.float32) + 0.5 - shared / 2) / (min(shared, OVERLAP) / 2)
    return np.clip(way + np.float32(0.5), 0, 1)
