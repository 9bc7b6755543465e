"""The fine stage: tiles look like one picture, and what a caller sees of them."""

from __future__ import annotations

import threading
import tracemalloc
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from runtime.backends.fake import FakeBackend
from runtime.errors import Cancelled
from runtime.gatys.graphs import fine_graphs
from runtime.gatys.targets import WeightedStyle, style_grams
from runtime.options import StylizeOptions
from tests.support.pictures import photo
from tests.support.stages import UNTILED, job_for, opened, paint_fine, small_style

#: The frame of 216x160 is then painted in two times two tiles of 140x112.
FOUR_TILES = 16_000

#: In pixels of the photo, where the strokes of one tile pass into those of the next.
SEAMS = {1: slice(84, 116), 0: slice(56, 88)}


def sky_over_detail(width, height):
    """The upper third is of one colour."""
    picture = np.array(photo(width, height, "nagasaki-boats.jpg"))
    picture[: height // 3] = 150, 180, 220
    return Image.fromarray(picture)


@pytest.fixture(scope="module")
def before():
    return sky_over_detail(200, 144)


@pytest.fixture(scope="module")
def whole(before, engines):
    return paint_fine(job_for(before, steps=8), engines)


@pytest.fixture(scope="module")
def tiled(before, engines):
    return paint_fine(job_for(before, steps=8), engines, tile_pixels=FOUR_TILES)


def luminance(image):
    return np.asarray(image, float) @ [0.299, 0.587, 0.114]


def steps_between(image, axis):
    """The mean difference between neighbouring columns (axis 1) or rows."""
    return np.abs(np.diff(luminance(image), axis=axis)).mean(axis=1 - axis)


@pytest.mark.parametrize("axis", SEAMS)
def test_no_seam_where_tiles_meet(tiled, whole, axis):
    seam = SEAMS[axis]
    found, expected = (steps_between(each, axis)[seam] for each in (tiled, whole))
    # Measured: 0.01 and 0.03; 0.19 and 0.14 where strokes of other noise met.
    assert (found - expected).max() < 0.08 * expected.mean()
    assert found.mean() == pytest.approx(expected.mean(), rel=0.12)


def test_tiles_paint_nearly_the_strokes_of_the_whole(tiled, whole):
    difference = np.asarray(tiled, float) - np.asarray(whole, float)
    # Measured: 26.3 dB.
    assert 10 * np.log10(255**2 / np.mean(difference**2)) > 24


def test_tiles_together_have_the_style_as_the_whole_has(before, tiled, whole, engines):
    def grams(image, side):
        with opened(engines) as graphs:
            return style_grams(fine_graphs(StylizeOptions(), graphs), [WeightedStyle(image)], side)

    style = grams(small_style(), 216)

    def distance(image):
        found = grams(image, 200)
        return np.mean(
            [
                np.mean((found[name] - style[name]) ** 2) / np.mean(style[name] ** 2)
                for name in style
            ]
        )

    # Measured: 0.032, 0.016 and 0.59.
    assert distance(tiled) < 3 * distance(whole)
    assert distance(tiled) < 0.1 * distance(before)


@pytest.mark.parametrize("tile_pixels", [UNTILED, 14_000])
def test_a_flat_picture_gets_strokes_everywhere(engines, tile_pixels):
    flat = Image.new("RGB", (160, 96), (120, 140, 160))
    painted = luminance(paint_fine(job_for(flat, steps=3), engines, tile_pixels=tile_pixels))
    blocks = painted.reshape(3, 32, 5, 32).std(axis=(1, 3))
    assert blocks.min() > 0.5 * blocks.mean() > 1


@pytest.mark.parametrize("size", [(201, 143), (143, 201), (500, 64), (33, 33)])
def test_result_has_the_photo_s_size(engines, size):
    job = job_for(photo(*size), steps=1)
    assert paint_fine(job, engines, backend="fake", tile_pixels=FOUR_TILES).size == size


def test_seed_repeats_and_varies(engines):
    results = [
        np.asarray(
            paint_fine(
                job_for(photo(200, 144), steps=1, seed=seed),
                engines,
                backend="fake",
                tile_pixels=FOUR_TILES,
            )
        )
        for seed in (1, 1, 2)
    ]
    assert np.array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


def test_progress_runs_over_all_tiles_and_shows_the_whole_picture(engines):
    seen, shown = [], []

    def progress(state):
        seen.append(state)
        shown.append(state.draw())

    job = job_for(photo(200, 144), steps=3)
    paint_fine(job, engines, backend="fake", tile_pixels=FOUR_TILES, on_progress=progress)
    assert [each.step for each in seen] == list(range(1, 13))
    shares = [each.share for each in seen]
    assert shares == sorted(set(shares)) and shares[-1] == 1
    assert {(each.size, each.mode) for each in shown} == {((200, 144), "RGB")}


def test_previews_of_a_large_picture_are_small(engines):
    shown = []
    job = job_for(photo(1600, 800), steps=1)
    paint_fine(job, engines, backend="fake", on_progress=lambda each: shown.append(each.draw()))
    assert [each.size for each in shown] == [(1280, 640)]


@pytest.mark.parametrize("last", [1, 3, 4, 7])
def test_cancel_stops_within_each_tile(engines, last):
    cancel, seen = threading.Event(), []

    def progress(state):
        seen.append(state.step)
        if state.step == last:
            cancel.set()

    job = job_for(photo(200, 144), steps=2, cancel=cancel)
    with pytest.raises(Cancelled):
        paint_fine(job, engines, backend="fake", tile_pixels=FOUR_TILES, on_progress=progress)
    assert seen == list(range(1, last + 1))


class Measuring(FakeBackend):
    """Remembers the largest picture that a graph was loaded for."""

    largest: ClassVar[int] = 0

    def _load(self):
        Measuring.largest = max(Measuring.largest, self.width * self.height)


def test_memory_does_not_grow_with_the_picture(engines):
    """Graphs have a tile's size, and there is no float copy of the whole picture."""
    job = job_for(photo(2400, 1800), steps=1)
    tracemalloc.start()
    try:
        paint_fine(job, engines, backend=Measuring, tile_pixels=100_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 0 < Measuring.largest <= 100_000
    # Measured: 112 MB; a float copy of the picture has 52 MB. Pillow's memory is not traced.
    assert peak < 130_000_000
