"""Pictures as the network sees them, and the order in which an epoch draws them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from PIL import Image

from export.sources.vgg import MEAN_RGB
from export.training.dataset import Picture
from export.training.samples import Samples, augment, balanced_order, network_input
from tests.support.pictures import photo


@pytest.fixture
def folder(tmp_path):
    for number in range(4):
        photo(90 + 10 * number, 80).save(tmp_path / f"{number}.png")
    return tmp_path


PICTURES = tuple(Picture(f"{number}.png", number % 2) for number in range(4))


def test_classes_are_drawn_equally_often_whatever_their_size():
    labels = [0] * 90 + [1] * 10 + [2] * 50
    order = balanced_order(labels, seed=3, epoch=0)
    assert Counter(labels[index] for index in order) == {0: 50, 1: 50, 2: 50}
    # No picture is repeated before all of its class were drawn.
    assert max(Counter(order).values()) == 5
    assert balanced_order(labels, seed=3, epoch=0) == order
    assert balanced_order(labels, seed=3, epoch=1) != order


def test_what_is_random_depends_on_seed_epoch_and_position_only(folder):
    def drawn(epoch, positions, seed=1):
        samples = Samples(folder, PICTURES, side=32, seed=seed, epoch=epoch)
        return [samples[position][0] for position in positions][-1]

    # The last picture is the same in a whole epoch and in the rest of a resumed one.
    np.testing.assert_array_equal(drawn(0, range(4)), drawn(0, range(2, 4)))
    assert np.abs(drawn(0, [3]) - drawn(1, [3])).max() > 0.1
    assert np.abs(drawn(0, [3]) - drawn(0, [3], seed=2)).max() > 0.1
    same = Samples(folder, [PICTURES[0]] * 2, side=32, seed=1, epoch=0)
    assert np.abs(same[0][0] - same[1][0]).max() > 0.1


def test_pictures_to_validate_with_are_always_the_same(folder):
    samples = Samples(folder, PICTURES, side=40)
    pixels, label = samples[1]
    assert pixels.shape == (3, 40, 40) and pixels.dtype == np.float32 and label == 1
    np.testing.assert_array_equal(pixels, Samples(folder, PICTURES, side=40)[1][0])


@pytest.mark.parametrize("size", [(32, 200), (640, 480), (61, 47)], ids=str)
def test_augmented_pictures_vary_and_still_show_the_photo(size):
    image = photo(*size)
    rng = np.random.default_rng(0)
    made = [np.asarray(augment(image, 48, rng), np.float64) for _ in range(12)]
    assert {each.shape for each in made} == {(48, 48, 3)}
    assert min(np.abs(made[0] - each).mean() for each in made[1:]) > 3
    # Most of it shows the photo: the colours stay near its own.
    own = np.asarray(image, np.float64).mean()
    assert abs(np.mean(made) - own) < 30


def test_crop_and_rotation_do_not_distort_the_picture():
    """A square in the middle is rotated a little and enlarged at most, whatever the crop."""
    pixels = np.full((96, 96, 3), MEAN_RGB * 255, np.uint8)
    pixels[40:56, 40:56] = 255
    image = Image.fromarray(pixels)
    rng = np.random.default_rng(0)
    for _ in range(20):
        bright = np.asarray(augment(image, 96, rng), np.float64)[..., 0]
        found = np.argwhere(bright > bright[0, 0] + 40)
        height, width = found.max(0) - found.min(0)
        assert 14 < height < 34 and 14 < width < 34


def test_the_mean_colour_is_zero_for_the_network():
    colour = tuple(round(each * 255) for each in MEAN_RGB.tolist())
    assert np.abs(network_input(Image.new("RGB", (4, 4), colour))).max() < 0.02
