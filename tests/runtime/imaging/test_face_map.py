"""The maps of where a painting stays close to the photo."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from runtime.imaging.face_map import Face, face_map, mask_map

FACE = Face(left=200, top=100, width=100, height=130, score=0.9)
PICTURE = (640, 480)


def at(found, x, y, picture=PICTURE):
    """The map's value at a point of the picture."""
    height, width = found.shape
    return found[int(y * height / picture[1]), int(x * width / picture[0])]


def test_without_faces_it_is_zero():
    found = face_map((), PICTURE, (32, 24))
    assert found.shape == (24, 32) and found.dtype == np.float32 and not found.any()


@pytest.mark.parametrize("size", [(640, 480), (160, 120), (96, 96)], ids=str)
def test_it_covers_the_face_and_the_chin_and_reaches_into_the_hair(size):
    found = face_map([FACE], PICTURE, size)
    assert found.shape == size[::-1] and found.dtype == np.float32
    assert found.min() == 0 and found.max() == 1
    assert at(found, 250, 160) == 1, "the middle of the face"
    assert at(found, 250, 225) > 0.8, "the chin"
    assert 0.2 < at(found, 250, 78) < 1, "the hair"
    assert at(found, 250, 290) == 0 and at(found, 100, 160) == 0, "away from the face"


def test_its_edge_is_soft():
    found = face_map([FACE], PICTURE, PICTURE)
    slopes = np.concatenate([np.abs(np.diff(found, axis=axis)).ravel() for axis in (0, 1)])
    # From 1 to 0 over a quarter of the face's width, most steeply in the middle.
    assert slopes.max() < 0.08


def test_where_faces_overlap_the_larger_value_counts():
    other = Face(left=270, top=130, width=100, height=130, score=0.9)
    both = face_map([FACE, other], PICTURE, PICTURE)
    each = [face_map([face], PICTURE, PICTURE) for face in (FACE, other)]
    np.testing.assert_array_equal(both, np.maximum(*each))


def test_a_face_may_reach_beyond_the_edge():
    cut_off = Face(left=-50, top=100, width=100, height=130, score=0.9)
    found = face_map([cut_off], PICTURE, PICTURE)
    assert at(found, 0, 160) == 1 and at(found, 100, 160) == 0
    outside = Face(left=900, top=100, width=100, height=130, score=0.9)
    assert not face_map([outside], PICTURE, PICTURE).any()


def left_half(mode, black, white):
    """A mask of 40 x 20 whose left half is white."""
    mask = Image.new(mode, (40, 20), black)
    mask.paste(white, (0, 0, 20, 20))
    return mask


MASKS = {
    "1": left_half("1", 0, 1),
    "L": left_half("L", 0, 255),
    "P": left_half("L", 0, 255).convert("P"),
    "RGB": left_half("RGB", (0, 0, 0), (255, 255, 255)),
    "CMYK": left_half("RGB", (0, 0, 0), (255, 255, 255)).convert("CMYK"),
    "I;16": Image.fromarray(np.array([[65535] * 20 + [0] * 20] * 20, np.uint16)),
    "F": Image.fromarray(np.array([[1.0] * 20 + [0.0] * 20] * 20, np.float32)),
    "white on nothing": left_half("RGBA", (255, 255, 255, 0), (255, 255, 255, 255)),
}


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("size", [(40, 20), (80, 60), (8, 4)], ids=str)
def test_white_is_one_in_a_mask_of_any_mode_and_size(mask, size):
    found = mask_map(mask, size)
    assert found.shape == size[::-1] and found.dtype == np.float32
    assert found[:, : size[0] // 2 - 2].min() == 1
    assert found[:, size[0] // 2 + 2 :].max() == 0


def test_grey_is_between():
    assert mask_map(Image.new("L", (30, 30), 51), (10, 10)) == pytest.approx(0.2)
    assert mask_map(Image.new("LA", (30, 30), (255, 51)), (10, 10)) == pytest.approx(0.2)
