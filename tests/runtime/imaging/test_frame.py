from __future__ import annotations

import numpy as np
import pytest

from runtime.imaging.frame import frame_for
from runtime.imaging.limits import LEAST_SIDE
from runtime.imaging.reading import to_array
from tests.support.pictures import photo

PHOTOS = [(4000, 3000), (300, 400), (1000, 999), (2000, 100), (33, 2000)]


@pytest.mark.parametrize("size", PHOTOS, ids=str)
@pytest.mark.parametrize("multiple, margin", [(4, 0), (16, 8)])
def test_free_frame_keeps_the_aspect_within_a_pixel(size, multiple, margin):
    frame = frame_for(size, longest=384, multiple=multiple, margin=margin)
    for whole, part, side in zip(frame.size, frame.inner, size):
        assert whole % multiple == 0 and whole >= max(LEAST_SIDE, part + 2 * margin)
        assert abs(part - side * (384 - 2 * margin) / max(size)) <= 1
    assert max(frame.size) == 384


@pytest.mark.parametrize("size", PHOTOS, ids=str)
def test_fixed_frame_has_the_nearest_aspect_and_the_photo_fills_it_where_it_can(size):
    sizes = [(384, 384), (384, 288), (288, 384), (512, 288)]
    frame = frame_for(size, longest=400, multiple=16, margin=8, sizes=sizes)
    expected = {(4000, 3000): (384, 288), (2000, 100): (384, 288)}
    expected.update({(300, 400): (288, 384), (33, 2000): (288, 384), (1000, 999): (384, 384)})
    assert frame.size == expected[size]
    room = tuple(whole - 16 for whole in frame.size)
    assert all(part <= most for part, most in zip(frame.inner, room))
    assert (frame.inner == room) == (max(size) < 2 * min(size))


def test_photo_is_stretched_so_far_and_no_farther():
    def inner(width):
        return frame_for((width, 1000), longest=384, multiple=16, sizes=[(384, 384)]).inner

    assert inner(1000) == inner(1190) == (384, 384)
    assert inner(2400) == (384, round(384 * 1.2 / 2.4))
    assert frame_for((1000, 2400), longest=384, multiple=16, sizes=[(384, 384)]).inner == (192, 384)


def test_what_is_put_in_is_cut_out_and_reflected_around():
    picture = photo(90, 60)
    frame = frame_for(picture.size, longest=96, multiple=16, margin=8)
    whole = frame.put(picture)
    assert whole.shape == (1, 3, frame.size[1], frame.size[0]) and whole.dtype == np.float32
    inner = frame.cut(whole)
    np.testing.assert_array_equal(inner, to_array(picture.resize(frame.inner, 1)))
    left = (frame.size[0] - frame.inner[0]) // 2
    np.testing.assert_array_equal(whole[..., left - 1], whole[..., left + 1])
