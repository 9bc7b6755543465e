"""Pictures as the network sees them, and the order in which an epoch draws them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from PIL import Image

from export.sources.vgg import MEAN_RGB
from export.training.data import Picture
from export.training.samples import Samples, augmented, balanced_order, network_input
from tests.support.pictures import photo


@pytest.fixture
def folder(tmp_path):
    for number in range(4):
        photo(90 + 10 * number, 80).save(tmp_path / f"{number}.png")
    return tmp_path


PICTURES = tuple(Picture(f"{number}.png", number % 2) for number in range(4))


def test_classes_are_drawn_alike_however_many_pictures_they_have():
    labels = [0] * 90 + [1] * 10 + [2] * 50
    order = balanced_order(labels, seed=3, epoch=0)
    assert Counter(labels[index] for index in order) == {0: 50, 1: 50, 2: 50}
    # No picture comes again before its class is through.
    assert max(Counter(order).values()) == 5
    assert balanced_order(labels, seed=3, epoch=0) == order
    assert balanced_order(labels, seed=3, epoch=1) != order


def test_what_is_random_depends_on_seed_epoch_and_place_only(folder):
    def drawn(epoch, first, index):
        pictures = PICTURES[first:]
        samples = Samples(folder, pictures, side=32, seed=1, epoch=epoch, first=first)
        return samples[index][0]

    np.testing.assert_array_equal(drawn(0, 0, 3), drawn(0, 2, 1))
    assert np.abs(drawn(0, 0, 3) - drawn(1, 0, 3)).max() > 0.1


def test_pictures_to_validate_with_are_always_the_same(folder):
    samples = Samples(folder, PICTURES, side=40)
    pixels, label = samples[1]
    assert pixels.shape == (3, 40, 40) and pixels.dtype == np.float32 and label == 1
    np.testing.assert_array_equal(pixels, Samples(folder, PICTURES, side=40)[1][0])


@pytest.mark.parametrize("size", [(32, 200), (640, 480), (61, 47)], ids=str)
def test_augmented_pictures_vary_and_stay_pictures(size):
    image = photo(*size)
    rng = np.random.default_rng(0)
    made = [np.asarray(augmented(image, 48, rng), np.float64) for _ in range(12)]
    assert {each.shape for each in made} == {(48, 48, 3)}
    assert min(np.abs(made[0] - each).mean() for each in made[1:]) > 3
    # Most of it shows the photo: the colours stay near its own.
    own = np.asarray(image, np.float64).mean()
    assert abs(np.mean(made) - own) < 30


def test_cut_and_turn_show_the_picture_undistorted():
    """A square in the middle is turned a little and enlarged at the most, whatever the cut."""
    pixels = np.full((96, 96, 3), MEAN_RGB * 255, np.uint8)
    pixels[40:56, 40:56] = 255
    image = Image.fromarray(pixels)
    rng = np.random.default_rng(0)
    for _ in range(20):
        bright = np.asarray(augmented(image, 96, rng), np.float64)[..., 0]
        found = np.argwhere(bright > bright[0, 0] + 40)
        height, width = found.max(0) - found.min(0)
        assert 14 < height < 34 and 14 < width < 34


def test_the_mean_colour_is_zero_for_the_network():
    colour = tuple(round(each * 255) for each in MEAN_RGB.tolist())
    assert np.abs(network_input(Image.new("RGB", (4, 4), colour))).max() < 0.02
