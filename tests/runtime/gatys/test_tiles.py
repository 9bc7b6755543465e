"""Tiles: they cover the picture, their shares add up, and they are no larger than allowed."""

from __future__ import annotations

import numpy as np
import pytest

from runtime.gatys.tiles import OVERLAP, area, fits, tile_size, tiles_over

#: A picture and its tile: one, two and many, tiny ones, and a tile almost as large as the picture.
COVERS = [
    ((200, 100), (200, 100)),
    ((400, 300), (240, 184)),
    ((1000, 700), (688, 528)),
    ((1300, 96), (1280, 96)),
    ((700, 90), (128, 90)),
    ((129, 129), (128, 128)),
    ((90, 70), (20, 16)),
    ((3000, 2000), (637, 560)),
]


@pytest.mark.parametrize("picture, size", COVERS)
def test_shares_of_all_tiles_add_up_to_one_in_every_pixel(picture, size):
    total = np.zeros(picture[::-1])
    for tile in tiles_over(picture, size):
        left, top, right, bottom = tile.box
        assert left >= 0 and top >= 0 and right <= picture[0] and bottom <= picture[1]
        assert (right - left, bottom - top) == tile.size == size
        share = tile.share()
        assert share.shape == (1, 1, size[1], size[0]) and share.dtype == np.float32
        assert share.min() >= 0
        tile.cut(total)[...] += share[0, 0]
    assert np.abs(total - 1).max() < 1e-5


@pytest.mark.parametrize("picture, size", COVERS)
def test_neighbours_share_enough(picture, size):
    tiles = tiles_over(picture, size)
    for axis in (0, 1):
        starts = sorted({tile.box[axis] for tile in tiles})
        enough = min(OVERLAP, size[axis] // 2)
        assert starts[0] == 0 and starts[-1] + size[axis] == picture[axis]
        # Starts are rounded to whole pixels.
        assert all(a + size[axis] - b >= enough - 1 for a, b in zip(starts, starts[1:]))


def test_a_tile_has_no_share_of_pixels_that_the_padding_of_its_edge_spoils():
    first, second = tiles_over((400, 100), (240, 100))
    for edge in (first.share()[..., -16:], second.share()[..., :16]):
        assert not edge.any()
    for outer in (first.share()[..., :100], second.share()[..., -100:]):
        assert (outer == 1).all()


@pytest.mark.parametrize(
    "picture", [(4000, 3000), (3000, 4000), (1296, 976), (16384, 1024), (640, 16384), (8000, 64)]
)
def test_tiles_are_within_the_limit_at_little_waste(picture):
    size = tile_size(picture, 360_000, 4)
    assert area(size) <= 360_000 and fits(size, picture)
    assert all(side % 4 == 0 for side in size)
    # Wide overlaps and narrow tiles would paint many pixels twice.
    assert sum(area(tile.size) for tile in tiles_over(picture, size)) < 1.4 * area(picture)


def test_a_small_picture_is_one_tile():
    assert tile_size((600, 600), 360_000, 4) == (600, 600)
    (tile,) = tiles_over((600, 600), (600, 600))
    assert (tile.share() == 1).all()


def test_a_tile_is_cut_from_its_place():
    picture = np.arange(400 * 300).reshape(1, 1, 300, 400)
    for tile in tiles_over((400, 300), (240, 184)):
        left, top, right, bottom = tile.box
        assert np.array_equal(tile.cut(picture)[0, 0], picture[0, 0, top:bottom, left:right])
